"""Secrets are planted in the settings, and no command says them, nor does the list of processes."""

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from wxbot.cli import cli
from wxbot.db import migrate
from wxbot.qrcodes import batch

SECRETS = {
    "secret_key": "canary0of0the0secret0key0long0enough",
    "secret": "canary0of0the0appsecret000000000",
    "token": "canary0callback0token0x",
    "aes_key": "CanaryOfTheAesKey0123456789CanaryOfTheAesKe",
    "redis": "canaryRedisPassword",
    "database": "canaryDatabasePassword",
}
DEAD_DATABASE = f"postgresql+psycopg://wxbot:{SECRETS['database']}@127.0.0.1:9/wxbot"
DEAD_REDIS = f"redis://:{SECRETS['redis']}@127.0.0.1:9/0"
CONFIG = f"""
secret_key = "{SECRETS["secret_key"]}"
redis.url = "{DEAD_REDIS}"
handlers.packages = ["handlers"]
[accounts.default]
appid = "wx0123456789abcdef"
secret = "{SECRETS["secret"]}"
token = "{SECRETS["token"]}"
aes_key = "{SECRETS["aes_key"]}"
api_base = "http://127.0.0.1:9"
"""
OPENID = "oCanaryOfAnOpenid0123456789a"
# These go on until somebody ends them; those that read the settings are looked at as processes.
ENDLESS = {"dev", "serve", "worker", "emulator"}
# What is given to a parameter of this name, wherever it is asked for.
GIVEN = {
    **{"scene": "vip", "name": "vip", "names": "vip", "content": "您好", "key": "HELP", "number": "7"},
    **{"id": "0011223344556677", "keys": "0011223344556677", "person": "ab" * 16, "openid": OPENID},
    **{"folder": "out", "target": "sheet.html", "file": "given.csv", "role": "viewer", "revision": "9999"},
    **{"url": "https://shop.example.com/hook", "source": DEAD_DATABASE},
}
OPTIONS = {"--url": "http://127.0.0.1:9/wechat", "--password-file": "password.txt"}


def leaves(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for word, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, *path, word)
        else:
            yield (*path, word), command


def arguments(path: tuple[str, ...], command: click.Command) -> list[str]:
    """Return a command line for a command: every argument, and the options without which it would wait."""
    line = list(path)
    for each in command.params:
        if isinstance(each, click.Argument):
            assert each.name in GIVEN, f"{' '.join(path)}: say above what `{each.name}` is to be"
            line.append(GIVEN[each.name])
        for option in set(each.opts) & set(OPTIONS) if path[0] in ("simulate", "admin") else ():
            line += [option, OPTIONS[option]]
        if "--json" in each.opts:
            line.append("--json")
    return line


COMMANDS = [
    arguments(path, command) for path, command in leaves(cli) if path[0] not in ENDLESS and path[-1] != "tail"
]


@pytest.fixture
def planted(project: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a project whose settings are canaries."""
    project.write("config.toml", CONFIG)
    project.write("given.csv", "scene,caption\nvip,one\n")
    project.write("password.txt", "two words and a tree\n")
    monkeypatch.chdir(project.folder)
    # However long a batch waits, no WeChat answers.
    monkeypatch.setattr(batch, "_PAUSES", (0.01, 0.01, 0.01))
    monkeypatch.setattr(batch, "_LONGEST_WAIT_SECONDS", 0)
    migrate.upgrade("sqlite:///var/wxbot.db")
    folder: Path = project.folder
    return folder


def sung(what: str, text: str) -> list[str]:
    """Return where a canary sings: its beginning is enough."""
    return [f"{what}: {name}" for name, secret in SECRETS.items() if secret[:16] in text]


@pytest.mark.parametrize("database", ["sqlite:///var/wxbot.db", DEAD_DATABASE], ids=["here", "away"])
def test_no_command_says_a_secret(planted: Path, database: str) -> None:
    found, codes, raised = [], {}, {}
    for line in COMMANDS:
        environment = {"WXBOT_DATABASE__URL": database, "WXBOT_JOBS__BACKEND": "redis"}
        result = CliRunner().invoke(cli, line, env=environment, input="y\n" * 5)
        told = "".join(traceback.format_exception(result.exception)) if result.exception else ""
        codes[" ".join(line)] = result.exit_code
        found += sung(" ".join(line), f"{result.output} {result.stderr} {told}")
        if result.exception and not isinstance(result.exception, SystemExit):
            raised[" ".join(line)] = told.splitlines()[-1]

    assert found == [] and raised == {}
    assert len(codes) > 60 and 0 in codes.values() and 1 in codes.values()
    for file in planted.rglob("*"):
        if file.is_file() and file.name != "config.toml" and "__pycache__" not in file.parts:
            found += sung(file.name, file.read_bytes().decode("latin-1"))
    assert found == []


def test_the_list_of_processes_shows_no_secret(planted: Path, project: Any) -> None:
    (planted / "var" / "wxbot.db").unlink()
    served = project.start("serve", "--bind", "127.0.0.1:0", "--workers", "1")
    served.wait_for("Booting worker with pid")
    served.wait_for("does up to . jobs at a time")

    shown = {pid: _shown(pid) for pid in _family(served.process.pid)}

    assert sum("gunicorn" in text for text in shown.values()) >= 2
    assert any("worker" in text for text in shown.values())
    assert [each for pid, text in shown.items() for each in sung(f"process {pid}", text)] == []
    assert sung("the log", served.output) == []


def _family(pid: int) -> Iterator[int]:
    """Yield a process and all that come from it."""
    yield pid
    for each in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in each.read_text().split():
            yield from _family(int(child))


def _shown(pid: int) -> str:
    """Return what others see of a process: its command line, and its user its environment."""
    return "\n".join(
        Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace").replace("\0", " ")
        for name in ("cmdline", "environ")
    )
