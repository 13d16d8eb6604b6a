"""Jobs that are told to the engine when the transaction that wrote them has ended, whoever ends it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Engine, event

from wxbot.jobs.outbox import Job, enqueue

_KEY = "wxbot jobs to tell of"


def tell_after_commit(engine: Engine, tell: Callable[[Sequence[bytes]], object]) -> None:
    """Let `enqueue_and_tell` reach the engine of jobs in this process; for any engine.

    A connection that is given back has committed, or it has not: then nobody finds the job that is told.
    """

    def listen(_driver: Any, record: Any, _connection: Any) -> None:
        record.info.setdefault(_KEY, [])

    def tell_all(_driver: Any, record: Any) -> None:
        if ids := record.info.get(_KEY):
            record.info[_KEY] = []
            tell(ids)

    event.listen(engine, "checkout", listen)
    event.listen(engine, "checkin", tell_all)


def enqueue_and_tell(connection: Connection, wanted: Iterable[Job]) -> list[bytes]:
    """Write jobs in the caller's transaction, who need not tell anybody; return the ids of new ones.

    Where nobody can be told, as in a command, the next sweep finds them.
    """
    told: list[bytes] | None = connection.info.get(_KEY)
    ids = enqueue(connection, [replace(job, is_told=told is not None) for job in wanted])
    if told is not None:
        told.extend(ids)
    return ids
