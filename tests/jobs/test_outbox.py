"""A job is there with the transaction that causes it, once, however often it is asked for."""

import time
from typing import Any

import pytest
from sqlalchemy import Engine

from wxbot.jobs.ledger import Ledger
from wxbot.jobs.outbox import Job, derived_id, enqueue


def test_the_same_cause_makes_one_job(engine: Engine, ledger: Ledger) -> None:
    job = Job(account="default", name="test.job", id=derived_id(b"event", b"0"))
    other = Job(account="default", name="test.job", id=derived_id(b"event", b"1"))

    with engine.begin() as connection:
        assert enqueue(connection, [job]) == [job.id]
    with engine.begin() as connection:
        assert enqueue(connection, [job]) == []
    with engine.begin() as connection:
        assert enqueue(connection, [other]) == [other.id]

    assert ledger.counts() == {"waiting": 2}


def test_a_job_is_not_there_without_its_transaction(engine: Engine, ledger: Ledger) -> None:
    with pytest.raises(ZeroDivisionError), engine.begin() as connection:
        enqueue(connection, [Job(account="default", name="test.job")])
        raise ZeroDivisionError

    assert ledger.counts() == {}


def test_the_times_are_those_of_the_database(records: Any) -> None:
    id = records.enqueue(delay_seconds=30, within_seconds=55)

    row = records.job(id)
    assert abs(row.created_at - time.time()) < 5
    assert 30 <= row.run_at - row.created_at <= 31 and 55 <= row.expires_at - row.created_at <= 56
    assert row.dispatched_at is None and records.job(records.enqueue()).dispatched_at is not None


def test_ids_are_told_apart_by_all_their_parts() -> None:
    assert derived_id(b"ab", b"c") != derived_id(b"a", b"bc")
