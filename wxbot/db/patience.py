"""Transactions that must not be lost to a busy moment: tried again while others hold the locks."""

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from wxbot import clock
from wxbot.db.faults import is_busy

# How many rows `in_batches` is to change at once: so few that nobody waits for the lock.
BATCH = 200
_PAUSE_SECONDS = 0.05

Result = TypeVar("Result")


def patiently(engine: Engine, work: Callable[[Connection], Result], *, seconds: float = 20.0) -> Result:
    """Run `work` in a transaction and commit; once more for as long as others hold locks that it needs.

    `work` may run several times, and only its last run counts. Raises what it raises, and OperationalError
    when the locks were not to be had for so many seconds.
    """
    give_up_at = clock.monotonic() + seconds
    while True:
        try:
            with engine.begin() as connection:
                return work(connection)
        except OperationalError as error:
            if not is_busy(error) or clock.monotonic() >= give_up_at:
                raise
            time.sleep(_PAUSE_SECONDS)


def in_batches(engine: Engine, work: Callable[[Connection], int]) -> int:
    """Run `work` in transactions of its own until it finds nothing more to do; return how much it did.

    It does at most BATCH at once, patiently, and returns how many.
    """
    total = 0
    while count := patiently(engine, work):
        total += count
    return total
