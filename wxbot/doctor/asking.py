"""Asking WeChat while somebody waits for a page: one at a time, and never for longer than so many seconds."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from wxbot.doctor.finding import Finding

LONGEST_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What was found; `is_late`: more would have come."""

    found: tuple[Finding, ...]
    is_late: bool


class Asking:
    """Runs an examination for one caller at a time. Safe to use from any thread."""

    def __init__(self, look: Callable[[], Iterator[Finding]], *, seconds: float = LONGEST_SECONDS) -> None:
        self._look = look
        self._seconds = seconds
        self._is_free = threading.Lock()

    def ask(self) -> Heard | None:
        """Return what is found within the time; None while another examination is under way."""
        if not self._is_free.acquire(blocking=False):
            return None
        found: list[Finding] = []
        thread = threading.Thread(target=self._run, args=(found,), name="doctor", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            self._is_free.release()
            raise
        thread.join(self._seconds)
        return Heard(is_late=thread.is_alive(), found=tuple(found))

    def _run(self, found: list[Finding]) -> None:
        # One that is late goes on, and nobody else begins before it has ended.
        try:
            for each in self._look():
                found.append(each)
        finally:
            self._is_free.release()
