"""The site's end of a webhook, which may fail, hang and lie: a server that does as it is told."""

import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from standardwebhooks.webhooks import Webhook

REASONS = {
    200: "OK",
    204: "No Content",
    302: "Found",
    410: "Gone",
    429: "Too Many",
    500: "Error",
    503: "Busy",
}


@dataclass(frozen=True)
class Request:
    """A request as it came."""

    line: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The id of the message."""
        return self.headers["webhook-id"]

    def opened(self, secret: str) -> Any:
        """Return what is said, as somebody else's library verifies and reads it; raises when it does not."""
        return Webhook(secret).verify(self.body, dict(self.headers))


Act = Callable[[socket.socket, threading.Event], None]


def say(status: int, *, head: str = "", body: bytes = b"ok") -> Act:
    """Answer, as one should."""

    def act(line: socket.socket, _closed: threading.Event) -> None:
        reason = REASONS.get(status, "Something")
        text = f"HTTP/1.1 {status} {reason}\r\n{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        line.sendall(text.encode() + body)

    return act


def hang(_line: socket.socket, closed: threading.Event) -> None:
    """Say nothing."""
    closed.wait(20)


def leave(_line: socket.socket, _closed: threading.Event) -> None:
    """Hang up without a word."""


def babble(line: socket.socket, _closed: threading.Event) -> None:
    """Say something that is not HTTP."""
    line.sendall(b"220 mail.example.com ESMTP\r\n")


def drip_head(line: socket.socket, closed: threading.Event) -> None:
    """Begin an answer that never ends, a byte at a time."""
    for byte in b"HTTP/1.1 200 OK\r\n" + b"X-Slow: yes\r\n" * 1000:
        line.sendall(bytes([byte]))
        if closed.wait(0.05):
            return


def drip_body(line: socket.socket, closed: threading.Event) -> None:
    """Accept, and go on talking, a byte at a time."""
    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not closed.wait(0.05):
        line.sendall(b".")


def talk(line: socket.socket, _closed: threading.Event) -> None:
    """Accept, with ten megabytes of talk."""
    say(200, body=b"x" * (10 << 20))(line, _closed)


def boast(line: socket.socket, _closed: threading.Event) -> None:
    """Begin with a megabyte of header."""
    line.sendall(b"HTTP/1.1 200 OK\r\n" + b"X-Long: y\r\n" * 100_000)


def break_off(line: socket.socket, _closed: threading.Event) -> None:
    """Accept, announce more than comes, and hang up."""
    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")


Start = Callable[..., "Receiver"]


class Receiver:
    """A server on a free port. `script` says what is done with the next requests, `usual` after."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.script: deque[Act] = deque()
        self.usual: Act = say(200)
        self._context = context
        self._closed = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        """Where it is, over http."""
        return f"http://127.0.0.1:{self.port}/hooks?shop=1"

    def close(self) -> None:
        """End, and let go of those who still talk."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._server.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._server.close()

    def wait_for(self, count: int, *, seconds: float = 20) -> list[Request]:
        """Wait for so many requests."""
        give_up_at = time.monotonic() + seconds
        while len(self.requests) < count:
            assert time.monotonic() < give_up_at, f"{len(self.requests)} of {count} requests came"
            time.sleep(0.01)
        return self.requests

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(line,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, line: socket.socket) -> None:
        line.settimeout(10)
        try:
            if self._context is not None:
                line = self._context.wrap_socket(line, server_side=True)
            request = _read(line)
            act = self.script.popleft() if self.script else self.usual
            # Last, so that who has seen the request may count on the script to have moved on.
            self.requests.append(request)
            act(line, self._closed)
        except OSError:
            pass
        finally:
            line.close()


def _read(line: socket.socket) -> Request:
    """Read a request; OSError for one that breaks off, whose sender was killed: it has said nothing."""
    with line.makefile("rb") as file:
        first = _line(file)
        headers = {}
        while text := _line(file):
            name, _, value = text.partition(":")
            headers[name.strip().lower()] = value.strip()
        length = int(headers.get("content-length", "0"))
        body = file.read(length)
        if len(body) < length:
            raise OSError("it broke off")
        return Request(first, headers, body)


def _line(file: BinaryIO) -> str:
    text = file.readline()
    if not text.endswith(b"\n"):
        raise OSError("it broke off")
    return text.decode("latin-1").strip()
