"""Counts what is new, once a minute, in small transactions: nobody waits long for the lock.

1. A round reads again what was recorded in the last minute, once an hour in the last day, and from the
   time on from which something was recorded late (the spool). What is counted already is found by its key.
2. A batch is worked out from what was read, without a lock.
3. It is written if nobody else has written meanwhile (wxbot/analytics/marks.py), otherwise 2 begins anew.
   Whoever is killed in between has written nothing.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, Row

from wxbot import clock
from wxbot.analytics import batch, marks, sources, teams
from wxbot.analytics.marks import Marks
from wxbot.analytics.sources import Page, Place
from wxbot.db.patience import patiently
from wxbot.settings.model import AnalyticsSettings

# What takes longer between its time and its commit is found by the hourly reading of the last day.
_AGAIN_SECONDS = 60
_HOUR_SECONDS = 3600
BATCH = 200


@dataclass(frozen=True)
class _Source:
    """What is read, the mark that says how far, and the time from which on."""

    read: Callable[..., Page]
    mark: str
    start: int


class Counting:
    """Counts events and claims. Any number of processes may do so at the same time.

    `batch` is how many are written at once, and `rest` how long to leave the database to others after each,
    as a part of the time that it took.
    """

    def __init__(
        self,
        engine: Engine,
        settings: AnalyticsSettings,
        *,
        now: Callable[[], datetime] = clock.now,
        batch: int = BATCH,
        rest: float = 1.0,
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._now = now
        self._batch = batch
        self._rest = rest

    def round(self, *, seconds: float = 45.0) -> int:
        """Count what is new, for so long at most; returns how many facts that was.

        Nothing, while all is made anew (wxbot/analytics/rebuilding.py).
        """
        end = clock.monotonic() + seconds
        now = int(self._now().timestamp())
        before = marks.ready(self._engine, self._settings)
        if not self._settle_teams(end):
            return 0
        late = [] if before.again_from is None else [before.again_from]
        is_sweep = not 0 <= now - before.swept_at < _HOUR_SECONDS
        count = 0
        for back in (_AGAIN_SECONDS, clock.DAY_SECONDS) if is_sweep else (_AGAIN_SECONDS,):
            events, claims = (
                min(until - back, now, *late) for until in (before.events_until, before.claims_until)
            )
            for source in (
                _Source(sources.events_behind, "events_until", events),
                _Source(sources.claims_behind, "claims_until", claims),
            ):
                more, is_done = self._read_all(source, now, end)
                count += more
                if not is_done:
                    return count
        self._finish(before, swept_at=now if is_sweep else before.swept_at)
        return count

    def count_all(self) -> int:
        """Count everything that is not counted yet, however long it takes; returns how many facts."""
        return self.round(seconds=float("inf"))

    def _settle_teams(self, end: float) -> bool:
        """Bring channels' counters to their groups and promoters of now; False when the time is over."""
        while True:
            with self._engine.connect() as connection:
                seen = marks.read(connection)
                assert seen is not None
                found = [] if seen.is_held else teams.outdated(connection)
            if not found:
                return True
            started = clock.monotonic()
            patiently(self._engine, partial(_settle, seen, found))
            if clock.monotonic() >= end:
                return False
            time.sleep((clock.monotonic() - started) * self._rest)

    def _read_all(self, source: "_Source", now: int, end: float) -> tuple[int, bool]:
        """Read page by page until the end, or until the time is over; returns how many, and which it was."""
        count, place = 0, Place.before(source.start)
        while True:
            started = clock.monotonic()
            page = self._count_page(source, place, now)
            if page is None:
                return count, False
            count += len(page.fresh)
            if page.behind is None:
                return count, True
            # What is counted already is passed over even then: otherwise a round might get no further.
            if page.fresh and clock.monotonic() >= end:
                return count, False
            place = page.behind
            if page.fresh and self._rest:
                time.sleep((clock.monotonic() - started) * self._rest)

    def _count_page(self, source: "_Source", place: Place, now: int) -> Page | None:
        """Count a page; None while nobody may count."""
        while True:
            with self._engine.connect() as connection:
                seen = marks.read(connection)
                assert seen is not None
                if seen.is_held:
                    return None
                page = source.read(connection, place, limit=self._batch)
                change = batch.prepare(connection, page.fresh, seen) if page.fresh else None
            until = now if page.behind is None else min(page.behind.at, now)
            moved = {source.mark: until} if until > getattr(seen, source.mark) else {}
            if (change is None and not moved) or self._write(seen, change, moved):
                return page

    def _write(self, seen: Marks, change: batch.Change | None, moved: Mapping[str, object]) -> bool:
        def work(connection: Connection) -> bool:
            if not marks.take(connection, seen, moved):
                return False
            if change is not None:
                batch.write(connection, change)
            return True

        return patiently(self._engine, work)

    def _finish(self, before: Marks, *, swept_at: int) -> None:
        """Note that a round came to its end; what was asked for meanwhile is left for the next."""
        changes: dict[str, object] = {}
        if swept_at != before.swept_at:
            changes["swept_at"] = swept_at
        if before.again_from is not None:
            changes["again_from"] = None
        if not changes:
            return

        def work(connection: Connection) -> None:
            seen = marks.read(connection)
            assert seen is not None
            if seen.again_from == before.again_from:
                marks.take(connection, seen, changes)

        patiently(self._engine, work)


def _settle(seen: Marks, found: Sequence[Row[Any]], connection: Connection) -> None:
    """Settle teams, unless somebody else has written since they were looked at."""
    if marks.take(connection, seen):
        teams.settle(connection, seen.edition, found)
