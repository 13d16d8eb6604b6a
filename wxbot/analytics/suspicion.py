"""Channels whose followers may have been bought (刷关注): a flag to look there, never a proof."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select

from wxbot.analytics.naming import of_channel
from wxbot.analytics.reading import Reading, as_date, span
from wxbot.analytics.shapes import Of, Period, Suspect
from wxbot.analytics.tally import SLOT_MINUTES
from wxbot.analytics.units import balance, days, first_day
from wxbot.db.business import channels
from wxbot.db.figures import bursts, counts, scenes

# So many at least, and so many of a hundred new ones.
QUICK_LEAST, QUICK_PERCENT = 10, 30
TURNING_LEAST, TURNING_PERCENT = 5, 10
# So many in ten minutes at least, and as many as on so many usual days.
BURST_LEAST, BURST_DAYS = 20, 3
USUAL_DAYS = 28
_MOST_BURSTS = 50


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
    highest = func.max(bursts.c.new).label("highest")
    per_day = select(bursts.c.scene, bursts.c.unit, highest).group_by(bursts.c.scene, bursts.c.unit)
    found = reading.connection.execute(_of_channels(reading, per_day, bursts.c.unit.in_(days(*span(period)))))
    tops = {(row.scene, row.unit): row.highest for row in found}
    before = _new_before(reading, [(scene, first_day(unit)) for scene, unit in tops])
    usual = {(scene, unit): before[scene, first_day(unit)] for scene, unit in tops}
    odd = sorted(
        (-top, unit, scene) for (scene, unit), top in tops.items() if _is_odd(top, usual[scene, unit])
    )
    for row in _largest(reading, [(scene, unit) for _, unit, scene in odd[:_MOST_BURSTS]], usual):
        minute, out_of = row.slot * SLOT_MINUTES, round(usual[row.scene, row.unit] / USUAL_DAYS)
        on = as_date(first_day(row.unit))
        yield _suspect(row, reason="burst", count=row.new, out_of=out_of, on=on, minute=minute)


def _largest(
    reading: Reading, wanted: Sequence[tuple[int, int]], usual: Mapping[tuple[int, int], int]
) -> list[Row[Any]]:
    """Return the largest unusual bursts of these scenes and days."""
    if not wanted:
        return []
    columns = channels.c.name, channels.c.title, channels.c.promoter, bursts
    which = or_(*(and_(bursts.c.scene == scene, bursts.c.unit == unit) for scene, unit in wanted))
    order = bursts.c.new.desc(), bursts.c.unit, bursts.c.scene, bursts.c.slot
    rows = reading.connection.execute(_of_channels(reading, select(*columns), which).order_by(*order)).all()
    return [row for row in rows if _is_odd(row.new, usual[row.scene, row.unit])][:_MOST_BURSTS]


def _of_channels(reading: Reading, query: Select[Any], which: ColumnElement[bool]) -> Select[Any]:
    mine = bursts.c.edition == reading.edition, bursts.c.account == reading.account
    of_channels = bursts.join(scenes, scenes.c.id == bursts.c.scene).join(channels, of_channel())
    return query.select_from(of_channels).where(*mine, which, bursts.c.new >= BURST_LEAST)


def _is_odd(new: int, usual: int) -> bool:
    """Say whether so many at once are unusual where `usual` were new in four weeks."""
    return new * USUAL_DAYS >= BURST_DAYS * usual


def _new_before(reading: Reading, wanted: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Return how many were new at each scene in the four weeks before each day, with one question for all."""
    units = {(scene, day): balance(day - USUAL_DAYS, day - 1) for scene, day in wanted}
    query = select(counts.c.scene, counts.c.unit, counts.c.new).where(
        counts.c.edition == reading.edition,
        counts.c.account == reading.account,
        counts.c.unit.in_({unit for each in units.values() for unit in each}),
        counts.c.scene.in_({scene for scene, _ in wanted}),
    )
    known = {(scene, unit): new for scene, unit, new in reading.connection.execute(query)} if wanted else {}
    return {
        (scene, day): sum(sign * known.get((scene, unit), 0) for unit, sign in signed.items())
        for (scene, day), signed in units.items()
    }


def _suspect(row: Row[Any], **more: Any) -> Suspect:
    return Suspect(of=Of("channel", row.name), title=row.title, promoter=row.promoter, **more)
