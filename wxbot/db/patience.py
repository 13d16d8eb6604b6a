"""Transactions that must not be lost to a busy moment: tried again while others hold the write lock."""

import sqlite3
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from wxbot import clock

_PAUSE_SECONDS = 0.05
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

Result = TypeVar("Result")


def patiently(engine: Engine, work: Callable[[Connection], Result], *, seconds: float = 20.0) -> Result:
    """Run `work` in a transaction and commit; once more for as long as the database is locked by others.

    `work` may run several times, and only its last run counts. Raises what it raises, and OperationalError
    when the lock was not to be had for so many seconds.
    """
    give_up_at = clock.monotonic() + seconds
    while True:
        try:
            with engine.begin() as connection:
                return work(connection)
        except OperationalError as error:
            code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
            if code not in _BUSY or clock.monotonic() >= give_up_at:
                raise
            time.sleep(_PAUSE_SECONDS)
