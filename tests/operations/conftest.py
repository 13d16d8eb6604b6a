"""A folder with a configuration that works, and gunicorn on the settings that are shipped."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFIG = """
secret_key = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c"
[handlers]
packages = []
[accounts.default]
appid = "wx0123456789abcdef"
token = "K8mQ2vR7xW4nB9tY"
aes_key = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
"""
SECONDS = 60


class Server:
    """A gunicorn that runs; `log` is what it has said so far."""

    def __init__(self, folder: Path, app: str, variables: dict[str, str]) -> None:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("WXBOT_", "GUNICORN_", "WEB_CONCURRENCY", "PROMETHEUS_", "COV_"))
        }
        self._log = folder / "gunicorn.log"
        command = ["-m", "gunicorn", "--config", str(ROOT / "gunicorn.conf.py"), "--bind", "127.0.0.1:0", app]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command], cwd=folder, env=inherited | variables, stdout=log, stderr=log
            )
        try:
            self.port = int(self.wait_for(r"Listening at: http://127\.0\.0\.1:(\d+)"))
        except AssertionError:
            self.end(signal.SIGKILL)
            raise

    @property
    def log(self) -> str:
        return self._log.read_text()

    def wait_for(self, pattern: str) -> str:
        """Wait until the log has the pattern; return its group."""
        give_up_at = time.monotonic() + SECONDS
        while time.monotonic() < give_up_at:
            if found := re.search(pattern, self.log):
                return found[1] if found.groups() else found[0]
            assert self.process.poll() is None, self.log
            time.sleep(0.05)
        raise AssertionError(f"no {pattern!r} in:\n{self.log}")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> str:
        """Return the body of a page."""
        with urllib.request.urlopen(f"{self.url}{path}", timeout=SECONDS) as answer:
            body: bytes = answer.read()
        return body.decode()

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a working directory with a configuration."""
    (tmp_path / "config.toml").write_text(CONFIG)
    return tmp_path


@pytest.fixture
def serve(folder: Path) -> Iterator[Callable[..., Server]]:
    """Return a function that starts gunicorn with an app, and settings from the environment."""
    started: list[Server] = []

    def start(app: str = "wxbot.app:create_app()", **variables: str) -> Server:
        started.append(Server(folder, app, variables))
        return started[-1]

    yield start
    for server in started:
        server.end()
