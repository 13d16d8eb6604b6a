"""Looks after the runs that take long: renews their leases, gives up those that hang, counts lost threads."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError

from wxbot import clock, metrics
from wxbot.events.run import Run
from wxbot.scenes.breaker import Breaker
from wxbot.scenes.pool import Pool

RENEW_SECONDS = 2.0
# A handler with an interim text may take longer than the deadline, but not for ever.
SLOW_SECONDS = 30.0
STUCK_SECONDS = 10.0
_PAUSE_SECONDS = 0.05

log = logging.getLogger(__name__)


class Watch:
    """A thread that is started when the first run is held, so that it is there after a fork.

    `renew` takes run ids, keys of events and perhaps `seconds`. `on_exhausted` is called once, when half of
    the pool's threads are stuck: the process should be replaced.
    """

    def __init__(
        self,
        renew: Callable[..., None],
        *,
        give_up: Callable[[Run], None],
        give_up_seconds: float,
        pool: Pool,
        breaker: Breaker,
    ) -> None:
        self.on_exhausted: Callable[[], None] = lambda: None
        self._renew = renew
        self._give_up = give_up
        self._give_up_seconds = give_up_seconds
        self._pool = pool
        self._breaker = breaker
        self._lock = threading.Lock()
        self._held: set[Run] = set()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()
        self._is_exhausted = False

    def hold(self, run: Run) -> None:
        """Look after a run that has a row. Without a thread to be had its lease runs out, as after a kill."""
        with self._lock:
            self._held.add(run)
            if self._thread is None:
                thread = threading.Thread(target=self._watch, name="watch", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:
                    log.error("the leases of slow handlers cannot be renewed (%s)", error)
                    return
                self._thread = thread  # not before: who could not start one tries with the next run

    def release(self, run: Run) -> None:
        """Its end is written, or nobody knows of it any more."""
        if run.has_row:
            with self._lock:
                self._held.discard(run)

    def close(self, *, patience_seconds: float = 0.0) -> None:
        """Let runs end for so long, and end the thread; a worker takes over at once what still runs."""
        give_up_at = clock.monotonic() + patience_seconds
        while self._held and clock.monotonic() < give_up_at:
            time.sleep(_PAUSE_SECONDS)
        self._closed.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            held = list(self._held)
        if held:
            log.warning("%s events whose handlers still run are left to the worker", len(held))
            with suppress(SQLAlchemyError):  # then their leases run out
                self._lease(held, seconds=0)

    def look(self) -> None:
        """Do once what the thread does every two seconds."""
        with self._lock:
            held = list(self._held)
        old = [run for run in held if run.age_seconds > self._give_up_seconds]
        for run in old:
            self.release(run)
            self._give_up(run)
        young = [run for run in held if run.age_seconds <= self._give_up_seconds]
        waiting = [run for run in young if run.age_seconds > RENEW_SECONDS / 2]
        if waiting:
            self._lease(waiting)
        for run in young:
            if run.is_slow and run.age_seconds > SLOW_SECONDS:
                run.is_slow = False
                self._breaker.hung(run.handler)
        self._count_stuck(young)

    @property
    def stuck(self) -> int:
        """How many of the pool's threads are lost; who is with a handler that has time left is not."""
        with self._lock:
            held = list(self._held)
        # Half of the threads may be with handlers that have time until SLOW_SECONDS.
        slow = sum(run.is_slow and run.age_seconds > STUCK_SECONDS for run in held)
        return max(0, self._pool.stuck(STUCK_SECONDS) - slow)

    def _lease(self, runs: Sequence[Run], **how: float) -> None:
        self._renew([run.id for run in runs], [run.event.digest for run in runs], **how)

    def _count_stuck(self, held: Sequence[Run]) -> None:
        old = [run for run in held if run.age_seconds > STUCK_SECONDS]
        stuck = self.stuck
        metrics.stuck_handlers(stuck)
        if self._is_exhausted or stuck * 2 < self._pool.limit:
            return
        self._is_exhausted = True
        log.error(
            "%s of %s handler threads are stuck; this process should be replaced", stuck, self._pool.limit
        )
        # What a hanging handler left would hang whoever takes it over; the others are taken over.
        for run in [each for each in old if not each.is_slow and self._is_hanging(each)]:
            self.release(run)
            self._give_up(run)
        self.on_exhausted()

    def _is_hanging(self, run: Run) -> bool:
        return self._breaker.is_open(run.handler, probe=False)

    def _watch(self) -> None:
        while not self._closed.wait(RENEW_SECONDS):
            try:
                self.look()
            except SQLAlchemyError as error:
                log.warning("leases could not be renewed: %s", type(error).__name__)
            except Exception:
                log.exception("the watch over slow handlers failed")
