"""Telling of refused callbacks: strangers send them as often as they like, and must not fill the disk."""

import logging
import threading
from collections import Counter
from collections.abc import Callable

from wxbot import clock, metrics
from wxbot.errors import ForbiddenError, MalformedError

EACH_MINUTE = 20

log = logging.getLogger(__name__)


class Refusals:
    """Counts all refusals, and logs the first twenty of each minute; threads may share it."""

    def __init__(self, *, monotonic: Callable[[], float] = clock.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._minute = 0
        self._counts: Counter[str] = Counter()

    def note(self, account: str, error: ForbiddenError | MalformedError) -> None:
        """Take note of a callback that was refused."""
        metrics.refused(error.reason)
        minute, left_out = int(self._monotonic() // 60), 0
        with self._lock:
            if minute != self._minute:
                left_out = sum(max(0, count - EACH_MINUTE) for count in self._counts.values())
                self._minute, self._counts = minute, Counter()
            # By its class: part of some reasons is the sender's to choose.
            self._counts[error.reason.partition(":")[0]] += 1
            is_one_of_many = self._counts[error.reason.partition(":")[0]] > EACH_MINUTE
        if left_out:
            log.warning("%s more callbacks were refused within a minute; see /metrics", left_out)
        if is_one_of_many:
            return
        if isinstance(error, ForbiddenError):
            log.info("a callback for account %.32r was refused: %s", account, error.reason)
        else:
            log.warning("a callback for account %.32r was refused: %s", account, error.reason)
