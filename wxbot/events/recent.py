"""What this process has just answered, and whether the database has just spoken to it."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from wxbot.wechat.replies import Acknowledgement, Reply

# WeChat's repeats come within fifteen seconds.
MOST_ANSWERS = 10_000
KEPT_SECONDS = 60.0
RECALL_SECONDS = 1.3  # after which a delivery looks whether the database speaks at all
SILENCE_SECONDS = 1.0
# And once more after so long: when the whole machine stood still, the answer only has to be fetched.
SECOND_LOOK_SECONDS = 0.2

Said = TypeVar("Said")


class RecentAnswers:
    """The latest answers by the digests of their events, for repeats that come while no record can be read.

    Safe to use from any thread. Each process knows its own only, and for a minute.
    """

    def __init__(self, most: int = MOST_ANSWERS, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._answers: OrderedDict[bytes, tuple[float, Reply | Acknowledgement]] = OrderedDict()

    def note(self, event: bytes, answer: Reply | Acknowledgement) -> None:
        """Remember an answer that was given, and so is on disk."""
        now = self._monotonic()
        with self._lock:
            self._answers[event] = now, answer
            self._answers.move_to_end(event)
            while len(self._answers) > self._most or self._oldest() < now - KEPT_SECONDS:
                self._answers.popitem(last=False)

    def find(self, event: bytes) -> Reply | Acknowledgement | None:
        """Return what was answered to an event, None if that is not known here."""
        found = self._answers.get(event)
        return None if found is None else found[1]

    def _oldest(self) -> float:
        return next(iter(self._answers.values()))[0]


class Hearing:
    """When the database last answered a query of this process: one that is slow is not yet out of reach."""

    def __init__(self) -> None:
        self._heard_at = -math.inf

    def heard(self, said: Said) -> Said:
        """Take note that a query was answered; returns what was said."""
        self._heard_at = time.monotonic()
        return said

    def is_silent(self, since: float | None) -> bool:
        """Say whether a query from `since` (monotonic seconds), and all others, have waited for too long.

        None is no query, which waits for nothing.
        """
        return since is not None and time.monotonic() - max(since, self._heard_at) >= SILENCE_SECONDS
