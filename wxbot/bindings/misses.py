"""Who tries codes that are no good: an alert after many misses, without keeping a list of everybody."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable

from wxbot import clock, metrics

ALERT_AFTER = 20
WINDOW_SECONDS = 3600
MOST_PEOPLE = 10_000

log = logging.getLogger(__name__)


class Misses:
    """Counts misses per person, in this process, for an hour from the first; safe to use from any thread.

    Each process counts for itself, so that with n of them the alert comes after 20 misses at the earliest
    and 19 n + 1 at the latest. Of more than 10,000 people the one who was quiet for longest is forgotten.
    Nobody is kept out: 128 bits are not guessed, and a person with an old print is no attacker.
    """

    def __init__(self, *, monotonic: Callable[[], float] = clock.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._people: OrderedDict[bytes, tuple[float, int]] = OrderedDict()

    def __len__(self) -> int:
        """Return how many people are remembered."""
        return len(self._people)

    def note(self, person: bytes) -> bool:
        """Count a miss; True, logged and counted as an alert, with every twentieth."""
        now = self._monotonic()
        with self._lock:
            began, count = self._people.pop(person, (now, 0))
            if now - began >= WINDOW_SECONDS:
                began, count = now, 0
            self._people[person] = (began, count + 1)
            if len(self._people) > MOST_PEOPLE:
                self._people.popitem(last=False)
        if (count + 1) % ALERT_AFTER:
            return False
        metrics.guesser()
        log.warning(
            "person %s has tried %d one-time codes in vain within an hour: old prints, or somebody guesses",
            person.hex()[:16],
            count + 1,
        )
        return True
