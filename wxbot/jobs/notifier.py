"""Tells the engine of new jobs beside the work that made them, so that nobody's answer waits for it."""

import logging
import queue
import threading
from collections.abc import Callable, Iterable

IDLE_SECONDS = 10.0

log = logging.getLogger(__name__)


class Notifier:
    """Hands ids to `dispatch` on a thread of its own. What a kill loses here is found by the sweep."""

    def __init__(self, dispatch: Callable[[Iterable[bytes]], object]) -> None:
        self._dispatch = dispatch
        self._ids: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def tell(self, ids: Iterable[bytes]) -> None:
        """Let these jobs be handed over soon; returns at once."""
        wanted = list(ids)
        for id in wanted:
            self._ids.put(id)
        if wanted:
            self._start()

    def _start(self) -> None:
        # Not before there is something to tell: a thread does not survive a fork.
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._tell, name="notifier", daemon=True)
                try:
                    self._thread.start()
                except RuntimeError as error:  # what made the jobs is committed, and has to be answered
                    log.error("new jobs are told of later (%s)", error)

    def _tell(self) -> None:
        while first := self._next():
            ids = [first]
            while not self._ids.empty():
                ids.append(self._ids.get())
            try:
                self._dispatch(ids)
            except Exception:  # without the thread, later ids would wait for the sweep too
                log.exception("new jobs could not be told; the sweep finds them")

    def _next(self) -> bytes | None:
        """Wait for an id; None: there was none for long, and the thread ends."""
        try:
            return self._ids.get(timeout=IDLE_SECONDS)
        except queue.Empty:
            with self._lock:  # who tells of one now starts a thread anew
                if self._ids.empty():
                    self._thread = None
                    return None
            return self._ids.get()
