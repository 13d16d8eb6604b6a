"""What README and docs show works: Python runs, TOML is a configuration, commands exist."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wxbot.cli import cli
from wxbot.settings import describe, from_data

# Commands that are not ours and may stand in an instruction.
FOREIGN = {
    "cd",
    "cp",
    "curl",
    "git",
    "python3",
    "gunicorn",
    "systemctl",
    "sudo",
    "nginx",
    "docker",
    "pytest",
    "pip",
}
KEYS = {(setting.section, setting.key) for setting in describe()}


def blocks(root: Path, *languages: str) -> Iterator[tuple[Path, str]]:
    for page in [*sorted(root.glob("*.md")), *sorted((root / "docs").rglob("*.md"))]:
        for language, block in re.findall(
            r"^```(\w+)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL
        ):
            if language in languages:
                yield page.relative_to(root), block


def test_python_runs(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # The blocks of one page build on each other, as they do for its reader.
    pages: dict[Path, dict[str, Any]] = {}
    for page, block in blocks(root, "python", "py"):
        exec(compile(block, str(page), "exec"), pages.setdefault(page, {"__name__": "example"}))

    assert pages


def test_toml_is_a_configuration(root: Path) -> None:
    pages = []
    for page, block in blocks(root, "toml"):
        data = tomllib.loads(block)
        # An example shows no secrets that would work.
        data["secret_key"] = "ab12cd34ef56ab78cd90ef12ab34cd56"
        for account in data.setdefault("accounts", {"default": {}}).values():
            account.update(appid="wx0123456789abcdef", token="ab12cd34ef56gh78", aes_key="ab12c" * 8 + "abc")
            for key in [key for key in account if key.endswith("_file")]:
                assert ("accounts.default", key.removesuffix("_file")) in KEYS
                del account[key]
        from_data({key: value for key, value in data.items() if not key.endswith("_file")})
        pages.append(page)

    assert pages


def commands(block: str) -> Iterator[list[str]]:
    for line in block.replace("\\\n", " ").splitlines():
        words = shlex.split(line.removeprefix("$ "), comments=True)
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            words.pop(0)
        if words:
            yield [words[0].removeprefix(".venv/bin/"), *words[1:]]


def test_commands_exist(root: Path) -> None:
    targets = re.findall(r"^([a-z]+):", (root / "Makefile").read_text(), re.MULTILINE)
    unknown = []
    for page, block in blocks(root, "bash", "sh", "console"):
        for program, *arguments in commands(block):
            ours = {"make": targets, "wxbot": list(cli.commands)}.get(program)
            named = arguments[0] if arguments else ""
            if program not in FOREIGN and (ours is None or (named not in ours and not named.startswith("-"))):
                unknown.append(f"{page}: {program} {named}")

    assert not unknown
