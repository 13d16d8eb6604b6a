"""Makes all counters anew from the facts: by other definitions, or because somebody doubts them.

They are made as another edition beside the present one, which answers until the new one is whole. Nothing is
counted meanwhile; what happens is counted afterwards.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Engine, Row, Table, and_, delete, func, select

from wxbot import clock
from wxbot.analytics import marks, naming
from wxbot.analytics.tally import Kind, Rules, Scenes, Step, Tally, add, of_days, of_history, of_scan
from wxbot.analytics.teams import teams_of
from wxbot.analytics.units import Calendar
from wxbot.analytics.writing import Rows, Teams, rows_of
from wxbot.db.figures import bursts, counts, facts, hours, people, returns, scenes, stays, visits
from wxbot.db.patience import patiently
from wxbot.db.statements import add_all, insert_all
from wxbot.errors import WxbotError
from wxbot.settings.model import AnalyticsSettings

# So many people are read at once; so many marks are kept in memory before they are written.
_PEOPLE = 1000
_MARKS = 200_000
# Small enough that nobody waits for the lock.
_ROWS = 500
_COUNTERS = (counts, hours, returns, stays, bursts)
_RENEW_SECONDS = 10.0

_STOOD_STILL = (
    "the rebuild stood still for a minute, or the database's clock was moved: workers may have counted "
    "meanwhile what it does not know of. It has ended; run `wxbot stats rebuild` again"
)

Told = Callable[[int, int], None]


class RebuildError(WxbotError):
    """Figures cannot be made anew: somebody else is at it, or was meanwhile."""


def rebuild(
    engine: Engine,
    settings: AnalyticsSettings,
    *,
    rest: float = 1.0,
    told: Told = lambda done, all: None,
) -> int:
    """Make all counters anew, by the definitions of the settings; returns from how many people's facts.

    `told` hears now and then how many people are done, and how many there are. `rest` is how long to leave
    the database to others after each writing, as a part of the time that it took. May be killed and begun
    again. Raises RebuildError when somebody else does so at this moment, or when it stood still for so long
    that others may have gone on counting.
    """
    rules = Rules(calendar=Calendar(settings.timezone), attribution=settings.attribution)
    making = _Making(engine, _Hold(engine, settings), rules, rest)
    try:
        making.clear()
        count = making.make(told)
        making.hold.turn_over(making.edition, rules)
        making.clear()
    finally:
        making.hold.end()
    return count


class _Hold:
    """Keeps everybody from counting as long as this goes on, and for a minute if the process is killed."""

    def __init__(self, engine: Engine, settings: AnalyticsSettings) -> None:
        self._engine = engine
        self._until: int | None = None
        while self._until is None:
            before = marks.ready(engine, settings)
            if before.is_held:
                raise RebuildError("figures are being made anew already; try again when that is done")
            self.edition = before.edition
            self._until = patiently(engine, partial(marks.hold, marks=before))
        self._renewed_at = clock.monotonic()

    def renew(self) -> None:
        """Hold on, if it is time to say so; raises RebuildError when it took too long."""
        if clock.monotonic() - self._renewed_at > _RENEW_SECONDS:
            self._until = patiently(self._engine, partial(marks.hold_on, until=self._until))
            self._require()
            self._renewed_at = clock.monotonic()

    def turn_over(self, edition: int, rules: Rules) -> None:
        """Let everybody read a new edition from now on."""
        changes = {
            "edition": edition,
            "timezone": rules.calendar.timezone,
            "attribution": rules.attribution,
        }
        self._until = patiently(self._engine, partial(marks.hold_on, until=self._until, changes=changes))
        self._require()
        self.edition = edition

    def end(self) -> None:
        """Let everybody count again."""
        patiently(self._engine, partial(marks.let_go, until=self._until))

    def _require(self) -> None:
        if self._until is None:
            raise RebuildError(_STOOD_STILL)


class _Making:
    """One edition in the making."""

    def __init__(self, engine: Engine, hold: _Hold, rules: Rules, rest: float) -> None:
        self.hold = hold
        self.edition = marks.edition_after(hold.edition)
        self._engine = engine
        self._rules = rules
        self._rest = rest
        self._tallies: dict[str, Tally] = defaultdict(dict)
        self._teams: Teams = {}
        self._visits: Rows = []

    def make(self, told: Told) -> int:
        """Count all facts; returns of how many people."""
        with self._engine.connect() as connection:
            highest = connection.execute(select(func.max(people.c.id))).scalar_one() or 0
            ends = _ends(connection)
            self._teams = teams_of(connection)
        done = 0
        for first in range(1, highest + 1, _PEOPLE):
            with self._engine.connect() as connection:
                found = _people(connection, first, first + _PEOPLE - 1)
            for account, who, theirs in found:
                self._count(who, theirs, ends[account], self._tallies[account])
                done += 1
            if sum(map(len, self._tallies.values())) >= _MARKS:
                self._write()
            self.hold.renew()
            told(min(first + _PEOPLE - 1, highest), highest)
        self._write()
        return done

    def clear(self) -> None:
        """Delete all editions but the present one, piece by piece."""
        for table in (visits, *_COUNTERS):
            while (edition := self._other_edition(table)) is not None:
                pieces = _visits_of if table is visits else _unit_of
                while patiently(self._engine, partial(_delete_piece, table, edition, pieces)):
                    self.hold.renew()

    def _other_edition(self, table: Table) -> int | None:
        with self._engine.connect() as connection:
            ends = connection.execute(select(func.min(table.c.edition), func.max(table.c.edition))).one()
        others = [edition for edition in ends if edition not in (None, self.hold.edition)]
        return others[0] if others else None

    def _count(self, who: int, theirs: Sequence[Any], ends: Scenes, tally: Tally) -> None:
        """Count one person's facts."""
        days: dict[int, set[int]] = defaultdict(set)
        steps = []
        for _, kind, at, key, scene in theirs:
            if kind != Kind.SCAN:
                steps.append(Step(at, kind, key, scene))
            if kind == Kind.SCAN or (kind == Kind.FOLLOW and scene != ends.none):
                add(tally, of_scan(at, scene, ends, self._rules))
                days[scene].add(self._rules.calendar.day(at))
        for scene, seen in days.items():
            add(tally, of_days(seen, scene))
            self._visits.extend((self.edition, who, scene, day) for day in sorted(seen))
        add(tally, of_days(set[int]().union(*days.values()), ends.all))
        first = min((at for _, kind, at, _, _ in theirs if kind == Kind.SCAN), default=None)
        add(tally, of_history(steps, first, ends, self._rules))

    def _write(self) -> None:
        """Write what was counted so far, and forget it here."""
        self._write_all(insert_all, visits, self._visits)
        for account, tally in self._tallies.items():
            counted = rows_of(tally, self._teams, account=account, edition=self.edition)
            for table, rows in counted.items():
                self._write_all(add_all, table, rows)
        self._tallies.clear()
        self._visits = []

    def _write_all(self, write: Callable[..., None], table: Table, rows: Rows) -> None:
        for start in range(0, len(rows), _ROWS):
            started = clock.monotonic()
            piece = rows[start : start + _ROWS]
            patiently(self._engine, partial(write, table=table, rows=piece))
            self.hold.renew()
            time.sleep((clock.monotonic() - started) * self._rest)


