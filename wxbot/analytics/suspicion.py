"""Channels whose followers may have been bought (刷关注): a flag to look there, never a proof."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Row, select

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
    columns = channels.c.name, channels.c.title, channels.c.promoter, bursts
    query = (
        select(*columns)
        .select_from(bursts.join(scenes, scenes.c.id == bursts.c.scene).join(channels, of_channel()))
        .where(bursts.c.edition == reading.edition, bursts.c.account == reading.account)
        .where(bursts.c.unit.in_(days(*span(period))), bursts.c.new >= BURST_LEAST)
        .order_by(bursts.c.new.desc(), bursts.c.unit, bursts.c.scene, bursts.c.slot)
        .limit(_MOST_BURSTS)
    )
    rows = reading.connection.execute(query).all()
    before = _new_before(reading, [(row.scene, first_day(row.unit)) for row in rows])
    for row in rows:
        day = first_day(row.unit)
        usual = before[row.scene, day]
        if row.new * USUAL_DAYS >= BURST_DAYS * usual:
            minute = row.slot * SLOT_MINUTES
            out_of = round(usual / USUAL_DAYS)
            yield _suspect(row, reason="burst", count=row.new, out_of=out_of, on=as_date(day), minute=minute)


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
