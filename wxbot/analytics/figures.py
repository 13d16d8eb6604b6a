"""The figures: what pages, commands and the API ask for. Defined in docs/analytics.md."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row

from wxbot import clock
from wxbot.analytics import boards, gaps, marks, suspicion
from wxbot.analytics.marks import Marks
from wxbot.analytics.reading import Reading, as_date, scenes_of, span, totals_of
from wxbot.analytics.shapes import (
    COUNTED,
    EVERYTHING,
    Board,
    By,
    ChannelFigures,
    Cohort,
    Compared,
    Comparison,
    Day,
    Gap,
    Hours,
    Kept,
    Line,
    Of,
    Order,
    Overview,
    Period,
    Retention,
    Suspect,
    Totals,
)
from wxbot.analytics.tally import KEPT_DAYS, STEPS
from wxbot.analytics.units import Calendar
from wxbot.settings.model import AnalyticsSettings

__all__ = ["EVERYTHING", "Figures", "Of", "Period", "Totals"]

Rows = Mapping[int, Row[Any]]

_WEEK = 7
# There was no WeChat before.
_FIRST = date(2011, 1, 1)
_FIRST_AT = 1_293_840_000
_NEVER = Period(first=date.min, last=date.min)
# Cohorts of more days than this are told by the week.
_MOST_DAILY_COHORTS = 31


class Figures:
    """Reads figures of an account. Safe to use from any thread; asks for no facts, only for counters.

    `now` is for what "today" is. Unknown names have figures of zero.
    """

    def __init__(
        self, engine: Engine, settings: AnalyticsSettings, *, now: Callable[[], datetime] = clock.now
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._now = now

    def today(self) -> date:
        """Return the date of today by the calendar that figures are made with."""
        with self._engine.connect() as connection:
            return as_date(self._today(marks.read(connection)))

    def overview(self, account: str, period: Period) -> Overview:
        """Return an account at a glance."""
        with self._engine.connect() as connection:
            seen = marks.read(connection)
            reading = _reading(connection, account, seen)
            ids = scenes_of(connection, account, EVERYTHING)
            rules = seen.rules if seen else None
            rows = reading.by_day(ids, period)
            return Overview(
                period=period,
                totals=_added(rows, reading.scanners(ids, period)),
                before=reading.totals(ids, period.before()),
                days=_days(rows, period),
                without_code=reading.totals(scenes_of(connection, account, Of("none")), period),
                counted_until=seen.events_until or None if seen else None,
                timezone=rules.calendar.timezone if rules else self._settings.timezone,
                attribution=rules.attribution if rules else self._settings.attribution,
            )

    def series(self, account: str, period: Period, of: Of = EVERYTHING) -> tuple[Day, ...]:
        """Return each day of a period, also those on which nothing was."""
        with self._engine.connect() as connection:
            reading = _reading(connection, account, marks.read(connection))
            return _days(reading.by_day(scenes_of(connection, account, of), period), period)

    def totals(self, account: str, period: Period, of: Of = EVERYTHING) -> Totals:
        """Return what was counted in a period, with its scanners."""
        with self._engine.connect() as connection:
            reading = _reading(connection, account, marks.read(connection))
            return reading.totals(scenes_of(connection, account, of), period)

    def channel(self, account: str, name: str, period: Period) -> ChannelFigures:
        """Return all about one channel."""
        return self.about(account, Of("channel", name), period)

    def about(self, account: str, of: Of, period: Period) -> ChannelFigures:
        """Return all about a channel, or a group, promoter or scene in the same form."""
        with self._engine.connect() as connection:
            seen = marks.read(connection)
            reading = _reading(connection, account, seen)
            ids = scenes_of(connection, account, of)
            rows = reading.by_day(ids, period)
            stays = reading.stays(ids, period)
            return ChannelFigures(
                of=of,
                period=period,
                totals=_added(rows, reading.scanners(ids, period)),
                before=reading.totals(ids, period.before()),
                days=_days(rows, period),
                retention=_retention(rows, stays, period, self._today(seen)),
                hours=_hours(reading, ids, period),
            )

    def compare(
        self, account: str, period: Period, of: Sequence[Of], *, against: Period | None = None
    ) -> Comparison:
        """Return several things side by side; `against` is the period before, unless another is given."""
        against = against or period.before()
        with self._engine.connect() as connection:
            reading = _reading(connection, account, marks.read(connection))
            lines = []
            for each in of:
                ids = scenes_of(connection, account, each)
                totals, before = reading.totals(ids, period), reading.totals(ids, against)
                title = boards.title_of(connection, account, each)
                lines.append(Compared(of=each, title=title, totals=totals, before=before))
        return Comparison(period=period, against=against, lines=tuple(lines))

    def leaderboard(
        self,
        account: str,
        period: Period,
        *,
        by: By = "channel",
        order: Order = "new",
        limit: int = 50,
        offset: int = 0,
    ) -> Board:
        """Return channels, groups, promoters or scenes in descending order of one figure.

        Only those for which something was counted in the period.
        """
        with self._engine.connect() as connection:
            reading = _reading(connection, account, marks.read(connection))
            return boards.board(reading, period, by=by, order=order, limit=limit, offset=offset)

    def ranking(self, account: str, period: Period, *, by: By, order: Order) -> dict[str, str]:
        """Return all names of a leaderboard in their order; of channels, with their titles.

        Their figures are told by `named`: read page by page, an order that changes meanwhile would lose some.
        """
        with self._engine.connect() as connection:
            reading = _reading(connection, account, marks.read(connection))
            return boards.ranking(reading, period, by=by, order=order)

    def named(
        self, account: str, period: Period, names: Sequence[str], *, by: By = "channel"
    ) -> dict[str, Line]:
        """Return the lines of these names, also of those for which nothing was counted.

        Their titles are the names, and `channels` are all that a group or a promoter has now.
        """
        with self._engine.connect() as connection:
            reading = _reading(connection, account, marks.read(connection))
            return boards.named(reading, period, names, by=by)

    def came(
        self, account: str, names: Sequence[str], *, by: By, since: int | None, until: int | None
    ) -> dict[str, Line]:
        """Return the lines of these names on the days of two moments, in seconds since 1970.

        The second moment is not included; without them, of all times.
        """
        with self._engine.connect() as connection:
            seen = marks.read(connection)
            period = self._days_between(seen, since, until)
            return boards.named(_reading(connection, account, seen), period, names, by=by)

    def retention(self, account: str, period: Period, of: Of = EVERYTHING) -> Retention:
        """Return who stays of those who were new in the period."""
        with self._engine.connect() as connection:
            seen = marks.read(connection)
            reading = _reading(connection, account, seen)
            ids = scenes_of(connection, account, of)
            rows, stays = reading.by_day(ids, period), reading.stays(ids, period)
            return _retention(rows, stays, period, self._today(seen))

    def hours(self, account: str, period: Period, of: Of = EVERYTHING) -> Hours:
        """Return scans by weekday and hour."""
        with self._engine.connect() as connection:
            reading = _reading(connection, account, marks.read(connection))
            return _hours(reading, scenes_of(connection, account, of), period)

    def suspects(self, account: str, period: Period) -> tuple[Suspect, ...]:
        """Return channels whose figures look bought, the most striking first."""
        with self._engine.connect() as connection:
            return suspicion.suspects(_reading(connection, account, marks.read(connection)), period)

    def gap(self, account: str, period: Period) -> Gap:
        """Return WeChat's own counts beside ours."""
        with self._engine.connect() as connection:
            seen = marks.read(connection)
            return gaps.gap(_reading(connection, account, seen), period, self._calendar(seen))

    def _today(self, seen: Marks | None) -> int:
        return self._calendar(seen).day(int(self._now().timestamp()))

    def _calendar(self, seen: Marks | None) -> Calendar:
        return seen.rules.calendar if seen else Calendar(self._settings.timezone)

    def _days_between(self, seen: Marks | None, since: int | None, until: int | None) -> Period:
        calendar, last = self._calendar(seen), self._today(seen)
        # Nothing was before the first day nor will be after today, and calendars end.
        end = int(self._now().timestamp()) + clock.DAY_SECONDS
        first = _FIRST.toordinal() if since is None else calendar.day(min(max(since, _FIRST_AT), end))
        if until is not None:
            last = min(last, calendar.day(max(until, _FIRST_AT) - 1) if until < end else last)
        return Period(first=as_date(first), last=as_date(last)) if first <= last else _NEVER


