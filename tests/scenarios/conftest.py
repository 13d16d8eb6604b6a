"""A bot under gunicorn as shipped: two workers, threads, its own folder with a configuration and handlers."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from wxbot.emulator import wire
from wxbot.emulator.push import Delivery, Exchange, Pusher
from wxbot.emulator.wire import Push, Sender

TOKEN = "scenario0callback0token"
AES_KEY = "scenarioscenarioscenarioscenarioscenario123"
APPID = "wx0000000000000001"
GUNICORN_CONF = Path(__file__).parents[2] / "gunicorn.conf.py"
CONFIG = """
secret_key = "the secret key of the scenarios, long enough"
[database]
url = "sqlite:///wxbot.db"
[accounts.default]
appid = "{appid}"
token = "{token}"
aes_key = "{aes_key}"
mode = "{mode}"
"""


@dataclass
class Served:
    """A running bot: where it is, and the account WeChat pushes for."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    sender: Sender
    pusher: Pusher = field(default_factory=Pusher)

    @property
    def url(self) -> str:
        """Return the callback URL."""
        return f"http://127.0.0.1:{self.port}/wechat"

    def push(self, push: Push, *, repeats: int = 0) -> Delivery:
        """Deliver a push as WeChat does."""
        return self.pusher.send(push, self.sender, url=self.url, repeats=repeats)

    def scan(self, openid: str, scene: str, *, at: int | None = None) -> Exchange:
        """Let a follower scan a code and return the one exchange it took."""
        push = wire.scan(openid, at or int(time.time()), scene=scene, ticket="gQ_t")
        delivery = self.push(push)
        assert len(delivery.exchanges) == 1, [each.verdict.reason for each in delivery.exchanges]
        return delivery.exchanges[0]

    def log(self) -> str:
        """Return what the server has written so far."""
        return (self.folder / "server.log").read_text()

    def logged(self, *words: str) -> str:
        """Return the log as soon as it has all these words: a thread writes it, after the answer."""
        give_up_at = time.monotonic() + 20
        while not all(word in (said := self.log()) for word in words):
            assert time.monotonic() < give_up_at, said
            time.sleep(0.05)
        return said


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Return a function that starts the bot with these handlers and waits until it answers."""
    running: list[Served] = []

    def start(handlers: str, *, mode: str = "safe") -> Served:
        # Each further one has a folder, and so a database, of its own.
        folder = tmp_path / f"bot-{len(running)}" if running else tmp_path
        (folder / "handlers").mkdir(parents=True)
        (folder / "handlers" / "__init__.py").write_text("")
        (folder / "handlers" / "scenario.py").write_text(handlers)
        config = CONFIG.format(appid=APPID, token=TOKEN, aes_key=AES_KEY, mode=mode)
        (folder / "config.toml").write_text(config)
        running.append(_started(folder, mode))
        return running[-1]

    yield start
    for served in running:
        served.process.send_signal(signal.SIGTERM)
        try:
            served.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            served.process.kill()
            served.process.wait()


def _started(folder: Path, mode: str) -> Served:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("WXBOT_")}
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "-c",
        str(GUNICORN_CONF),
        "-b",
        f"127.0.0.1:{port}",
        "wsgi:app",
    ]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    sender = Sender(appid=APPID, token=TOKEN, aes_key=AES_KEY, gh_id="gh_1", mode=mode)  # type: ignore[arg-type]
    served = Served(folder=folder, port=port, process=process, sender=sender)
    give_up_at = time.monotonic() + 90
    while not _is_ready(port):
        assert process.poll() is None, served.log()
        assert time.monotonic() < give_up_at, served.log()
        time.sleep(0.1)
    return served


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.HTTPError):
        return False
