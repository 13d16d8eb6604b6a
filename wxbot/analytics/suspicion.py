"""Channels whose followers may have been bought (刷关注): a flag to look there, never a proof."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, select

from wxbot.analytics.naming import of_channel
from wxbot.analytics.reading import Reading, as_date, span
from wxbot.analytics.shapes import Of, Period, Suspect
from wxbot.analytics.tally import SLOT_MINUTES
from wxbot.analytics.units import balance, days, first_day, unit, whole
from wxbot.db.business import channels
from wxbot.db.figures import bursts, counts, scenes

# So many at least, and so many of a hundred new ones.
QUICK_LEAST, QUICK_PERCENT = 10, 30
TURNING_LEAST, TURNING_PERCENT = 5, 10
# So many in ten minutes at least, and as many as on so many usual days.
BURST_LEAST, BURST_DAYS = 20, 3
USUAL_DAYS = 28
_MOST_BURSTS = 50
_Place = tuple[int, int]  # a scene and a day's unit


def suspects(reading: Reading, period: Period) -> tuple[Suspect, ...]:
    """Return suspects, those with the most such followers first."""
    found = [*_by_share(reading, period), *_by_burst(reading, period)]
    return tuple(sorted(found, key=lambda suspect: (-suspect.count, suspect.of.name, suspect.reason)))


def _by_share(reading: Reading, period: Period) -> Iterator[Suspect]:
    found = reading.per_scene(period, columns=("new", "quick", "turning")).subquery("found")
    query = (
        select(channels.c.name, channels.c.title, channels.c.promoter, found)
        .select_from(found.join(scenes, scenes.c.id == found.c.scene).join(channels, of_channel()))
        .where((found.c.quick >= QUICK_LEAST) | (found.c.turning >= TURNING_LEAST))
    )
    for row in reading.connection.execute(query):
        if row.quick >= QUICK_LEAST and row.quick * 100 >= row.new * QUICK_PERCENT:
            yield _suspect(row, reason="quick", count=int(row.quick), out_of=int(row.new))
        if row.turning >= TURNING_LEAST and row.turning * 100 >= row.new * TURNING_PERCENT:
            yield _suspect(row, reason="turning", count=int(row.turning), out_of=int(row.new))


def _by_burst(reading: Reading, period: Period) -> Iterator[Suspect]:
    """Yield the largest bursts of those that are unusual; what is usual in one place hides none elsewhere."""
    # Not grouped by the database: for that SQLite would go through all bursts, small ones too.
    large = select(bursts.c.scene, bursts.c.unit, bursts.c.new)
    tops: dict[_Place, int] = {}
    for scene, of, new in reading.connection.execute(
        _of_channels(reading, large, bursts.c.unit.in_(days(*span(period))))
    ):
        tops[scene, of] = max(new, tops.get((scene, of), 0))
    usual = _usual_where_odd(reading, tops)
    for row in _largest(reading, usual):
        minute, out_of = row.slot * SLOT_MINUTES, round(usual[row.scene, row.unit] / USUAL_DAYS)
        on = as_date(first_day(row.unit))
        yield _suspect(row, reason="burst", count=row.new, out_of=out_of, on=on, minute=minute)


def _largest(reading: Reading, usual: Mapping[_Place, int]) -> list[Row[Any]]:
    """Return the largest unusual bursts of these scenes and days."""
    if not usual:
        return []
    columns = channels.c.name, channels.c.title, channels.c.promoter, bursts
    which = bursts.c.unit.in_({of for _, of in usual}) & bursts.c.scene.in_({scene for scene, _ in usual})
    order = bursts.c.new.desc(), bursts.c.unit, bursts.c.scene, bursts.c.slot
    rows = reading.connection.execute(_of_channels(reading, select(*columns), which).order_by(*order)).all()
    found = [row for row in rows if (row.scene, row.unit) in usual]
    return [row for row in found if _is_odd(row.new, usual[row.scene, row.unit])][:_MOST_BURSTS]


def _of_channels(reading: Reading, query: Select[Any], which: ColumnElement[bool]) -> Select[Any]:
    mine = bursts.c.edition == reading.edition, bursts.c.account == reading.account
    of_channels = bursts.join(scenes, scenes.c.id == bursts.c.scene).join(channels, of_channel())
    return query.select_from(of_channels).where(*mine, which, bursts.c.new >= BURST_LEAST)


def _is_odd(new: int, usual: int) -> bool:
    """Say whether so many at once are unusual where `usual` were new in four weeks."""
    return new * USUAL_DAYS >= BURST_DAYS * usual


def _usual_where_odd(reading: Reading, tops: Mapping[_Place, int]) -> dict[_Place, int]:
    """Return how many were new in the four weeks before, at the places with the largest tops that are odd."""
    # Busy places have large bursts every day: the blocks within the four weeks rule most of them out.
    least = _new_in(reading, {place: _blocks_before(first_day(place[1])) for place in tops})
    likely = [place for place in tops if _is_odd(tops[place], least[place])]
    likely.sort(key=lambda place: (-tops[place], place[1], place[0]))
    found: dict[_Place, int] = {}
    while likely and len(found) < _MOST_BURSTS:
        some, likely = likely[:_MOST_BURSTS], likely[_MOST_BURSTS:]
        usual = _new_in(reading, {place: _days_before(first_day(place[1])) for place in some})
        found |= {place: new for place, new in usual.items() if _is_odd(tops[place], new)}
    return dict(list(found.items())[:_MOST_BURSTS])


@lru_cache(maxsize=1024)
def _days_before(day: int) -> dict[int, int]:
    return balance(day - USUAL_DAYS, day - 1)


@lru_cache(maxsize=1024)
def _blocks_before(day: int) -> dict[int, int]:
    first, last = day - USUAL_DAYS, day - 1
    return {each: 1 for each in whole(first, last, levels=(0, 1)) if each >= unit(1, 0)}


def _new_in(reading: Reading, wanted: Mapping[_Place, Mapping[int, int]]) -> dict[_Place, int]:
    """Return how many were new at each scene in its units, some of which are taken away."""
    asked = {of for units in wanted.values() for of in units}
    if not asked:
        return dict.fromkeys(wanted, 0)
    query = select(counts.c.scene, counts.c.unit, counts.c.new).where(
        counts.c.edition == reading.edition,
        counts.c.account == reading.account,
        counts.c.unit.in_(asked),
        counts.c.scene.in_({scene for scene, _ in wanted}),
    )
    known = {(scene, of): new for scene, of, new in reading.connection.execute(query)}
    return {
        place: sum(sign * known.get((place[0], of), 0) for of, sign in units.items())
        for place, units in wanted.items()
    }


def _suspect(row: Row[Any], **more: Any) -> Suspect:
    return Suspect(of=Of("channel", row.name), title=row.title, promoter=row.promoter, **more)
