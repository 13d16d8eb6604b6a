"""Jobs whose writer tells nobody: the engine learns of them when the transaction has ended."""

from typing import Any

from sqlalchemy import Engine, select

from wxbot.db.models import jobs
from wxbot.jobs.ledger import Ledger
from wxbot.jobs.outbox import Job
from wxbot.jobs.telling import enqueue_and_tell, tell_after_commit

JOB = Job(account="default", name="test.job")


def told_by(engine: Engine) -> list[bytes]:
    """Return a list to which the ids are added that are told."""
    told: list[bytes] = []
    tell_after_commit(engine, told.extend)
    return told


def row(engine: Engine, id: bytes) -> Any:
    with engine.connect() as connection:
        return connection.execute(select(jobs).where(jobs.c.id == id)).one_or_none()


def test_job_is_told_once_and_after_the_commit(engine: Engine) -> None:
    with engine.connect() as connection:  # one that was there before anybody listened
        connection.execute(select(1))
    told = told_by(engine)

    with engine.begin() as connection:
        [id] = enqueue_and_tell(connection, [JOB])
        assert told == []
    assert told == [id] and row(engine, id).dispatched_at is not None
    with engine.begin() as connection:
        assert enqueue_and_tell(connection, [JOB]) == []

    assert told == [id]


def test_job_that_was_rolled_back_is_not_there(engine: Engine, ledger: Ledger) -> None:
    told = told_by(engine)

    with engine.connect() as connection:
        [id] = enqueue_and_tell(connection, [JOB])
        connection.rollback()

    assert row(engine, id) is None
    assert all(ledger.claim(each) is None for each in told)


def test_where_nobody_is_told_the_next_sweep_finds_the_job(engine: Engine, ledger: Ledger) -> None:
    with engine.begin() as connection:
        [id] = enqueue_and_tell(connection, [JOB])

    assert row(engine, id).dispatched_at is None
    assert ledger.take_due(10) == [id]
