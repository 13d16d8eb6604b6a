"""How long events are remembered."""

from sqlalchemy import Column, ColumnElement, Connection, Engine, and_, delete, select, update

from wxbot.clock import DAY_SECONDS
from wxbot.db.models import events
from wxbot.db.patience import BATCH, in_batches, patiently
from wxbot.db.statements import database_now
from wxbot.events.rows import State


def forget_old(engine: Engine, *, events_days: int, malformed_days: int) -> int:
    """Delete events after so many days (0: never), and what cannot be read after its own; return how many."""
    settled = and_(events.c.state == State.DONE, events.c.kind == "malformed")
    count = _forget(engine, events.c.key, and_(settled, _older(events.c.recorded_at, malformed_days)))
    _forget_documents(engine, malformed_days)
    if events_days:
        old = and_(events.c.state == State.DONE, _older(events.c.recorded_at, events_days))
        count += _forget(engine, events.c.key, old)
        # Signatures stay: nothing in one separates time and nonce, so that it may be valid again in years.
    return count


def _forget_documents(engine: Engine, days: int) -> None:
    """Empty the documents of events whose handler failed; nobody will replay them any more."""
    failed = and_(events.c.state == State.DONE, events.c.body.is_not(None))
    old = update(events).where(failed, _older(events.c.recorded_at, days)).values(body=None)
    patiently(engine, lambda connection: connection.execute(old))


def _older(column: Column[int], days: int) -> ColumnElement[bool]:
    return column < database_now() - days * DAY_SECONDS


def _forget(engine: Engine, key: Column[bytes], which: ColumnElement[bool]) -> int:
    def batch(connection: Connection) -> int:
        found = connection.execute(select(key).where(which).limit(BATCH)).scalars().all()
        if found:
            connection.execute(delete(key.table).where(key.in_(found), which))
        return len(found)

    return in_batches(engine, batch)
