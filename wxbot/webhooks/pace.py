"""How much of a worker one webhook may take: a site that is slow or silent must not hold up other work."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass

from wxbot import clock

# An attempt in vain that took so long has cost a thread; after so many in a row there is a pause.
SLOW_SECONDS = 1.0
SILENT_TIMES = 3
# One scan may have three things to tell: at a site that is quick, the third waits rather than comes back.
QUICK_SECONDS = 0.3
PATIENCE_SECONDS = 0.5
FIRST_PAUSE_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 600.0


@dataclass
class _Lane:
    under_way: int = 0
    average_seconds: float = 0.1
    free_at: float = 0.0
    silent: int = 0
    closed_until: float = 0.0

    @property
    def is_silent(self) -> bool:
        return self.silent >= SILENT_TIMES


class Pace:
    """One for each process. `most` is how many attempts at one webhook are under way at a time."""

    def __init__(
        self,
        most: int = 2,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        monotonic: Callable[[], float] = clock.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._most = most
        self._monotonic = monotonic
        self._chance = chance
        self._lanes: dict[str, _Lane] = {}
        self._patience_seconds = patience_seconds
        self._changed = threading.Condition()

    def enter(self, webhook: str) -> float:
        """Return 0 for an attempt that may begin now, else after how many seconds to ask again.

        Who may begin must `leave`. Those who are turned away are told different times, as far ahead as the
        others need, so that they do not all come back at once.
        """
        with self._changed:
            lane, now = self._lanes.setdefault(webhook, _Lane()), self._monotonic()
            if lane.is_silent:
                # One tries whether it has come back; as long as nobody knows, the others wait.
                if now < lane.closed_until or lane.under_way:
                    return max(1.0, lane.closed_until - now) + self._chance() * FIRST_PAUSE_SECONDS
            elif not self._has_room(lane):
                lane.free_at = max(lane.free_at, now) + lane.average_seconds / self._most
                return min(LONGEST_PAUSE_SECONDS, max(1.0, lane.free_at - now))
            lane.under_way += 1
            return 0.0

    def is_silent(self, webhook: str) -> bool:
        """Say whether a webhook has not answered the last few attempts, so that one at a time is made."""
        with self._changed:
            return webhook in self._lanes and self._lanes[webhook].is_silent

    def _has_room(self, lane: _Lane) -> bool:
        """Say whether another attempt may begin, after a moment's wait if the others are soon done."""
        patience = self._patience_seconds if lane.average_seconds < QUICK_SECONDS else 0.0
        return self._changed.wait_for(lambda: lane.under_way < self._most, patience)

    def leave(self, webhook: str, *, seconds: float, is_delivered: bool) -> None:
        """Note how an attempt went that `enter` has let begin."""
        with self._changed:
            self._changed.notify_all()
            lane = self._lanes[webhook]
            lane.under_way -= 1
            lane.average_seconds += (seconds - lane.average_seconds) / 5
            if is_delivered or seconds < SLOW_SECONDS:
                lane.silent = 0
                return
            lane.silent += 1
            doubled = FIRST_PAUSE_SECONDS * 2.0 ** min(10, max(0, lane.silent - SILENT_TIMES))
            lane.closed_until = self._monotonic() + min(LONGEST_PAUSE_SECONDS, doubled)
