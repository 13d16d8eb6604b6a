"""A bounded pool of daemon threads for handlers.

The standard library's pool joins its threads when the process ends, so one handler that never returns
would keep the process alive for ever; and its queue has no bound. Threads are started when they are first
needed, so a pool made before a fork is still whole after it.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable

from wxbot.errors import WxbotError

log = logging.getLogger(__name__)


class PoolFullError(WxbotError):
    """Every thread is busy and the queue is full; nothing was started."""


class Pool:
    """At most `threads` pieces of work at once and `waiting` more in the queue."""

    def __init__(self, threads: int, *, waiting: int | None = None) -> None:
        self._limit = threads
        self._most_waiting = waiting or 4 * threads
        self._queue: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._started = 0
        self._unfinished = 0
        self._running: dict[int, float] = {}  # since when each thread has been at its work

    def submit(self, work: Callable[[], None]) -> None:
        """Run `work` on a thread of the pool, soon; raises PoolFullError when there is no room for it."""
        with self._lock:
            if self._unfinished >= self._started < self._limit:
                self._add_thread()
            if self._unfinished >= self._started + self._most_waiting:
                raise PoolFullError(
                    f"all {self._limit} handler threads are busy and {self._most_waiting} events wait"
                )
            self._unfinished += 1
            self._queue.put(work)

    @property
    def limit(self) -> int:
        """How many pieces of work can run at once."""
        return self._limit

    @property
    def unfinished(self) -> int:
        """How many pieces of work are running or waiting."""
        return self._unfinished

    def close(self) -> None:
        """End the threads, each as soon as it is free; nothing may be submitted any more."""
        with self._lock:
            for _ in range(self._started):
                self._queue.put(None)

    def stuck(self, older_than_seconds: float) -> int:
        """Return how many pieces of work have been running for longer than that."""
        before = time.monotonic() - older_than_seconds
        with self._lock:
            return sum(since < before for since in self._running.values())

    def _add_thread(self) -> None:
        try:
            threading.Thread(target=self._work, name=f"handler-{self._started + 1}", daemon=True).start()
        except RuntimeError as error:
            # The machine has none to give. The others will do, if there are any.
            if not self._started:
                raise PoolFullError(f"no thread can be started: {error}") from error
        else:
            self._started += 1

    def _work(self) -> None:
        me = threading.get_ident()
        while True:
            work = self._queue.get()
            if work is None:
                return
            with self._lock:
                self._running[me] = time.monotonic()
            try:
                work()
            except BaseException as error:  # whatever a handler raises, the thread goes on
                log.error("work of the pool failed: %s", type(error).__name__)
            finally:
                with self._lock:
                    self._unfinished -= 1
                    del self._running[me]
                del work
