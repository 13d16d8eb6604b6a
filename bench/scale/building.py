"""A database of a made-up year, written and counted as wxbot counts what happens."""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine

from wxbot.analytics.counting import Counting
from wxbot.db import migrate
from wxbot.db.engine import open_engine
from wxbot.settings.model import AnalyticsSettings
from wxbot.year.filling import fill
from wxbot.year.plan import Plan

_BATCH = 2000
_ROUND_SECONDS = 10.0
_SAVE_EVERY = 40


@dataclass(frozen=True, kw_only=True)
class Built:
    """What was built, and how fast: rows a second when it was written, facts a second when it was counted.

    `first` and `last` are the rates of the first and the last full round of counting: of a history without
    anything in it, and of nearly all of it. `peak_mb` is the most memory that this process had until then.
    """

    events: int
    written: float
    counted: float
    first: float
    last: float
    peak_mb: float


def build(url: str, plan: Plan, *, say: Callable[[str], None]) -> Built:
    """Write a year into an empty database and count it; raises ValueError for one that has events."""
    migrate.upgrade(url)
    engine = open_engine(url, connections=2)
    try:
        started = time.perf_counter()
        events = _fill(engine, plan)
        written = events / (time.perf_counter() - started)
        say(f"{events:,} events written, {written:,.0f} a second")
        rates = _count(engine, plan, say)
    finally:
        engine.dispose()
    counted = sum(count for count, _ in rates) / sum(seconds for _, seconds in rates)
    first, last = (count / seconds for count, seconds in (rates[0], rates[-2 if len(rates) > 1 else -1]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Built(events=events, written=written, counted=counted, first=first, last=last, peak_mb=peak)


def _fill(engine: Engine, plan: Plan) -> int:
    batches = 0
    with engine.connect() as connection:

        def save() -> None:
            nonlocal batches
            batches += 1
            # Half a year is no loss here, and a transaction of ten million rows would be one.
            if batches % _SAVE_EVERY == 0:
                connection.commit()

        filled = fill(connection, plan, save=save)
        connection.commit()
    return filled.events


def _count(engine: Engine, plan: Plan, say: Callable[[str], None]) -> list[tuple[int, float]]:
    """Count in rounds, as a worker does that has been away; return how many and how long, round by round."""
    counting = Counting(engine, AnalyticsSettings(), batch=_BATCH, rest=0)
    rates: list[tuple[int, float]] = []
    while True:
        started = time.perf_counter()
        count = counting.round(seconds=_ROUND_SECONDS)
        seconds = time.perf_counter() - started
        if not count and rates:
            return rates
        if not count:
            continue  # its time went by with bringing channels to their teams, which comes first
        rates.append((count, seconds))
        say(f"counted {sum(each for each, _ in rates):,}, {count / seconds:,.0f} a second")
