"""A worker: does the jobs of the queue, and looks every second for what was left."""

import logging
import os
import secrets
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from wxbot import clock
from wxbot.jobs import presence
from wxbot.jobs.ledger import Ledger
from wxbot.jobs.queue import STOP_SECONDS, Queue
from wxbot.jobs.running import Runner
from wxbot.jobs.work import Work

log = logging.getLogger(__name__)

SWEEP_SECONDS = 1.0
RENEW_SECONDS = 2.0
# How soon a worker that is told to stop begins to.
_LOOK_SECONDS = 0.2
# How often periodic work is looked at, none of which is due more than once a minute.
TICK_SECONDS = 60.0
# The sweep fills the queue up to this; more would only be handed over again and again.
_ENOUGH_PENDING = 1000


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Periodic work: done by one of all workers, once in so many seconds (a minute at least)."""

    name: str
    every_seconds: int
    function: Callable[[], object]


class Worker:
    """The jobs' side of one process.

    `find` gives the work of a job's name; `sweeps` are called every second, on every worker, and must be
    quick; `threads` is how many jobs are done at a time.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        find: Callable[[str], Work | None],
        queue: Queue,
        sweeps: Sequence[Callable[[], object]] = (),
        schedules: Sequence[Schedule] = (),
        threads: int = 4,
    ) -> None:
        self._ledger = ledger
        self._queue = queue
        self._sweeps = tuple(sweeps)
        self._schedules = tuple(schedules)
        self._threads = threads
        self._runner = Runner(ledger, find, dispatch=queue.dispatch)
        self._is_told = False
        self._stop = threading.Event()
        self._aside: list[threading.Thread] = []
        self._line = presence.Line(
            id=secrets.token_bytes(16), kind="worker", host=socket.gethostname()[:64], pid=os.getpid()
        )

    def run(self) -> bool:
        """Work until `stop` is called, then finish what runs, for at most 30 s.

        False: so many jobs hang that this process is of no use any more and must be replaced.
        """
        consumer = self._queue.consumer(threads=self._threads, run=self._runner.run)
        ended = threading.Event()
        sweep = _started("sweep", self._loop, self._stop, SWEEP_SECONDS, self.sweep)
        renew = _started("renew", self._loop, ended, RENEW_SECONDS, self._live)
        # Not through the queue, which may be out of reach for hours.
        schedules = _started("schedules", self._loop, self._stop, TICK_SECONDS, self.run_schedules)
        consumer.start()
        while not self._is_told and self._runner.stuck < self._threads:
            time.sleep(_LOOK_SECONDS)
            consumer.check_worker_health()
        is_useful = self._is_told
        if not is_useful:
            log.error("every thread is in a job that does not return; this worker ends")
        self._stop.set()
        # Leases are renewed until the last job is done.
        give_up_at = clock.monotonic() + (STOP_SECONDS if is_useful else 0)
        consumer.stop(graceful=is_useful)
        for thread in (sweep, schedules, *self._aside):
            thread.join(max(0.0, give_up_at - clock.monotonic()))
        ended.set()
        renew.join(RENEW_SECONDS)
        self._attempt(lambda: presence.erase(self._ledger.engine, self._line), "presence")
        return is_useful

    def stop(self) -> None:
        """Let `run` return soon; may be called from a signal handler."""
        self._is_told = True  # and no lock: another signal, at this moment, would wait for itself

    def run_due(self) -> int:
        """Do all jobs that are due, in this thread and without the queue; return how many there were.

        Also those that come to be due by it; a job that asks to be done again at once is not.
        """
        seen: set[bytes] = set()
        while fresh := [id for id in self._take_due(1000, grace_seconds=0) if id not in seen]:
            seen.update(fresh)
            for id in fresh:
                self._runner.run(id)
        return len(seen)

    def run_schedules(self) -> None:
        """Do the periodic work whose time has come, unless another worker does."""
        for schedule in self._schedules:
            self._attempt(partial(self._run_schedule, schedule), schedule.name)

    def sweep(self) -> None:
        """Hand over what is due and was not done, then call the sweeps of others."""
        self._attempt(self._hand_over, "jobs")
        for sweep in self._sweeps:
            self._attempt(sweep, getattr(sweep, "__qualname__", "sweep"))

    def _hand_over(self) -> None:
        pending = self._queue.pending()
        room = _ENOUGH_PENDING - (pending or 0)
        if room <= 0:
            return
        ids = self._take_due(room)
        if not self._queue.dispatch(ids):
            self._run_aside(ids)

    def _take_due(self, limit: int, *, grace_seconds: int | None = None) -> list[bytes]:
        return self._ledger.take_due(limit, grace_seconds=grace_seconds, without=self._runner.unknown())

    def _run_aside(self, ids: Sequence[bytes]) -> None:
        """Without the queue: beside the sweep, on as many threads as the queue would have.

        What none is free for is found again.
        """
        self._aside = [thread for thread in self._aside if thread.is_alive()]
        waiting = deque(ids)
        for _ in range(min(len(ids), self._threads - len(self._aside))):
            self._aside.append(_started("without-queue", self._work_off, waiting))

    def _work_off(self, waiting: "deque[bytes]") -> None:
        while not self._stop.is_set():
            try:
                id = waiting.popleft()
            except IndexError:
                return
            self._runner.run(id)

    def _run_schedule(self, schedule: Schedule) -> None:
        if presence.take_turn(self._ledger.engine, schedule.name, schedule.every_seconds):
            schedule.function()

    def _live(self) -> None:
        """Keep the leases of what runs, and this process's own line."""
        self._runner.renew()
        presence.write(self._ledger.engine, self._line)

    def _loop(self, ended: threading.Event, seconds: float, step: Callable[[], None]) -> None:
        while True:
            self._attempt(step, threading.current_thread().name)
            if ended.wait(seconds):
                return

    def _attempt(self, step: Callable[[], object], name: str) -> None:
        """One step of a loop that must not end, whatever happens in it."""
        try:
            step()
        except SQLAlchemyError as error:
            log.error("%s: the database does not answer (%s)", name, type(error).__name__)
        except Exception:
            log.exception("%s failed", name)


def _started(name: str, work: Callable[..., object], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=work, args=arguments, name=name, daemon=True)
    thread.start()
    return thread