def _ends(connection: Connection) -> dict[str, Scenes]:
    kinds: dict[str, dict[str, int]] = defaultdict(dict)
    query = select(scenes.c.account, scenes.c.kind, scenes.c.id).where(scenes.c.scene == "")
    for account, kind, id in connection.execute(query):
        kinds[account][kind] = id
    return {account: Scenes(found[naming.ALL], found[naming.NONE]) for account, found in kinds.items()}


def _people(connection: Connection, first: int, last: int) -> list[tuple[str, int, list[Any]]]:
    """Return the facts of people by number, with their account."""
    whose = select(people.c.id, people.c.account).where(people.c.id.between(first, last))
    accounts = {row.id: row.account for row in connection.execute(whose)}
    columns = facts.c.who, facts.c.kind, facts.c.at, facts.c.key, facts.c.scene
    query = select(*columns).where(facts.c.who.between(first, last)).order_by(facts.c.who)
    rows = groupby(connection.execute(query).all(), key=lambda row: row.who)
    return [(accounts[who], who, list(theirs)) for who, theirs in rows]


def _delete_piece(table: Table, edition: int, piece: Callable[..., Any], connection: Connection) -> int:
    """Delete the first piece of an edition; returns how many rows that was."""
    of_edition = table.c.edition == edition
    first = connection.execute(
        select(table).where(of_edition).order_by(*table.primary_key.columns).limit(1)
    ).first()
    if first is None:
        return 0
    return connection.execute(delete(table).where(of_edition, piece(table, first))).rowcount


def _unit_of(table: Table, first: Row[Any]) -> Any:
    return and_(table.c.account == first.account, table.c.unit == first.unit)


def _visits_of(table: Table, first: Row[Any]) -> Any:
    return table.c.who.between(first.who, first.who + _PEOPLE)
