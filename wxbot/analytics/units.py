"""Days, blocks of days, and which of them make up a period.

A counter is kept for its day and for the blocks of 8 and of 64 days around it. Any period is then some thirty
of them added up, or taken away again, however long it is and however much has happened.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

SIZES = (1, 8, 64)
LEVELS = (0, 1, 2)
_LEVEL = 1_000_000
_WEEK = 7


@dataclass(frozen=True)
class Clock:
    """A moment where the account's day begins at midnight: `day` is an ordinal, Monday is weekday 0."""

    day: int
    hour: int
    minute: int


@dataclass(frozen=True)
class Calendar:
    """Says on which day something was, by the clocks of a time zone."""

    timezone: str
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_zone", ZoneInfo(self.timezone))

    def clock(self, at: int) -> Clock:
        """Return what the clocks showed at a time in seconds since 1970."""
        return _clock(self._zone, at)

    def day(self, at: int) -> int:
        """Return the ordinal of the day of a time in seconds since 1970."""
        return self.clock(at).day

    def has_days_of(self, zone: tzinfo, day: int) -> bool:
        """Say whether a day, an ordinal, begins when it does in another zone."""
        midnight = datetime.fromordinal(day)
        return midnight.replace(tzinfo=self._zone).utcoffset() == midnight.replace(tzinfo=zone).utcoffset()


@lru_cache(maxsize=65536)
def _clock(zone: ZoneInfo, at: int) -> Clock:
    moment = datetime.fromtimestamp(at, zone)
    return Clock(moment.toordinal(), moment.hour, moment.minute)


def weekday(day: int) -> int:
    """Return the weekday of a day's ordinal, 0 for Monday."""
    return (day - 1) % _WEEK


def unit(level: int, day: int) -> int:
    """Return the unit of a level that a day belongs to."""
    return level * _LEVEL + day - day % SIZES[level]


@lru_cache(maxsize=4096)
def units_of(day: int) -> tuple[int, ...]:
    """Return all units that a day belongs to."""
    return tuple(unit(level, day) for level in range(len(SIZES)))


def first_day(of: int) -> int:
    """Return the first day of a unit."""
    return of % _LEVEL


def days(first: int, last: int) -> list[int]:
    """Return each day of a period as a unit."""
    return [unit(0, day) for day in range(first, last + 1)]


def whole(first: int, last: int, *, levels: Sequence[int] = LEVELS) -> list[int]:
    """Return the fewest units that make up a period without anything outside it."""
    found: list[int] = []
    day = first
    while day <= last:
        level = max(each for each in levels if day % SIZES[each] == 0 and day + SIZES[each] - 1 <= last)
        found.append(unit(level, day))
        day += SIZES[level]
    return found


def balance(first: int, last: int, *, levels: Sequence[int] = LEVELS) -> dict[int, int]:
    """Return the units that add up to a period, 1 for those to be added and -1 for those to be taken away.

    Only for what adds up: a person who came on two days of a block is one person in it.
    """
    if last < first:
        return {}
    direct = whole(first, last, levels=levels)
    signed = Counter[int]()
    for sign, edge in ((-1, first), (1, last + 1)):
        _go(signed, first - first % SIZES[-1], edge, sign, levels)
    found = {each: sign for each, sign in signed.items() if sign}
    return found if len(found) < len(direct) else dict.fromkeys(direct, 1)


def _go(signed: "Counter[int]", at: int, edge: int, sign: int, levels: Sequence[int]) -> None:
    """Note the units between a day and an edge: with the largest to near it, with smaller ones from there."""
    for level in reversed(levels):
        size = SIZES[level]
        goal = (edge + size // 2) // size * size
        step = size if goal >= at else -size
        while at != goal:
            signed[unit(level, min(at, at + step))] += sign if step > 0 else -sign
            at += step
