"""Channels whose followers may have been bought (刷关注): a flag to look there, never a proof."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, select

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
_MOST_BURSTS, _FEW, _FIRST_PLACES = 50, 8, 256
_Place = tuple[int, int]  # a scene and a day's unit
_Channel = Row[int, Any, Any, Any]  # of a scene


def suspects(reading: Reading, period: Period) -> tuple[Suspect, ...]:
    """Return suspects, those with the most such followers first."""
    found = [*_by_share(reading, period), *_by_burst(reading, period)]
    return tuple(sorted(found, key=lambda suspect: (-suspect.count, suspect.of.name, suspect.reason)))


def _by_share(reading: Reading, period: Period) -> Iterator[Suspect]:
    found = reading.per_scene(period, columns=("new", "quick", "turning")).subquery("found")
    is_quick = (found.c.quick >= QUICK_LEAST) & (found.c.quick * 100 >= found.c.new * QUICK_PERCENT)
    is_turning = (found.c.turning >= TURNING_LEAST) & (found.c.turning * 100 >= found.c.new * TURNING_PERCENT)
    query = select(found, is_quick.label("is_quick"), is_turning.label("is_turning"))
    rows = reading.connection.execute(query.where(is_quick | is_turning)).all()
    named = _named(reading, [row.scene for row in rows])
    for row in rows:
        if row.scene in named and row.is_quick:
            yield _suspect(named[row.scene], reason="quick", count=int(row.quick), out_of=int(row.new))
        if row.scene in named and row.is_turning:
            yield _suspect(named[row.scene], reason="turning", count=int(row.turning), out_of=int(row.new))


def _by_burst(reading: Reading, period: Period) -> Iterator[Suspect]:
    """Yield the largest bursts of those that are unusual; what is usual in one place hides none elsewhere."""
    large = _large(reading, period)
    tops: dict[_Place, int] = {}
    for scene, of, _, new in large:  # by place: there are thousands, and a row's names take their time
        if new > tops.get((scene, of), 0):
            tops[scene, of] = new
    named, usual = _usual_where_odd(reading, tops)
    odd = [
        (-new, of, scene, slot)
        for scene, of, slot, new in large
        if (scene, of) in usual and _is_odd(new, usual[scene, of])
    ]
    for less, of, scene, slot in sorted(odd)[:_MOST_BURSTS]:
        yield _suspect(
            named[scene],
            reason="burst",
            count=-less,
            out_of=round(usual[scene, of] / USUAL_DAYS),
            on=as_date(first_day(of)),
            minute=slot * SLOT_MINUTES,
        )


def _large(reading: Reading, period: Period) -> Sequence[Row[int, int, int, int]]:
    """Return the bursts that are large enough to be looked at."""
    return reading.connection.execute(
        select(bursts.c.scene, bursts.c.unit, bursts.c.slot, bursts.c.new).where(
            bursts.c.edition == reading.edition,
            bursts.c.account == reading.account,
            # Day by day: between two days SQLite goes through all bursts, small ones too.
            bursts.c.unit.in_(days(*span(period))),
            bursts.c.new >= BURST_LEAST,
        )
    ).all()


def _named(reading: Reading, ids: Collection[int]) -> dict[int, _Channel]:
    """Return the channels of those of these scenes that are the code of one."""
    columns = scenes.c.id, channels.c.name, channels.c.title, channels.c.promoter
    query = select(*columns).join(channels, of_channel()).where(scenes.c.id.in_(ids))
    return {row.id: row for row in reading.connection.execute(query)} if ids else {}


def _is_odd(new: int, usual: int) -> bool:
    """Say whether so many at once are unusual where `usual` were new in four weeks."""
    return new * USUAL_DAYS >= BURST_DAYS * usual


def _usual_where_odd(
    reading: Reading, tops: Mapping[_Place, int]
) -> tuple[dict[int, _Channel], dict[_Place, int]]:
    """Return how many were new in the four weeks before, at the places with the largest tops that are odd.

    With them the channels of their scenes.
    """
    places = sorted(tops, key=lambda place: (-tops[place], place[1], place[0]))
    named: dict[int, _Channel] = {}
    found: dict[_Place, int] = {}
    count = _FIRST_PLACES
    while places and len(found) < _MOST_BURSTS:
        some, places = places[:count], places[count:]
        count *= 2  # mostly the first are enough; where they are not, a few questions more
        # Busy places have large bursts every day: the blocks within the four weeks rule most of them out.
        least = _new_in(reading, {place: _blocks_before(first_day(place[1])) for place in some})
        likely = [place for place in some if _is_odd(tops[place], least[place])]
        named |= _named(reading, {scene for scene, _ in likely})
        likely = [place for place in likely if place[0] in named]
        found |= _usual_of(reading, tops, likely, wanted=_MOST_BURSTS - len(found))
    return named, found


def _usual_of(
    reading: Reading, tops: Mapping[_Place, int], likely: Sequence[_Place], *, wanted: int
) -> dict[_Place, int]:
    """Return how many were usual at the first so many of these places that are odd."""
    found: dict[_Place, int] = {}
    while likely and len(found) < wanted:
        # Most of them are: no more than are missing, for each asks for days of its own.
        count = max(_FEW, wanted - len(found))
        some, likely = likely[:count], likely[count:]
        usual = _new_in(reading, {place: _days_before(first_day(place[1])) for place in some})
        found |= {place: new for place, new in usual.items() if _is_odd(tops[place], new)}
    return dict(list(found.items())[:wanted])


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
    known = {(scene, of): new for scene, of, new in reading.connection.execute(query).all()}
    return {
        place: sum(sign * known.get((place[0], of), 0) for of, sign in units.items())
        for place, units in wanted.items()
    }


def _suspect(row: _Channel, **more: Any) -> Suspect:
    return Suspect(of=Of("channel", row.name), title=row.title, promoter=row.promoter, **more)
