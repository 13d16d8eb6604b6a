"""A bounded pool of daemon threads for handlers.

The standard library's pool joins its threads when the process ends, so one handler that never returns
would keep the process alive for ever; and its queue has no bound. Threads are started when they are first
needed, so a pool made before a fork is still whole after it. Of those that are free the last one that
worked works next: what it needs is still in the processor's caches, and the others sleep on.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from wxbot.errors import WxbotError

log = logging.getLogger(__name__)

Work = Callable[[], None]


class PoolFullError(WxbotError):
    """Every thread is busy and the queue is full; nothing was started."""


class _Seat:
    """Where one thread waits for work; `since` is when it got what it is at, None when it is free."""

    def __init__(self) -> None:
        self.since: float | None = None
        self._gate = threading.Lock()
        self._gate.acquire()
        self._work: Work | None = None

    def give(self, work: Work | None) -> None:
        """Give the thread work, or None as a sign to end."""
        self._work, self.since = work, None if work is None else time.monotonic()
        self._gate.release()

    def wait(self) -> Work | None:
        """Return what was given, as soon as it is."""
        self._gate.acquire()
        work, self._work = self._work, None
        return work


class Pool:
    """At most `threads` pieces of work at once and `waiting` more in the queue."""

    def __init__(self, threads: int, *, waiting: int | None = None) -> None:
        self._limit = threads
        self._most_waiting = waiting or 4 * threads
        self._lock = threading.Lock()
        self._waiting: deque[Work] = deque()
        self._seats: list[_Seat] = []
        self._free: list[_Seat] = []
        self._is_closed = False

    def submit(self, work: Work) -> None:
        """Run `work` on a thread of the pool, soon; raises PoolFullError when there is no room for it."""
        with self._lock:
            if not self._free and len(self._seats) < self._limit:
                self._add_thread()
            if self._free:
                self._free.pop().give(work)
            elif len(self._waiting) < self._most_waiting:
                self._waiting.append(work)
            else:
                raise PoolFullError(
                    f"all {self._limit} handler threads are busy and {self._most_waiting} events wait"
                )

    @property
    def limit(self) -> int:
        """How many pieces of work can run at once."""
        return self._limit

    @property
    def unfinished(self) -> int:
        """How many pieces of work are running or waiting."""
        with self._lock:
            return sum(seat.since is not None for seat in self._seats) + len(self._waiting)

    def close(self) -> None:
        """End the threads, each as soon as nothing waits; nothing may be submitted any more."""
        with self._lock:
            self._is_closed = True
            while self._free:
                self._free.pop().give(None)

    def stuck(self, older_than_seconds: float) -> int:
        """Return how many pieces of work have been running for longer than that."""
        before = time.monotonic() - older_than_seconds
        with self._lock:
            return sum(seat.since is not None and seat.since < before for seat in self._seats)

    def _add_thread(self) -> None:
        seat = _Seat()
        name = f"handler-{len(self._seats) + 1}"
        try:
            threading.Thread(target=self._serve, args=(seat,), name=name, daemon=True).start()
        except RuntimeError as error:
            # The machine has none to give. The others will do, if there are any.
            if not self._seats:
                raise PoolFullError(f"no thread can be started: {error}") from error
        else:
            self._seats.append(seat)
            self._free.append(seat)

    def _serve(self, seat: _Seat) -> None:
        while (work := seat.wait()) is not None:
            try:
                work()
            except BaseException as error:  # whatever a handler raises, the thread goes on
                with suppress(Exception):  # a log that fails must not cost the thread
                    log.error("work of the pool failed: %s", type(error).__name__)
            finally:
                del work
                self._sit_down(seat)

    def _sit_down(self, seat: _Seat) -> None:
        """Take what waits, or wait."""
        with self._lock:
            if self._waiting or self._is_closed:
                seat.give(self._waiting.popleft() if self._waiting else None)
            else:
                seat.since = None
                self._free.append(seat)
