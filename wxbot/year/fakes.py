"""刷关注: followers that a promoter buys. They come in bursts at night, leave at once, and come again."""

from collections.abc import Iterator, Sequence
from random import Random

from wxbot.year.lives import Kind, Moment
from wxbot.year.places import Agent, Place
from wxbot.year.plan import DAY_SECONDS, Plan
from wxbot.year.seasons import days_of, midnight

# Beside the people who come, and the times that those come who are used again.
_SHARE = 0.03
_VISITS = 4
_USED_AGAIN = 0.5
_FEWEST = 100
_BURST_PEOPLE = 60
_BURST_SECONDS = 300
_STAYS_SECONDS = (45, 420)
# Some of it is always of these last days.
_LATELY_DAYS = 14
# Their numbers begin where no other person's are.
_FIRST_NUMBER = 3_000_000_000


def fakes(plan: Plan, places: Sequence[Place], agents: Sequence[Agent]) -> Iterator[tuple[int, list[Moment]]]:
    """Yield the number and the life of every fake."""
    frauds = [agent for agent in agents if agent.is_fraud]
    each = max(_FEWEST, round(plan.people * _SHARE / len(frauds)))
    number = _FIRST_NUMBER
    for fraud in frauds:
        theirs = [place for place in places if place.promoter == fraud.number and place.opens_at is None]
        # Where nobody comes, somebody has to be bought.
        place = min(theirs, key=lambda place: place.pull)
        random = plan.random("fakes", fraud.number)
        bursts = _bursts(plan, random, count=max(_VISITS + 2, each * 2 // _BURST_PEOPLE))
        for _ in range(each):
            life = list(_life(random, bursts, place, plan.until))
            if life:
                yield number, life
            number += 1


def _bursts(plan: Plan, random: Random, *, count: int) -> list[int]:
    """Return when bursts begin, in order: between one and five at night, two of them lately."""
    days = days_of(plan)[1:-1]
    lately = days[-_LATELY_DAYS:]
    chosen = [random.choice(lately if number < 2 else days) for number in range(count)]
    return sorted(midnight(day) + random.randrange(3600, 5 * 3600) for day in chosen)


def _life(random: Random, bursts: Sequence[int], place: Place, until: int) -> Iterator[Moment]:
    if random.random() < _USED_AGAIN:
        visits = sorted(random.sample(bursts, _VISITS))
    else:
        visits = [random.choice(bursts[-max(2, len(bursts) // 3) :])]
    free_at = 0
    for begins in visits:
        at = begins + random.randrange(_BURST_SECONDS)
        leaves_at = at + random.randint(*_STAYS_SECONDS)
        if at > free_at and leaves_at < until:
            yield Moment(at, Kind.FOLLOW_SCAN, place)
            yield Moment(leaves_at, Kind.UNFOLLOW)
            free_at = leaves_at + DAY_SECONDS // 24
