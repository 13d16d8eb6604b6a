"""A bounded pool of daemon threads for handlers.

The standard library's pool joins its threads when the process ends, so one handler that never returns
would keep the process alive for ever; and its queue has no bound. Threads are started when they are first
needed, so a pool made before a fork is still whole after it.
"""

import logging
import queue
import threading
from collections.abc import Callable

from wxbot.errors import WxbotError

log = logging.getLogger(__name__)


class PoolFullError(WxbotError):
    """Every thread is busy and the queue is full; nothing was started."""


class Pool:
    """At most `threads` pieces of work at once and `waiting` more in the queue."""

    def __init__(self, threads: int, *, waiting: int | None = None) -> None:
        self._limit = threads
        self._queue: queue.Queue[Callable[[], None]] = queue.Queue(waiting or 4 * threads)
        self._lock = threading.Lock()
        self._started = 0
        self._unfinished = 0

    def submit(self, work: Callable[[], None]) -> None:
        """Run `work` on a thread of the pool, soon; raises PoolFullError when there is no room for it."""
        with self._lock:
            try:
                self._queue.put_nowait(work)
            except queue.Full:
                raise PoolFullError(
                    f"all {self._limit} handler threads are busy and {self._queue.maxsize} events wait"
                ) from None
            self._unfinished += 1
            if self._unfinished > self._started < self._limit:
                self._started += 1
                threading.Thread(target=self._work, name=f"handler-{self._started}", daemon=True).start()

    @property
    def unfinished(self) -> int:
        """How many pieces of work are running or waiting."""
        return self._unfinished

    def _work(self) -> None:
        while True:
            work = self._queue.get()
            try:
                work()
            except BaseException as error:  # whatever a handler raises, the thread goes on
                log.error("work of the pool failed: %s", type(error).__name__)
            finally:
                with self._lock:
                    self._unfinished -= 1
                del work
