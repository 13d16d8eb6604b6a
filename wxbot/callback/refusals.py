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
    """Counts all refusals, and logs the first twenty of each account, reason and minute.

    Threads may share it.
    """

    def __init__(self, *, monotonic: Callable[[], float] = clock.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._minute = 0
        self._counts: Counter[tuple[str, str]] = Counter()

    def note(self, account: str, error: ForbiddenError | MalformedError, *, is_ours: bool = True) -> None:
        """Take note of a callback that was refused; names of accounts that there are not count as one."""
        metrics.refused(error.reason)
        # By its class: part of some reasons is the sender's to choose.
        which = account if is_ours else "", error.reason.partition(":")[0]
        minute, left_out = int(self._monotonic() // 60), 0
        with self._lock:
            if minute != self._minute:
                left_out = sum(max(0, count - EACH_MINUTE) for count in self._counts.values())
                self._minute, self._counts = minute, Counter()
            self._counts[which] += 1
            is_one_of_many = self._counts[which] > EACH_MINUTE
        if left_out:
            log.warning("%s more callbacks were refused within a minute; see /metrics", left_out)
        if is_one_of_many:
            return
        if isinstance(error, ForbiddenError):
            log.info("a callback for account %.32r was refused: %s", account, error.reason)
        else:
            log.warning("a callback for account %.32r was refused: %s", account, error.reason)
