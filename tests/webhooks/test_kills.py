"""Nothing that was to be told is lost with a worker, and what is told twice is told under one id."""

import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.webhooks.conftest import Post
from tests.webhooks.receiver import Receiver, say

# It has workers of its own, which are to get on with their work between two kills.
pytestmark = pytest.mark.alone

DELIVERIES, KILLS = 30, 4


class Workers:
    """One worker at a time, which can be killed."""

    def __init__(self, url: str, queue: Path) -> None:
        program = str(Path(__file__).with_name("worker.py"))
        self._command = [sys.executable, program, url, str(queue)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start one."""
        self._process = subprocess.Popen(self._command)

    def kill(self) -> None:
        """Kill it, whatever it is doing."""
        assert self._process is not None and self._process.poll() is None
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End what still runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def workers(url: str, tmp_path: Path) -> Iterator[Workers]:
    """Return what starts workers."""
    workers = Workers(url, tmp_path / "queue.db")
    yield workers
    workers.close()


def slowly(line: socket.socket, closed: threading.Event) -> None:
    """Take a message, and say so a while later."""
    time.sleep(0.1)
    say(200)(line, closed)


@pytest.mark.timeout(600)
def test_no_delivery_is_lost_with_its_worker(post: Post, site: Receiver, workers: Workers) -> None:
    made = post.add(site.url)
    site.usual = slowly
    ids = [id for number in range(DELIVERIES) for id in post.publish(number=number)]

    for _ in range(KILLS):
        before = len(site.requests)
        workers.start()
        site.wait_for(before + 3, seconds=90)  # which are being answered now
        workers.kill()
    workers.start()
    give_up_at = time.monotonic() + 90
    while {each.state for each in post.deliveries()} != {"delivered"}:
        assert time.monotonic() < give_up_at, Counter(each.state for each in post.deliveries())
        time.sleep(0.1)

    seen = Counter(request.id for request in site.requests)
    assert set(seen) == {f"msg_{id.hex()}" for id in ids}
    assert all(request.opened(made.secret) for request in site.requests)
    # Twice only where nobody saw how it ended, and the log says so.
    lost = [each for id in ids for each in post.attempts(id) if "worker was lost" in (each.detail or "")]
    assert sum(seen.values()) - len(seen) <= len(lost) <= 2 * KILLS
