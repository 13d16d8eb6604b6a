"""The circuit breaker before the database: open while it is out of reach, so that nobody waits in vain."""

import logging
import os
import threading
from collections.abc import Callable
from weakref import WeakSet

from wxbot import clock

PROBE_SECONDS = 1.0

log = logging.getLogger(__name__)


class DatabaseGate:
    """Knows whether the database is out of reach. Safe to use from any thread.

    While it is open, `probe` runs once a second on a thread of its own; it raises when the database does not
    answer. Once it has closed, by a probe or by anybody's success, `on_close` runs on that thread.
    """

    def __init__(
        self,
        probe: Callable[[], None],
        now: Callable[[], float] = clock.monotonic,
        *,
        on_close: Callable[[], None] = lambda: None,
        probe_seconds: float = PROBE_SECONDS,
    ) -> None:
        self._probe = probe
        self._now = now
        self._on_close = on_close
        self._probe_seconds = probe_seconds
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._closed.set()
        self._opened_at = 0.0
        self._watcher: threading.Thread | None = None
        _gates.add(self)

    @property
    def is_open(self) -> bool:
        """Whether the database counts as out of reach: do not try it."""
        return not self._closed.is_set()

    def failed(self, because: str) -> None:
        """Open it: the database could not be reached. Raises RuntimeError when no thread can be started.

        `because` is for the log, which shows nothing of anybody: no more than what kind of error it was.
        """
        with self._lock:
            if self.is_open:
                return
            self._closed.clear()
            self._opened_at = self._now()
            try:
                self._start_watcher()
            except RuntimeError:  # no thread to be had: without a probe it would stay open for ever
                self._closed.set()
                raise
        log.error("the database is out of reach (%s): events go to the spool until it answers again", because)

    def succeeded(self) -> None:
        """Close it: the database did its work."""
        if not self.is_open:  # the answer path comes here each time, and takes no lock
            return
        with self._lock:
            if not self.is_open:
                return
            self._closed.set()
            seconds = self._now() - self._opened_at
        log.warning("the database answers again after %.0f s", seconds)

    def after_fork(self) -> None:
        """Have a thread in this process too, if it is open: the parent's does not survive the fork."""
        was_open = self.is_open
        # Other threads of the parent may have held the locks of both.
        self._lock, self._closed = threading.Lock(), threading.Event()
        self._watcher = None
        if not was_open:
            self._closed.set()
            return
        try:
            self._start_watcher()
        except RuntimeError:  # no thread to be had: the next failure opens it again
            self._closed.set()

    def _start_watcher(self) -> None:
        if self._watcher is None or not self._watcher.is_alive():
            watcher = threading.Thread(target=self._watch, name="database-gate", daemon=True)
            watcher.start()
            self._watcher = watcher

    def _watch(self) -> None:
        while True:
            while not self._closed.wait(self._probe_seconds):
                if _returns(self._probe):
                    self.succeeded()
            _returns(self._on_close)
            with self._lock:
                if not self.is_open:
                    self._watcher = None
                    return


_gates: WeakSet[DatabaseGate] = WeakSet()


def _start_again() -> None:
    for gate in list(_gates):
        gate.after_fork()


os.register_at_fork(after_in_child=_start_again)


def _returns(function: Callable[[], None]) -> bool:
    """Tell whether a function raised nothing; the thread must live, or the breaker would stay open."""
    try:
        function()
    except Exception as error:
        log.warning("the database is not back for good: %s", type(error).__name__)
        return False
    return True
