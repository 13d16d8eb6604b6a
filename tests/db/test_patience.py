"""What must be written is written as soon as nobody holds the lock any more."""

import threading

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from wxbot.db.patience import patiently
from wxbot.db.sqlite import guarded


def write(connection: Connection) -> int:
    """Write a word."""
    return connection.execute(text("INSERT INTO notes VALUES ('here')")).rowcount


def words(engine: Engine) -> int:
    """Count the words."""
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM notes")) or 0)


def test_a_transaction_outlasts_a_lock(engine: Engine) -> None:
    with engine.connect() as other:
        guarded(other).begin_write()
        # Longer than SQLite's own patience of one second.
        timer = threading.Timer(1.5, guarded(other).rollback)
        timer.start()

        assert patiently(engine, write) == 1
        timer.join()

    assert words(engine) == 1


def test_a_lock_that_stays_is_an_error(engine: Engine) -> None:
    with engine.connect() as other:
        guarded(other).begin_write()

        with pytest.raises(OperationalError, match="locked"):
            patiently(engine, write, seconds=0.1)
        guarded(other).rollback()

    assert words(engine) == 0


def test_other_errors_are_not_tried_again(engine: Engine) -> None:
    calls = []

    def fail(connection: Connection) -> None:
        calls.append(1)
        connection.execute(text("INSERT INTO nowhere VALUES (1)"))

    with pytest.raises(OperationalError, match="no such table"):
        patiently(engine, fail)

    assert len(calls) == 1
