"""Clients that are never done: a head, a body or an answer moves a little at a time (table B7)."""

import asyncio
import contextlib
import socket
from collections import Counter

FIRST_ADDRESS = 3  # 127.0.0.3
_PER_ADDRESS = 250  # fewer than nginx lets one address have under way, so that it keeps all of them
_PAUSE_SECONDS = 2.0
_HOST = b"Host: bot.example.com\r\n"
# The page is longer than what nginx and the kernel would take off our hands with segments as short as these.
_PAGE = b"GET /api/v1/openapi.json HTTP/1.1\r\n%s\r\n" % _HOST
_SEGMENT = 536
_WINDOW = 2048
# What each kind begins with, what it adds after every pause, and how many bytes it reads then.
KINDS = {
    "head": (b"POST /wechat?slow HTTP/1.1\r\n" + _HOST, b"X-Slow: 1\r\n", 64),
    "body": (b"POST /wechat?slow HTTP/1.1\r\n%sContent-Length: 60000\r\n\r\n<xml>" % _HOST, b"<a/>", 64),
    "reading": (_PAGE, b"", 1024),
}


class SlowClients:
    """Keeps so many connections open; who is sent away comes again.

    `begun` counts the connections of each kind, `held` those that lasted over a pause at least, `open` those
    that are there now.
    """

    def __init__(self, port: int, number: int) -> None:
        self.begun: Counter[str] = Counter()
        self.held: Counter[str] = Counter()
        self.open: Counter[str] = Counter()
        self._port = port
        self._number = number
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "SlowClients":
        """Open them all."""
        kinds = list(KINDS)
        for number in range(self._number):
            address = f"127.0.0.{FIRST_ADDRESS + number // _PER_ADDRESS}"
            self._tasks.append(asyncio.create_task(self._stay(kinds[number % len(kinds)], address)))
            if number % 50 == 49:
                await asyncio.sleep(0.05)
        while sum(self.held.values()) < self._number:
            await asyncio.sleep(0.1)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _stay(self, kind: str, address: str) -> None:
        while True:
            with contextlib.suppress(ConnectionError), socket.socket() as line:
                line.setblocking(False)
                line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WINDOW)
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _SEGMENT)
                line.bind((address, 0))
                await asyncio.get_running_loop().sock_connect(line, ("127.0.0.1", self._port))
                self.begun[kind] += 1
                self.open[kind] += 1
                try:
                    await self._linger(line, kind)
                finally:
                    self.open[kind] -= 1
            await asyncio.sleep(_PAUSE_SECONDS / 4)

    async def _linger(self, line: socket.socket, kind: str) -> None:
        loop = asyncio.get_running_loop()
        begin, more, taken = KINDS[kind]
        await loop.sock_sendall(line, begin)
        is_new = True
        while True:
            await asyncio.sleep(_PAUSE_SECONDS)
            with contextlib.suppress(BlockingIOError):
                said = line.recv(taken)
                # Only who reads slowly expects to hear something.
                if not said or kind != "reading":
                    return
            self.held[kind] += is_new
            is_new = False
            await loop.sock_sendall(line, more)
