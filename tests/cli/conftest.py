"""A project of a deployer's own in an empty folder, and the command line run in it."""

import importlib
import logging
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

import pytest
from click.testing import CliRunner

from wxbot.cli import cli
from wxbot.emulator.threaded import run_emulator
from wxbot.emulator.world import APPID, SECRET, World

CONFIG = """
secret_key = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c"

[server]
public_url = "https://bot.example.com"

[accounts.default]
appid = "wx0123456789abcdef"
secret = "4f1b2b0b822cd15d6c15b0f00a08aa11"
token = "K8mQ2vR7xW4nB9tY"
aes_key = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
"""

HANDLERS = '''
"""What is scanned in these tests."""

from pathlib import Path

from wxbot import Plugin, Scan

plugin = Plugin("shop")


@plugin.scene("vip")
def vip(scan: Scan) -> str:
    with Path("runs.txt").open("a") as runs:
        runs.write("once ")
    return "你好"


@plugin.scene("shop:<int:shop_id>")
def shop(scan: Scan, shop_id: int) -> str:
    return f"店铺 {shop_id}"


@plugin.click("HELP")
def help_text(click: object) -> str:
    return "帮助"
'''

SECONDS = 90


class Started:
    """A command that runs beside the test; its output is collected in a file."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        self._log = folder / f"output-{time.monotonic_ns()}.txt"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return self._log.read_text(errors="replace")

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until the output has this pattern; return the match."""
        give_up_at = time.monotonic() + SECONDS
        while time.monotonic() < give_up_at:
            # Looked at before the output is: what it printed last must not be missed.
            has_ended = self.process.poll() is not None
            if found := re.search(pattern, self.output):
                return found
            assert not has_ended, f"it ended with {self.process.returncode}:\n{self.output}"
            time.sleep(0.05)
        raise AssertionError(f"no {pattern!r} in:\n{self.output}")

    def port(self) -> str:
        """Wait until a server answers, and return its port.

        It listens before its workers have loaded the app, while a delivery has five seconds and no other try.
        """
        port = self.wait_for(r"Listening at: http://127\.0\.0\.1:(\d+)")[1]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=SECONDS) as answer:
            assert answer.status == 200
        return port

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it and return its exit code."""
        self.process.send_signal(how)
        return self.process.wait(SECONDS)


class Project:
    """A folder with handlers, a configuration that would work in it, and commands that are run there."""

    config = CONFIG

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[Started] = []

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, in this process: many times as fast as in one of its own."""
        with _as_in_a_process(self.folder, self._environment(variables)):
            done = CliRunner().invoke(cli, arguments, prog_name="wxbot")
        if not isinstance(done.exception, SystemExit | None):
            raise done.exception
        return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)

    def run_apart(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end in a process of its own."""
        return subprocess.run(
            self._command(arguments),
            cwd=self.folder,
            env=self._environment(variables),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def start(self, *arguments: str, **variables: str) -> Started:
        """Run a command beside the test."""
        started = Started(self._command(arguments), self.folder, self._environment(variables))
        self.started.append(started)
        return started

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        # Not in the environment: gunicorn, which is started with it, leaks a socket of its own.
        return [sys.executable, "-W", "error::ResourceWarning", "-m", "wxbot", *arguments]

    def _environment(self, variables: dict[str, str]) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("WXBOT_", "GUNICORN_", "WEB_CONCURRENCY", "COV_"))
        }
        return inherited | variables


@contextmanager
def _as_in_a_process(folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """Give a command the folder, the environment, the modules and the log that it had in its own process."""
    root, before = logging.getLogger(), Path.cwd()
    handlers, level = list(root.handlers), root.level
    with ExitStack() as patched:
        patched.enter_context(mock.patch.object(sys, "path", [str(folder), *sys.path]))
        patched.enter_context(mock.patch.dict(os.environ, environment, clear=True))
        patched.enter_context(_modules_of(folder))
        os.chdir(folder)
        # Without handlers, warnings go to the standard error output, where a user reads them.
        root.handlers.clear()
        root.setLevel(logging.WARNING)
        try:
            yield
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)
            os.chdir(before)


@contextmanager
def _modules_of(folder: Path) -> Iterator[None]:
    """Let nothing hide the modules of a folder, and forget them afterwards."""
    named = {path.stem for path in folder.iterdir()}
    hiding = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in named}
    for name in hiding:
        del sys.modules[name]
    importlib.invalidate_caches()
    try:
        yield
    finally:
        _forget_modules_of(folder)
        sys.modules.update(hiding)


def _forget_modules_of(folder: Path) -> None:
    """Commands that ran in this process have imported handlers; others have some of the same name."""
    for name, module in list(sys.modules.items()):
        places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
        if any(str(place).startswith(f"{folder}/") for place in places):
            del sys.modules[name]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Return a project with three handlers and no configuration; what it started is ended after the test."""
    monkeypatch.setattr(sys, "path", list(sys.path))  # to which such commands add the project
    project = Project(tmp_path)
    project.write("handlers/__init__.py", '"""Handlers."""\n')
    project.write("handlers/shop.py", HANDLERS)
    yield project
    _forget_modules_of(tmp_path)
    for started in project.started:
        if started.process.poll() is None:
            started.process.terminate()
            try:
                started.process.wait(10)
            except subprocess.TimeoutExpired:
                started.process.kill()
                started.process.wait()


@pytest.fixture
def configured(project: Project) -> Project:
    """Return the project with a configuration that works."""
    project.write("config.toml", CONFIG)
    return project


@pytest.fixture(scope="module")
def listening() -> Iterator[tuple[World, str]]:
    """One emulator for the tests of this module, with its address."""
    world = World()
    with run_emulator(world) as running:
        yield world, running.url


@pytest.fixture
def world(project: Project, listening: tuple[World, str]) -> World:
    """The emulated WeChat of the project."""
    world, url = listening
    world.reset()
    project.write(
        "config.toml",
        f"""
secret_key = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c"
[server]
public_url = "https://bot.example.com"
[accounts.default]
appid = "{APPID}"
secret = "{SECRET}"
token = "K8mQ2vR7xW4nB9tY"
mode = "plain"
api_base = "{url}"
mp_base = "{url}"
""",
    )
    return world
