"""What people do from their first contact on: scan again, write, buy, leave, come back."""

import math
from collections.abc import Iterator
from enum import IntEnum
from random import Random
from typing import NamedTuple

from wxbot.year.arrivals import Arrival, second_of_day
from wxbot.year.places import Place
from wxbot.year.plan import CHINA_SECONDS, DAY_SECONDS
from wxbot.year.style import SEARCH, Style

# Most who are hasty are gone within half an hour, some only in the evening.
_HASTY_MEDIAN = 1500.0
_HASTY_SPREAD = 1.4
# Of those who leave later: many in the first week, fewer and fewer then.
_LEAVING_DAYS = 22.0
_LEAVING_SHAPE = 0.6
_RETURNING = 0.14
_AWAY_DAYS = 40.0
# Whoever has come back knows what they come for.
_RETURNED_LEAVES = 0.6
_CLICKING = 0.35
_WRITING = 0.18
_SCANS_AFTER_DAYS = 24.0
# Of the codes that people are shown: nobody scans it, an account is linked, an order is claimed.
_BUYING = (0.15, 0.30, 0.55)
_NEVER = math.inf


class Kind(IntEnum):
    """What can happen."""

    FOLLOW = 0
    FOLLOW_SCAN = 1
    SCAN = 2
    UNFOLLOW = 3
    CLICK = 4
    TEXT = 5
    ORDER = 6  # the code of an order is scanned
    LINK = 7  # the code that links an account
    UNCLAIMED = 8  # a code is shown, and nobody scans it: no event


FOLLOWS = (Kind.FOLLOW, Kind.FOLLOW_SCAN)
CLAIMED = (Kind.ORDER, Kind.LINK)
CODES = (*CLAIMED, Kind.UNCLAIMED)


class Moment(NamedTuple):
    """Something that happens to a person, at a time in seconds since 1970.

    It may be at a channel; the codes that a person is shown are numbered.
    """

    at: int
    kind: Kind
    place: Place | None = None
    code: int = 0


def life_of(random: Random, arrival: Arrival, until: int) -> list[Moment]:
    """Return what a person does until the end of the year, in order, no two things in one second."""
    if arrival.at >= until:
        return []
    moments: list[Moment] = []
    at, place, follows = arrival.at, arrival.place, arrival.follows
    is_back = False
    while True:
        leaves_at = at + _stays(random, place, is_back=is_back)
        moments += _stay(random, at, min(leaves_at, until), place=place, follows=follows)
        if leaves_at >= until:
            break
        moments.append(Moment(int(leaves_at), Kind.UNFOLLOW))
        at = int(leaves_at + random.expovariate(1 / (_AWAY_DAYS * DAY_SECONDS))) + 60
        if random.random() > _RETURNING or at >= until:
            break
        place = place if place and place.is_open(at) and random.random() < 0.6 else None
        follows, is_back = True, True
    return list(_in_order(moments, until))


def _stay(
    random: Random, since: int, until: float, *, place: Place | None, follows: bool
) -> Iterator[Moment]:
    """Yield what somebody does while they follow."""
    yield Moment(since, _first(place, follows=follows), place)
    style = place.style if place else SEARCH
    if random.random() < _CLICKING:
        yield from _if_before(until, Moment(since + random.randint(5, 900), Kind.CLICK))
    if random.random() < _WRITING:
        yield from _if_before(until, Moment(since + random.randint(10, 3600), Kind.TEXT))
    yield from _again(random, since, until, place=place)
    if random.random() < style.buying:
        yield from _buy(random, since, until, style=style)


def _first(place: Place | None, *, follows: bool) -> Kind:
    if not follows:
        return Kind.SCAN
    return Kind.FOLLOW_SCAN if place else Kind.FOLLOW


def _stays(random: Random, place: Place | None, *, is_back: bool) -> float:
    """Return for how many seconds somebody follows; most do so for good."""
    style = place.style if place else SEARCH
    less = _RETURNED_LEAVES if is_back else 1.0
    draw = random.random()
    if draw < style.hasty * less:
        return min(random.lognormvariate(math.log(_HASTY_MEDIAN), _HASTY_SPREAD) + 20, 2.0 * DAY_SECONDS)
    if draw < (style.hasty + style.leaving) * less:
        return random.weibullvariate(_LEAVING_DAYS, _LEAVING_SHAPE) * DAY_SECONDS + 3600
    return _NEVER


def _again(random: Random, since: int, until: float, *, place: Place | None) -> Iterator[Moment]:
    if place is None:
        return
    again = place.style.habit / (1 + place.style.habit)
    at = float(since)
    while random.random() < again:
        at += random.expovariate(1 / (_SCANS_AFTER_DAYS * DAY_SECONDS))
        hours = _same_day(at) + second_of_day(random, place.style)
        if hours > since and place.is_open(hours):
            yield from _if_before(until, Moment(hours, Kind.SCAN, place))


def _buy(random: Random, since: int, until: float, *, style: Style) -> Iterator[Moment]:
    at = int(since + random.expovariate(1 / (3.0 * DAY_SECONDS))) + 30
    kinds = (Kind.UNCLAIMED, Kind.LINK, Kind.ORDER)
    kind = random.choices(kinds, weights=_BUYING)[0]
    yield from _if_before(until, Moment(at, kind))


def _same_day(at: float) -> int:
    """Return the midnight in China before a time."""
    return int((at + CHINA_SECONDS) // DAY_SECONDS * DAY_SECONDS - CHINA_SECONDS)


def _if_before(until: float, moment: Moment) -> Iterator[Moment]:
    if moment.at < until - 1:
        yield moment


def _in_order(moments: list[Moment], until: int) -> Iterator[Moment]:
    """Yield the moments by time, each a second later than the one before at least."""
    last = codes = 0
    for moment in sorted(moments, key=lambda each: each.at):
        last = max(moment.at, last + 1)
        if last < until:
            yield moment._replace(at=last, code=codes)
            codes += moment.kind in CODES
