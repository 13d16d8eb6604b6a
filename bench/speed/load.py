"""Delivers prepared requests over so many connections, and notes when each was answered.

One thread and one epoll, nothing parsed meanwhile: it shares the machine with what it measures. Every request
has a connection of its own, as from WeChat and from a proxy as most are set up; the answer has come when the
server has closed the connection.
"""

import gc
import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Served:
    """What came back: the answers in the order of the requests, how long each took, and all of them."""

    answers: list[bytes]
    latencies: list[float]
    seconds: float
    own_cpu_seconds: float


class NoAnswerError(Exception):
    """Nobody is there, no connection had anything to say for a long time, or no answer was right."""


@dataclass
class _Open:
    number: int
    began_at: float
    socket: socket.socket
    parts: list[bytes] = field(default_factory=list)


class Load:
    """One burst of requests; make a new one for each."""

    def __init__(self, port: int, requests: Sequence[bytes]) -> None:
        self._address = ("127.0.0.1", port)
        self._requests = requests
        self._next = 0
        self._open: dict[int, _Open] = {}
        self._answers = [b""] * len(requests)
        self._latencies = [0.0] * len(requests)

    def deliver(self, connections: int) -> Served:
        """Deliver all, never more than so many at once. NoAnswerError when the server hangs or is gone."""
        gc.collect()
        gc.disable()
        started, own = time.perf_counter(), time.process_time()
        try:
            with select.epoll() as poll:
                for _ in range(min(connections, len(self._requests))):
                    self._begin(poll)
                while self._open:
                    self._take(poll)
        except OSError as error:
            raise NoAnswerError(f"no connection: {error}") from error
        finally:
            gc.enable()
            for each in self._open.values():
                each.socket.close()
        taken = time.perf_counter() - started
        return Served(self._answers, self._latencies, taken, time.process_time() - own)

    def _begin(self, poll: select.epoll) -> None:
        number, self._next = self._next, self._next + 1
        began_at = time.perf_counter()
        connection = socket.create_connection(self._address, PATIENCE_SECONDS)
        self._open[connection.fileno()] = _Open(number, began_at, connection)
        connection.sendall(self._requests[number])
        poll.register(connection.fileno(), select.EPOLLIN)

    def _take(self, poll: select.epoll) -> None:
        ready = poll.poll(PATIENCE_SECONDS)
        if not ready:
            raise NoAnswerError(f"no answer on {len(self._open)} connections for {PATIENCE_SECONDS:.0f} s")
        for descriptor, _ in ready:
            each = self._open[descriptor]
            try:
                data = each.socket.recv(65536)
            except ConnectionResetError:
                data = b""  # what is missing is found when the answer is looked at
            if data:
                each.parts.append(data)
                continue
            self._latencies[each.number] = time.perf_counter() - each.began_at
            self._answers[each.number] = b"".join(each.parts)
            del self._open[descriptor]
            each.socket.close()
            if self._next < len(self._requests):
                self._begin(poll)
