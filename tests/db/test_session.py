"""The session a handler gets: its work is committed with the event or not at all."""

import sqlite3
import threading
import time

import psycopg
import pymysql
import pytest
from sqlalchemy import Engine, event, inspect, text
from sqlalchemy.exc import DatabaseError, OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from wxbot.db import session
from wxbot.db.guard import be_patient
from wxbot.db.session import UnitOfWork
from wxbot.db.sqlite import GuardedConnection

WRITE = text("INSERT INTO notes VALUES (:word)")


def words(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(text("SELECT word FROM notes")).scalars())


def test_work_is_committed_with_the_last_statement(engine: Engine) -> None:
    unit = UnitOfWork(engine)
    unit.session().execute(WRITE, {"word": "mine"})

    committed = unit.commit(lambda connection: bool(connection.execute(WRITE, {"word": "last"}).rowcount))

    assert committed
    assert words(engine) == ["mine", "last"]


def test_work_is_undone_when_the_last_statement_declines(engine: Engine) -> None:
    unit = UnitOfWork(engine)
    unit.session().execute(WRITE, {"word": "mine"})

    assert not unit.commit(lambda _: False)
    assert words(engine) == []


@pytest.mark.parametrize("reads_first", [True, False])
def test_handlers_commit_does_not_commit_early(engine: Engine, reads_first: bool) -> None:
    unit = UnitOfWork(engine)
    session = unit.session()
    if reads_first:
        session.execute(text("SELECT 1"))
    session.execute(WRITE, {"word": "early"})
    session.commit()
    session.execute(WRITE, {"word": "later"})
    session.commit()

    seen_meanwhile = words(engine)
    unit.close()

    assert seen_meanwhile == []
    assert words(engine) == []


def test_handlers_rollback_undoes_only_its_own_part(engine: Engine) -> None:
    unit = UnitOfWork(engine)
    session = unit.session()
    session.execute(WRITE, {"word": "kept"})
    session.commit()
    session.execute(WRITE, {"word": "dropped"})
    session.rollback()
    session.execute(text("SELECT 1"))
    session.rollback()
    session.execute(WRITE, {"word": "kept too"})

    unit.commit(lambda _: True)

    assert words(engine) == ["kept", "kept too"]


def test_nested_savepoints_before_the_first_write_count(engine: Engine) -> None:
    unit = UnitOfWork(engine)
    session = unit.session()
    with session.begin_nested():
        session.execute(text("SELECT 1"))
        with pytest.raises(ZeroDivisionError), session.begin_nested():
            session.execute(WRITE, {"word": "inner"})
            raise ZeroDivisionError
        session.execute(WRITE, {"word": "outer"})

    unit.commit(lambda _: True)

    assert words(engine) == ["outer"]


def test_reading_takes_no_lock_and_no_snapshot(engine: Engine) -> None:
    unit = UnitOfWork(engine)
    session = unit.session()
    before = session.execute(text("SELECT count(*) FROM notes")).scalar_one()
    with engine.begin() as connection:
        connection.execute(WRITE, {"word": "another's"})

    after = session.execute(text("SELECT count(*) FROM notes")).scalar_one()
    session.execute(WRITE, {"word": "mine"})
    unit.commit(lambda _: True)

    assert (before, after) == (0, 1)
    assert words(engine) == ["another's", "mine"]


@pytest.mark.sqlite_only
def test_watchdog_takes_the_write_lock_away(engine: Engine) -> None:
    unit = UnitOfWork(engine, write_seconds=0.1)
    unit.session().execute(WRITE, {"word": "never"})
    time.sleep(0.3)

    with engine.begin() as connection:
        connection.execute(WRITE, {"word": "another's"})
    with pytest.raises(OperationalError, match="only write lock"):
        unit.session().execute(WRITE, {"word": "never either"})
    with pytest.raises(OperationalError, match="only write lock"):
        unit.commit(lambda _: True)
    unit.close()

    assert words(engine) == ["another's"]


@pytest.mark.sqlite_only
def test_watchdog_stops_a_statement_that_never_ends(engine: Engine) -> None:
    unit = UnitOfWork(engine, write_seconds=0.1)
    session = unit.session()
    session.execute(WRITE, {"word": "never"})
    endless = text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n WHERE i < 0"
    )

    started = time.monotonic()
    with pytest.raises(OperationalError):
        session.execute(endless)
    unit.close()

    assert time.monotonic() - started < 10
    assert words(engine) == []


@pytest.mark.sqlite_only
def test_fenced_connection_does_not_return_to_the_pool(engine: Engine) -> None:
    for _ in range(8):  # more often than the pool has connections
        unit = UnitOfWork(engine, write_seconds=0.02)
        unit.session().execute(WRITE, {"word": "never"})
        time.sleep(0.06)
        unit.close()

    unit = UnitOfWork(engine)
    unit.session().execute(WRITE, {"word": "works"})

    assert unit.commit(lambda _: True)
    assert words(engine) == ["works"]


@pytest.mark.parametrize("statement", ["COMMIT", "BEGIN", "end"])
def test_handler_cannot_end_the_transaction_by_hand(engine: Engine, statement: str) -> None:
    unit = UnitOfWork(engine)
    unit.session().execute(WRITE, {"word": "never"})

    with pytest.raises(ProgrammingError, match="committed with the event"):
        unit.session().execute(text(statement))
    unit.close()

    assert words(engine) == []


def test_closed_session_leaves_nothing_open(engine: Engine) -> None:
    def leak(session: Session) -> None:
        session.execute(WRITE, {"word": "leaked"})
        session.connection()

    for _ in range(20):
        unit = UnitOfWork(engine)
        leak(unit.session())
        unit.close()

    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert words(engine) == []


