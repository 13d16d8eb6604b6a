"""One deadline for a whole exchange over HTTP, as requests times each operation of a socket alone."""

import socket
import threading
from contextlib import suppress
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection


class DeadlineAdapter(HTTPAdapter):
    """Shuts what it has connected when its seconds are over, so that whoever reads meets an end.

    One serves one session, which closes it; the seconds begin when it is made.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._is_over = False
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._timer.start()

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Return the pool of a request; what it connects is watched."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        watch = self._watch

        class Watched(pool.ConnectionCls):  # type: ignore[misc]
            def connect(self) -> None:
                super().connect()
                watch(self)

        pool.ConnectionCls = Watched
        return pool

    def close(self) -> None:
        """Forget the deadline and all connections."""
        self._timer.cancel()
        with self._lock:
            for each in self._sockets:
                each.close()
            self._sockets.clear()
        super().close()

    def _watch(self, connection: HTTPConnection) -> None:
        # A socket of our own: the connection gives its one away when it has read the headers.
        own = connection.sock
        watched = socket.fromfd(own.fileno(), own.family, own.type)
        with self._lock:
            self._sockets.append(watched)
        if self._is_over:
            self._end()

    def _end(self) -> None:
        with self._lock:
            self._is_over = True
            for each in self._sockets:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
