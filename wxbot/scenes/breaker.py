"""What keeps a handler that hangs from taking the threads of the others: after a while it is left out."""

import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

HANGS = 5
PROBE_SECONDS = 30.0
_DOUBLINGS = 4
# So many calls that run for so long, and none that came back lately: the deadline will only confirm it, and
# until then a busy code would have taken every thread.
CROWD = 4
SLOW_SECONDS = 0.5
_LATELY_SECONDS = 1.0


@dataclass
class _Record:
    hangs: int = 0  # since it last came back
    probed_at: float = 0.0
    probes: int = 0
    returned_at: float = -math.inf
    running: list[float] = field(default_factory=list)  # since when

    @property
    def pause_seconds(self) -> float:
        """For how long it is left out: each probe that hangs costs another thread."""
        return PROBE_SECONDS * (1 << min(self.probes, _DOUBLINGS))


class Breaker:
    """Remembers, in this process, which handlers hang; threads may share it.

    A handler is left out once the deadline has passed five times in a row while it ran. Then one event is let
    through after thirty seconds, the next after twice as long, up to eight minutes; the first run that comes
    back, however late, ends it. A call that was given up counts as five, unless others came back meanwhile.

    It is also left out, for the moment, while four of its calls have been running for half a second and none
    came back in the last second; one that may be slow, when it has half of the `threads`.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic, *, threads: int = 64) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._records: defaultdict[str, _Record] = defaultdict(_Record)
        self._most_slow = max(1, threads // 2)

    def is_open(self, name: str, *, probe: bool = True, is_slow: bool = False) -> bool:
        """Tell whether this handler is to be left out now.

        With `probe` False means that the caller calls it: it may be the one event that is let through.
        """
        with self._lock:
            record = self._records.get(name)
            if record is None:
                return False
            if record.hangs < HANGS:
                return len(record.running) >= self._most_slow if is_slow else self._is_crowded(record)
            if not probe or self._now() - record.probed_at < record.pause_seconds:
                return True
            record.probed_at = self._now()
            record.probes += 1
            return False

    def begun(self, name: str) -> float:
        """Take note that the handler is called; returns what `returned` and `lost` want to know."""
        with self._lock:
            since = self._now()
            self._records[name].running.append(since)
            return since

    def hung(self, name: str) -> None:
        """Take note that the deadline passed while the handler ran."""
        with self._lock:
            record = self._records[name]
            self._count(record, record.hangs + 1)

    def lost(self, name: str, since: float) -> None:
        """Take note that a call is given up: nobody waits any more for it to come back."""
        with self._lock:
            record = self._records[name]
            if since not in record.running:  # it has come back, and what follows hangs
                return
            record.running.remove(since)
            # Without it nothing would be a crowd any more, and the next ones would be lost as well.
            if record.returned_at < since:
                self._count(record, max(record.hangs + 1, HANGS))

    def returned(self, name: str, since: float | None = None) -> None:
        """Take note that the handler came back, with or without a reply."""
        with self._lock:
            record = self._records[name]
            record.hangs = record.probes = 0
            record.returned_at = self._now()
            if since in record.running:  # else it was given up
                record.running.remove(since)

    def _count(self, record: _Record, hangs: int) -> None:
        if record.hangs < HANGS <= hangs:
            record.probed_at = self._now()
        record.hangs = hangs

    def _is_crowded(self, record: _Record) -> bool:
        now = self._now()
        slow = sum(now - since > SLOW_SECONDS for since in record.running)
        return slow >= CROWD and now - record.returned_at > _LATELY_SECONDS