def _reading(connection: Connection, account: str, seen: Marks | None) -> Reading:
    return Reading(connection, account, seen.edition if seen else 0)


def _days(rows: Rows, period: Period) -> tuple[Day, ...]:
    first, last = span(period)
    return tuple(
        Day(date=as_date(day), totals=totals_of(rows[day]) if day in rows else Totals())
        for day in range(first, last + 1)
    )


def _added(rows: Rows, scanners: int) -> Totals:
    """Return the totals of all days."""
    sums = {name: sum(int(getattr(row, name)) for row in rows.values()) for name in COUNTED}
    return Totals(scanners=scanners, **sums)


def _hours(reading: Reading, ids: Sequence[int], period: Period) -> Hours:
    return Hours(cells=tuple(tuple(row) for row in reading.hours(ids, period)))


def _retention(rows: Rows, steps: Mapping[int, int], period: Period, today: int) -> Retention:
    kept = []
    for number in KEPT_DAYS:
        known = [row for day, row in rows.items() if day + number < today]
        stayed = sum(int(getattr(row, f"kept_{number}")) for row in known)
        kept.append(Kept(days=number, new=sum(int(row.new) for row in known), kept=stayed))
    left = sum(steps.values())
    return Retention(
        kept=tuple(kept),
        cohorts=_cohorts(rows, period, today),
        left=left,
        median_seconds=_median(steps, left),
        steps=tuple((STEPS[step], people) for step, people in steps.items()),
    )


def _median(steps: Mapping[int, int], left: int) -> int | None:
    """Return the step of the middle one, of the lower one of two."""
    seen = 0
    for step, people in steps.items():
        seen += people
        if seen > (left - 1) // 2:
            return STEPS[step]
    return None


def _cohorts(found: Rows, period: Period, today: int) -> tuple[Cohort, ...]:
    first, last = span(period)
    cohorts = []
    while first <= last:
        is_daily = period.length <= _MOST_DAILY_COHORTS
        end = first if is_daily else min(first + _WEEK - 1 - (first - 1) % _WEEK, last)
        rows = [found[day] for day in range(first, end + 1) if day in found]
        kept = {
            number: sum(int(getattr(row, f"kept_{number}")) for row in rows) if end + number < today else None
            for number in KEPT_DAYS
        }
        new = sum(int(row.new) for row in rows)
        cohorts.append(Cohort(first=as_date(first), last=as_date(end), new=new, kept=kept))
        first = end + 1
    return tuple(cohorts)
