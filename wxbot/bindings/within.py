"""Work in the caller's transaction, so that it is committed with the event, or in one of its own."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from wxbot.db.patience import patiently

# A handler's session, or a connection whose transaction somebody else commits.
Within = Session | Connection | None
Result = TypeVar("Result")


def carry_out(engine: Engine, work: Callable[[Connection], Result], within: Within) -> Result:
    """Run `work` in the transaction that is given, else in one of its own, which waits for busy locks."""
    if within is None:
        return patiently(engine, work)
    return work(within.connection() if isinstance(within, Session) else within)