def test_listener_that_fails_at_the_end_keeps_nothing_open(engine: Engine) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    unit = UnitOfWork(engine)
    event.listen(unit.session(), "after_transaction_end", fail)
    unit.session().execute(WRITE, {"word": "never"})

    unit.close()

    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert words(engine) == []


def test_writers_wait_for_each_other(engine: Engine) -> None:
    def write(word: str) -> None:
        unit = UnitOfWork(engine)
        unit.session().execute(text("SELECT * FROM notes")).all()
        unit.session().execute(WRITE, {"word": word})
        time.sleep(0.05)
        unit.commit(lambda _: True)

    threads = [threading.Thread(target=write, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(words(engine)) == ["0", "1", "2", "3"]


@pytest.mark.sqlite_only
def test_result_that_is_kept_does_not_spoil_the_connection(engine: Engine) -> None:
    kept = []
    for number in range(6):
        unit = UnitOfWork(engine)
        returned = unit.session().execute(
            text("INSERT INTO notes VALUES (:word) RETURNING word"), {"word": number}
        )
        kept.append(returned)
        assert unit.commit(lambda _: True)

    assert words(engine) == ["0", "1", "2", "3", "4", "5"]


@pytest.mark.sqlite_only
def test_work_before_an_interrupted_statement_is_not_lost_silently(engine: Engine) -> None:
    unit = UnitOfWork(engine, write_seconds=0.1)
    session = unit.session()
    session.execute(WRITE, {"word": "first"})
    endless = (
        "INSERT INTO notes WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
        "SELECT i FROM n WHERE i < 0"
    )
    with pytest.raises(OperationalError):
        session.connection().exec_driver_sql(endless)

    with pytest.raises(OperationalError, match="only write lock"):
        session.connection().exec_driver_sql("INSERT INTO notes VALUES ('second')")
    unit.close()

    assert words(engine) == []


ENDINGS = [
    "COMMIT;",
    "/* */ COMMIT",
    "-- x\nCOMMIT",
    " ; ROLLBACK",
    "START TRANSACTION",
    "rollback work",
    "ROLLBACK",
]
LASTING = {
    "sqlite": [
        "PRAGMA synchronous=OFF",
        "PRAGMA user_version=3",
        "CREATE TEMP TABLE t (x)",
        "ATTACH ':memory:' AS other",
    ],
    "postgresql": [
        "SET search_path TO other",
        "SET SESSION lock_timeout = 0",
        "RESET ALL",
        "CREATE TEMPORARY TABLE t (x int)",
        "LISTEN other",
    ],
    "mariadb": [
        "SET autocommit = 1",
        "SET SESSION innodb_lock_wait_timeout = 50",
        "CREATE TABLE t (x int)",
        "TRUNCATE notes",
        "LOCK TABLES notes WRITE",
    ],
}


@pytest.mark.parametrize("number", range(len(ENDINGS) + 5))
def test_handler_cannot_change_what_outlives_it(engine: Engine, store: str, number: int) -> None:
    statement = [*ENDINGS, *LASTING[store], "COMMIT"][number]
    with engine.connect() as connection:
        connection.execute(WRITE, {"word": "rolled back"})  # from now on our own statement is kept prepared
    unit = UnitOfWork(engine)
    session = unit.session()
    session.execute(WRITE, {"word": "never"})

    with pytest.raises(DatabaseError):
        session.connection().exec_driver_sql(statement)
    unit.close()

    assert words(engine) == []


@pytest.mark.sqlite_only
def test_handler_cannot_change_how_long_writers_wait(engine: Engine) -> None:
    with engine.connect() as connection:
        be_patient(connection, 0.5)
        connection.execute(WRITE, {"word": "rolled back"})
    unit = UnitOfWork(engine)
    connection = unit.session().connection()

    for milliseconds in (*range(440, 501), 0):
        with pytest.raises(DatabaseError):
            connection.exec_driver_sql(f"PRAGMA busy_timeout={milliseconds}")
    unit.close()


@pytest.mark.parametrize("call", ["commit", "rollback"])
def test_handler_cannot_end_the_connections_transaction(engine: Engine, call: str) -> None:
    unit = UnitOfWork(engine)
    session = unit.session()
    session.execute(WRITE, {"word": "never"})

    drivers = (sqlite3.ProgrammingError, psycopg.ProgrammingError, pymysql.ProgrammingError)
    for connection in (session.connection(), session.connection().connection):
        with pytest.raises((ProgrammingError, *drivers), match="committed with the event"):
            getattr(connection, call)()
    unit.close()

    assert words(engine) == []


def test_handler_may_look_at_the_tables(engine: Engine) -> None:
    unit = UnitOfWork(engine)

    assert "notes" in inspect(unit.session().connection()).get_table_names()
    assert inspect(unit.session().connection()).get_columns("notes")[0]["name"] == "word"
    unit.close()


@pytest.mark.sqlite_only
@pytest.mark.write_bound
def test_whoever_waits_outlives_the_watchdog(engine: Engine) -> None:
    holder = UnitOfWork(engine, write_seconds=0.2)
    holder.session().execute(WRITE, {"word": "never"})

    with engine.begin() as connection:
        be_patient(connection, 20)
        connection.execute(WRITE, {"word": "waited"})
    holder.close()

    # Who waits as long as usual does so for longer than a handler may hold the lock, and a second is left.
    assert GuardedConnection.usual_patience_seconds - session.WRITE_SECONDS >= 1
    assert words(engine) == ["waited"]
