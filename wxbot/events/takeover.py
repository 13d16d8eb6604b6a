"""Runs whose process was lost: their lease has run out, and a job does what it left."""

import secrets

from sqlalchemy import ColumnElement, Connection, Engine, RowMapping, or_, select, update

from wxbot.db.models import events
from wxbot.db.patience import patiently
from wxbot.db.statements import database_now
from wxbot.events.followups import TAKE_OVER
from wxbot.events.rows import State
from wxbot.jobs.outbox import Job, derived_id, enqueue
from wxbot.outcome import Status

_BATCH = 200
_SKEW_SECONDS = 60


def take_over_lost(engine: Engine) -> list[bytes]:
    """Turn runs whose lease has run out into jobs; returns their ids, at most as many as one batch has.

    A new run id takes each away from the process that had it: should that one come back, it settles nothing.
    """
    return patiently(engine, _take_batch)


def _take_batch(connection: Connection) -> list[bytes]:
    lost = (
        select(events.c.key, events.c.account, events.c.person, events.c.run)
        .where(_is_lost())
        .order_by(events.c.lease_until)
        .limit(_BATCH)
    )
    ids: list[bytes] = []
    for row in connection.execute(lost).mappings().all():
        ids += _take(connection, row)
    return ids


def _is_lost() -> ColumnElement[bool]:
    # No lease is that long: the clock was put back.
    too_long = events.c.lease_until > database_now() + _SKEW_SECONDS
    return or_(events.c.lease_until < database_now(), too_long)


def _take(connection: Connection, row: RowMapping) -> list[bytes]:
    run = secrets.token_bytes(16)
    taken = (
        update(events)
        .where(
            events.c.key == row["key"],
            events.c.run == row["run"],
            events.c.state != State.DONE,
            _is_lost(),
        )
        .values(run=run, state=State.LATE, outcome=Status.LATE, lease_until=None)
    )
    if connection.execute(taken).rowcount != 1:
        return []
    job = Job(
        id=derived_id(run, b"take over"),
        account=row["account"],
        name=TAKE_OVER,
        event_key=row["key"],
        person=row["person"],
    )
    return enqueue(connection, [job])
