"""What deploy/ holds, as data: services of the compose file, lines of the units, texts put to places here."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from bench.faults.processes import AES_KEY, APPID, TOKEN

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
GIVEN = {"APPID": APPID, "PUBLIC_URL": "https://bot.example.com"}
SECRETS = {
    "secret-key": "the secret key of a deployment in tests",
    "appsecret": "0123456789abcdef0123456789abcdef",
    "token": TOKEN,
    "aes-key": AES_KEY,
}


def placed(text: str, places: Mapping[str, str]) -> str:
    """Return a shipped text with places of this machine; each that is replaced has to be in it."""
    for shipped, here in places.items():
        assert shipped in text, f"{shipped!r} is not in the shipped file any more"
        text = text.replace(shipped, here)
    return text


def compose() -> dict[str, Any]:
    """Return the compose file."""
    content: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return content


def ours() -> dict[str, dict[str, Any]]:
    """Return the services that run wxbot."""
    return {
        name: service for name, service in compose()["services"].items() if service["image"][:6] == "wxbot:"
    }


def environment(service: str, places: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that compose gives a service, with places of this machine."""
    found = {}
    for name, value in ours()[service]["environment"].items():
        filled = re.sub(r"\$\{(\w+):[^}]*\}", lambda match: GIVEN[match[1]], value)
        for shipped, here in places.items():
            filled = filled.replace(shipped, here)
        found[name] = filled
    return found


def command(words: list[str]) -> list[str]:
    """Return a command of the container with the programs of this environment."""
    return [str(Path(sys.executable).with_name(words[0])), *words[1:]]


def unit(name: str) -> dict[str, list[str]]:
    """Return the lines of a systemd unit by their key, sections aside; no key is in two of them."""
    lines: dict[str, list[str]] = {}
    for line in (DEPLOY / "systemd" / name).read_text().splitlines():
        if line and line[0] not in "#[":
            key, _, value = line.partition("=")
            lines.setdefault(key, []).append(value)
    return lines


def seconds(text: str) -> int:
    """Return a duration of compose or systemd, as in 20s or 20, in seconds."""
    return int(text.removesuffix("s"))
