"""Who comes when, and through which channel: in the order of days, whatever the size of the year."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from random import Random

from wxbot.year.places import Place
from wxbot.year.plan import DAY_SECONDS, Plan
from wxbot.year.seasons import days_of, factor, midnight
from wxbot.year.style import SEARCH, STYLES, Style

# Of all people so many come without a code, and so many had followed before wxbot was there.
_SEARCHING = 0.16
_EXISTING = 0.06


@dataclass(frozen=True, slots=True)
class Arrival:
    """A person is seen for the first time; `place` is None for those who come without a code.

    `follows`: with this; else they had followed before.
    """

    number: int
    at: int
    place: Place | None
    follows: bool


def arrivals(plan: Plan, places: Sequence[Place]) -> Iterator[tuple[Random, Arrival]]:
    """Yield everybody who comes, day by day, each with the source of chance for what they do."""
    days = days_of(plan)
    weights = [sum(_pulls(plan, day, places)) for day in days]
    total, before, number = sum(weights), 0.0, 0
    for day, weight in zip(days, weights, strict=True):
        random = plan.random("day", day.isoformat())
        before += weight
        upto = round(plan.people * before / total)
        sums = list(accumulate(_pulls(plan, day, places)))
        search = factor(plan, day, SEARCH)
        while number < upto:
            yield random, _one(random, day, number, places=places, sums=sums, search=search)
            number += 1


def second_of_day(random: Random, style: Style) -> int:
    """Return when in a day something happens at a kind of place."""
    hour = random.choices(range(24), cum_weights=style.day)[0]
    return hour * 3600 + random.randrange(3600)


def _one(
    random: Random, day: date, number: int, *, places: Sequence[Place], sums: list[float], search: float
) -> Arrival:
    draw = random.random()
    if draw < _SEARCHING * min(search, 2.0) or not sums[-1]:
        return Arrival(number, midnight(day) + second_of_day(random, SEARCH), None, follows=True)
    place = random.choices(places, cum_weights=sums)[0]
    at = midnight(day) + second_of_day(random, place.style)
    return Arrival(number, at, place, follows=draw < 1 - _EXISTING)


def _pulls(plan: Plan, day: date, places: Sequence[Place]) -> Iterator[float]:
    """Yield how strongly each channel draws people on a day."""
    noon = midnight(day) + DAY_SECONDS // 2
    factors = {style.slug: factor(plan, day, style) for style in STYLES}
    for place in places:
        is_there = place.opens_at is None or place.is_open(noon)
        yield place.pull * factors[place.style.slug] if is_there else 0.0
