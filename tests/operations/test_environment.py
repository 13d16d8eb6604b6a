"""What handlers find in the environment of their process: no secret, of wxbot or of a plugin."""

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CURIOUS = '''
"""A handler that tells what it finds in the environment, and whether its plugin has its secret."""

import os

from pydantic import BaseModel, SecretStr
from wxbot import Plugin, Scan


class Config(BaseModel):
    phrase: SecretStr


plugin = Plugin("curious", config=Config)


@plugin.scene("code")
def tell(scan: Scan, config: Config) -> str:
    seen = ",".join(sorted(value for value in os.environ.values() if "canary" in value))
    return f"{os.getpid()}: {len(config.phrase.get_secret_value())} {seen}."
'''
PHRASE = "canary of a plugin"
VARIABLES = {
    "WXBOT_HANDLERS__PACKAGES": "curious",
    "WXBOT_SECRET_KEY": "canary of the secret key, long enough",
    "WXBOT_ACCOUNTS__DEFAULT__SECRET": "canary0of0the0appsecret000000000",
    "WXBOT_PLUGINS__CURIOUS__PHRASE": PHRASE,
    "SHOP_SECRET": "canary of the shop, which is the handler's own",
}
FOUND = f"{len(PHRASE)} {VARIABLES['SHOP_SECRET']}"


@pytest.fixture
def curious(folder: Path) -> Path:
    """Return a working directory with a handler that looks around."""
    (folder / "curious").mkdir()
    (folder / "curious" / "__init__.py").write_text(CURIOUS)
    return folder


def told(server: Any, folder: Path, openid: str) -> tuple[str, str]:
    """Return what the handler tells somebody who scans: its process, and what it has found."""
    command = [sys.executable, "-m", "wxbot", "simulate", "scan", "code", "--openid", openid]
    command += ["--url", f"{server.url}/wechat"]
    server.get("/healthz")  # it listens before its workers can answer, and a scan waits for five seconds only
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
    found = re.search(r"(\d+): (\d+ .*canary.*)\.", said)
    assert found, said
    return found[1], found[2]


@pytest.mark.parametrize("arguments", ["", "--preload"])
def test_handlers_find_no_secret_and_their_plugin_has_its_own(
    serve: Callable[..., Any], curious: Path, arguments: str
) -> None:
    server = serve(**VARIABLES, GUNICORN_CMD_ARGS=arguments, WEB_CONCURRENCY="1")
    first, found = told(server, curious, "o-ailin-111111111")
    assert found == FOUND

    server.process.send_signal(signal.SIGHUP)
    server.wait_for(r"(?s)(Booting worker with pid.*){2}")
    server.wait_for("Worker exiting")
    second, found = told(server, curious, "o-bo-22222222222")

    assert found == FOUND and first != second
