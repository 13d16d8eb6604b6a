"""The five seconds are for the whole answer, however slowly it comes, and lateness is told as such."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer

import pytest
import requests

from wxbot.emulator import wire
from wxbot.emulator.deadline import DeadlineAdapter
from wxbot.emulator.push import Pusher, over_http
from wxbot.emulator.rules import Rules
from wxbot.emulator.world import Account

Trickle = Callable[..., str]
LEAVE = wire.unfollow("o1", 1)
HEADERS = b"HTTP/1.1 200 OK\r\n"
SIZED = HEADERS + b"Content-Length: 900\r\n\r\n"
CHUNKED = HEADERS + b"Transfer-Encoding: chunked\r\n\r\n"
# Only the end of the connection ends this answer, so that half of it looks like all of it.
UNSIZED = HEADERS + b"Connection: close\r\n\r\n"
LONGEST_SECONDS = 20.0


@pytest.fixture
def callback() -> Iterator[Trickle]:
    """Run a callback that sends what it is given at once, then a piece now and then; return its address."""
    is_over = threading.Event()
    with ExitStack() as servers:

        def run(start: bytes, piece: bytes = b"") -> str:
            class Handler(BaseRequestHandler):
                def handle(self) -> None:
                    give_up_at = time.monotonic() + LONGEST_SECONDS
                    self.request.recv(65536)
                    with suppress(OSError):  # the other side has hung up
                        self.request.sendall(start)
                        while not is_over.wait(0.03) and time.monotonic() < give_up_at:
                            self.request.sendall(piece)

            server = servers.enter_context(ThreadingTCPServer(("127.0.0.1", 0), Handler))
            threading.Thread(target=server.serve_forever, args=(0.05,)).start()
            servers.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_address[1]}/wechat"

        yield run
        is_over.set()


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"", b""),
        (HEADERS, b""),
        (HEADERS + b"X-Slow: ", b"a"),
        (HEADERS, b"X-Slow: a\r\n"),
        (SIZED, b""),
        (SIZED, b"<"),
        (CHUNKED, b"1\r\n<\r\n"),
        (UNSIZED + b"success", b""),
        (UNSIZED, b"<"),
    ],
)
def test_answer_that_does_not_end_in_time_is_none(callback: Trickle, start: bytes, piece: bytes) -> None:
    url = callback(start, piece)
    pusher = Pusher(rules=lambda: Rules(timeout_seconds=0.3, attempts=1))

    (exchange,) = pusher.send(LEAVE, Account().sender, url=url).exchanges

    assert (exchange.verdict.reason, exchange.status) == ("timeout", None)
    assert 0.3 <= exchange.seconds < LONGEST_SECONDS / 2


def test_verification_that_does_not_end_in_time_says_so(callback: Trickle) -> None:
    pusher = Pusher(rules=lambda: Rules(timeout_seconds=0.3))

    result = pusher.verify(Account().sender, url=callback(SIZED))

    assert (result.is_verified, result.reason) == (False, "timeout")


def test_slow_answer_in_time_is_whole(callback: Trickle) -> None:
    url = callback(HEADERS + b"Content-Length: 60\r\n\r\n", b"success")

    response = over_http(LONGEST_SECONDS)(url, "a=b", b"<xml/>", {})

    assert response.body == (b"success" * 9)[:60]


def test_connection_that_is_made_too_late_ends_at_once(callback: Trickle) -> None:
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", DeadlineAdapter(0.0))

        with pytest.raises(requests.ConnectionError):
            session.get(callback(b""), timeout=LONGEST_SECONDS / 2)
