"""What must be written is written as soon as nobody holds the lock any more."""

import threading

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from wxbot.db import sqlite
from wxbot.db.faults import is_busy
from wxbot.db.guard import be_patient, guarded
from wxbot.db.patience import in_batches, patiently


def write(connection: Connection) -> int:
    """Write a word."""
    return connection.execute(text("INSERT INTO notes VALUES ('here')")).rowcount


def words(engine: Engine) -> int:
    """Count the words."""
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM notes")) or 0)


def hold(engine: Engine, connection: Connection) -> None:
    """Take a lock that `write` needs."""
    if engine.dialect.name == "sqlite":
        sqlite.guarded(connection).begin_write()
    else:
        connection.execute(text("UPDATE notes SET word = 'held'"))


def change(connection: Connection) -> int:
    """Write what `hold` holds."""
    return connection.execute(text("UPDATE notes SET word = 'here'")).rowcount


def test_a_transaction_outlasts_a_lock(engine: Engine) -> None:
    patiently(engine, write)
    with engine.connect() as other:
        hold(engine, other)
        # Longer than the databases' own patience of one second.
        timer = threading.Timer(1.5, guarded(other).rollback)
        timer.start()

        assert patiently(engine, change) == 1
        timer.join()


@pytest.mark.write_bound
def test_a_lock_that_stays_is_an_error(engine: Engine) -> None:
    patiently(engine, write)
    with engine.connect() as other:
        hold(engine, other)

        with pytest.raises(OperationalError, match=r"(?i)lock"):
            patiently(engine, change, seconds=0.1)
        guarded(other).rollback()

    assert words(engine) == 1


def test_other_errors_are_not_tried_again(engine: Engine) -> None:
    calls = []

    def fail(connection: Connection) -> None:
        calls.append(1)
        connection.execute(text("INSERT INTO nowhere VALUES (1)"))

    with pytest.raises(DBAPIError, match="nowhere"):
        patiently(engine, fail)

    assert len(calls) == 1


def test_batches_are_transactions_of_their_own_until_there_is_nothing_more(engine: Engine) -> None:
    left = [2, 1, 0, 1]

    def work(connection: Connection) -> int:
        count = left.pop(0)
        for _ in range(count):
            write(connection)
        return count

    assert in_batches(engine, work) == 3
    assert left == [1]
    assert words(engine) == 3


@pytest.mark.sqlite_only
def test_who_waits_for_another_thread_finds_the_database_busy(engine: Engine) -> None:
    patiently(engine, write)
    with engine.connect() as other, engine.connect() as connection:
        hold(engine, other)
        be_patient(connection, 0.1)

        with pytest.raises(DBAPIError) as caught:
            change(connection)
        guarded(other).rollback()

    assert is_busy(caught.value)
