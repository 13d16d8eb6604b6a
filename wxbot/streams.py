"""Server-sent events: few at a time, so that the threads of a process are there for WeChat's callbacks."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from wxbot import clock

# Each holds a thread that answers requests. gunicorn.conf.py adds threads for them and allows so many; this
# is for servers that say nothing. Without a stream, a page asks every other second.
MOST = 4
LONGEST_SECONDS = 120.0
EVERY_SECONDS = 0.5
PING_SECONDS = 10.0
CONTENT_TYPE = "text/event-stream; charset=utf-8"
# Behind nginx each event must leave at once, and nobody may keep one.
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"}
_PING = b": \n\n"


@dataclass(frozen=True)
class Seen:
    """What there is to tell now: the data of an event, on one line. After the last one the stream ends."""

    data: str
    is_last: bool = False


class Streams:
    """All streams of one process, at most `most` at a time. Safe to use from any thread."""

    def __init__(
        self,
        most: int = MOST,
        *,
        longest_seconds: float = LONGEST_SECONDS,
        every_seconds: float = EVERY_SECONDS,
    ) -> None:
        self._lock = threading.Lock()
        self._most = most
        self._free = most
        self._ended = threading.Event()
        self._longest_seconds = longest_seconds
        self._every_seconds = every_seconds

    @property
    def free(self) -> int:
        """Return how many more can be opened now."""
        return max(0, self._free)

    def allow(self, most: int) -> None:
        """Let so many be open at a time; for the server, which knows how many threads there are."""
        with self._lock:
            self._free += most - self._most
            self._most = most

    def open(self, name: str, look: Callable[[], Seen]) -> "Stream | None":
        """Return a stream of events `name`, one for each change that `look` sees; None if there is no room.

        `look` is called every half second from the thread that sends, and should be one quick query. The
        stream has to be closed, which servers do with the body of a response, whether it was sent or not.
        """
        with self._lock:
            if self._free <= 0 or self._ended.is_set():
                return None
            self._free -= 1
        return Stream(self._events(name, look), self._give_back)

    def end(self) -> None:
        """End all streams within half a second, and open no more: the process is to end."""
        self._ended.set()

    def _events(self, name: str, look: Callable[[], Seen]) -> Iterator[bytes]:
        until = clock.monotonic() + self._longest_seconds
        pinged_at = clock.monotonic()
        told = None
        while True:
            seen = look()
            if seen.data != told:
                told = seen.data
                pinged_at = clock.monotonic()
                yield f"event: {name}\ndata: {told}\n\n".encode()
            elif clock.monotonic() - pinged_at >= PING_SECONDS:
                # To somebody who has left it cannot be sent, which ends the stream.
                pinged_at = clock.monotonic()
                yield _PING
            if seen.is_last or self._ended.is_set() or clock.monotonic() >= until:
                return
            time.sleep(self._every_seconds)

    def _give_back(self) -> None:
        with self._lock:
            self._free += 1


class Stream:
    """The body of one response; gives its place back at its end, or when it is closed."""

    def __init__(self, events: Iterator[bytes], give_back: Callable[[], None]) -> None:
        self._events = events
        self._give_back = give_back
        self._is_open = True

    def __iter__(self) -> Iterator[bytes]:
        """Return itself."""
        return self

    def __next__(self) -> bytes:
        """Return the next event; waits for it."""
        try:
            return next(self._events)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let somebody else have the place."""
        if self._is_open:
            self._is_open = False
            self._give_back()
