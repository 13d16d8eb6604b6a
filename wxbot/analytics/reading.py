"""The queries behind the figures: sums of counters over the units of a period, never of facts."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, func, select

from wxbot.analytics.naming import ALL, NONE, SCENE, of_channel, scene_digest
from wxbot.analytics.shapes import COUNTED, Of, Period, Totals
from wxbot.analytics.tally import KEPT_DAYS
from wxbot.analytics.units import balance, days, first_day, unit, weekday, whole
from wxbot.db.business import channels
from wxbot.db.figures import counts, hours, returns, scenes, stays
from wxbot.scenes.once import counted_as

_KEPT = tuple(f"kept_{number}" for number in KEPT_DAYS)
_LARGEST = 2


def scenes_of(connection: Connection, account: str, of: Of) -> list[int]:
    """Return the number of the line that something has; none if nothing was counted for it."""
    if of.kind == "channel":
        query = select(scenes.c.id).join(channels, of_channel())
        query = query.where(channels.c.account == account, channels.c.name == of.name)
    else:
        kind, name = {"account": (ALL, ""), "none": (NONE, ""), "scene": (SCENE, counted_as(of.name))}.get(
            of.kind, (of.kind, of.name)
        )
        query = select(scenes.c.id).where(scenes.c.digest == scene_digest(account, kind, name))
    return list(connection.execute(query).scalars())


def span(period: Period) -> tuple[int, int]:
    """Return a period as ordinals."""
    return period.first.toordinal(), period.last.toordinal()


def totals_of(row: object) -> Totals:
    """Return the totals of a row that has a column for each."""
    return Totals(**{name: int(getattr(row, name)) for name in COUNTED})


def _signed(units: Mapping[int, int], number: ColumnElement[int]) -> ColumnElement[int]:
    """Return the sum of a number over units, some of which are taken away."""
    away = [each for each, sign in units.items() if sign < 0]
    signed = case((counts.c.unit.in_(away), -number), else_=number) if away else number
    return func.coalesce(func.sum(signed), 0)


class Reading:
    """Reads the counters of one account in one edition on a connection."""

    def __init__(self, connection: Connection, account: str, edition: int) -> None:
        self.connection = connection
        self.account = account
        self.edition = edition

    def totals(self, ids: Collection[int], period: Period) -> Totals:
        """Return what was counted for these scenes in a period."""
        row = self._sums(ids, span(period), COUNTED)
        return Totals(scanners=self.scanners(ids, period), **row)

    def scanners(self, ids: Collection[int], period: Period) -> int:
        """Return how many people scanned; who scanned several of these scenes is one of each."""
        return sum(self.scanners_by_scene(ids, period).values())

    def scanners_by_scene(self, ids: Collection[int], period: Period) -> dict[int, int]:
        """Return how many people scanned each of these scenes in a period."""
        first, last = span(period)
        table = returns.c
        query = (
            select(table.scene, func.sum(table.people))
            .where(self._mine(returns), table.unit.in_(whole(first, last)), table.scene.in_(ids))
            .where(table.previous < first)
            .group_by(table.scene)
        )
        return {scene: int(people) for scene, people in self.connection.execute(query)} if ids else {}

    def by_day(self, ids: Collection[int], period: Period) -> dict[int, Row[tuple[int, ...]]]:
        """Return the figures of each day on which there were any, by ordinal."""
        columns = [func.sum(counts.c[name]).label(name) for name in (*COUNTED, *_KEPT)]
        query = (
            select(counts.c.unit, *columns)
            .where(self._mine(counts), counts.c.unit.in_(days(*span(period))), counts.c.scene.in_(ids))
            .group_by(counts.c.unit)
        )
        return {first_day(row.unit): row for row in self.connection.execute(query)} if ids else {}

    def stays(self, ids: Collection[int], period: Period) -> dict[int, int]:
        """Return how many left after how long, by step, of those who were new in the period."""
        units = balance(*span(period))
        query = (
            select(stays.c.unit, stays.c.step, func.sum(stays.c.people))
            .where(self._mine(stays), stays.c.unit.in_(units), stays.c.scene.in_(ids))
            .group_by(stays.c.unit, stays.c.step)
        )
        found: dict[int, int] = {}
        for of, step, people in self.connection.execute(query) if ids else ():
            found[step] = found.get(step, 0) + units[of] * int(people)
        return {step: people for step, people in sorted(found.items()) if people}

    def hours(self, ids: Collection[int], period: Period) -> list[list[int]]:
        """Return scans by weekday and hour."""
        units = balance(*span(period), levels=(0, _LARGEST))
        signs = {of: sign for of, sign in units.items() if of < unit(_LARGEST, 0)}
        signs |= {of + day: sign for of, sign in units.items() if of not in signs for day in range(7)}
        query = (
            select(hours.c.unit, *(func.sum(hours.c[f"h{hour}"]) for hour in range(24)))
            .where(self._mine(hours), hours.c.unit.in_(signs), hours.c.scene.in_(ids))
            .group_by(hours.c.unit)
        )
        cells = [[0] * 24 for _ in range(7)]
        for of, *scans in self.connection.execute(query) if ids else ():
            # In a block of 64 days, the place within it is the weekday.
            is_block = of >= unit(_LARGEST, 0)
            row = cells[of % 64 if is_block else weekday(of)]
            for hour, number in enumerate(scans):
                row[hour] += signs[of] * int(number)
        return cells

    def per_scene(self, period: Period, *, columns: Sequence[str] = COUNTED) -> Select[tuple[int, ...]]:
        """Return the query for what was counted for each scene."""
        units = balance(*span(period))
        return (
            select(counts.c.scene, *(_signed(units, counts.c[name]).label(name) for name in columns))
            .where(self._mine(counts), counts.c.unit.in_(units))
            .group_by(counts.c.scene)
        )

    def totals_by_scene(self, ids: Collection[int], period: Period) -> dict[int, Totals]:
        """Return what was counted for each of these scenes, without scanners."""
        found = self.connection.execute(self.per_scene(period).where(counts.c.scene.in_(ids))) if ids else ()
        return {row.scene: totals_of(row) for row in found}

    def ranked(self, period: Period, figure: Sequence[str], *, kind: str | None) -> Select[tuple[int, ...]]:
        """Return the query for one figure of each line (a column, less others), and for any at all."""
        units = balance(*span(period))
        plus, *minus = (counts.c[name] for name in figure)
        number = sum((-each for each in minus), start=plus)
        # Whoever was new with a code has scanned it, and whoever was lost has left.
        anything = counts.c.scans + counts.c.unfollows + counts.c.claims
        query = (
            select(
                counts.c.scene,
                _signed(units, number).label("figure"),
                _signed(units, anything).label("anything"),
            )
            .where(self._mine(counts), counts.c.unit.in_(units))
            .group_by(counts.c.scene)
        )
        if kind is None:
            return query
        theirs = select(scenes.c.id).where(scenes.c.account == self.account, scenes.c.kind == kind)
        return query.where(counts.c.scene.in_(list(self.connection.execute(theirs).scalars())))

    def _sums(
        self, ids: Collection[int], ordinals: tuple[int, int], columns: Sequence[str]
    ) -> dict[str, int]:
        units = balance(*ordinals)
        if not units or not ids:
            return dict.fromkeys(columns, 0)
        query = select(*(_signed(units, counts.c[name]).label(name) for name in columns)).where(
            self._mine(counts), counts.c.unit.in_(units), counts.c.scene.in_(ids)
        )
        return {name: int(value) for name, value in self.connection.execute(query).mappings().one().items()}

    def _mine(self, table: object) -> ColumnElement[bool]:
        columns = table.c  # type: ignore[attr-defined]
        return and_(columns.edition == self.edition, columns.account == self.account)


def as_date(ordinal: int) -> date:
    """Return the date of an ordinal."""
    return date.fromordinal(ordinal)
