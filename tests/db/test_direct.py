"""Statements on the driver's cursor: values, errors and listeners are as SQLAlchemy's."""

import threading
from typing import Any

import pytest
from sqlalchemy import Engine, bindparam, event, insert, select, text
from sqlalchemy.exc import DataError, DBAPIError, OperationalError, ProgrammingError

from tests.services import fresh_database_url
from wxbot.db import direct
from wxbot.db.engine import open_engine
from wxbot.db.faults import is_busy
from wxbot.db.guard import be_patient
from wxbot.db.models import schedules, signatures

_MINE = select(signatures.c.event_key, signatures.c.recorded_at).where(
    signatures.c.account == bindparam("account"), signatures.c.digest == bindparam("digest")
)
_ROWS = [
    {"account": "default", "digest": bytes([n]) * 16, "event_key": b"\x00\xff" * 8, "recorded_at": n}
    for n in range(3)
]


@pytest.fixture
def engine(tmp_path: Any) -> Any:
    engine = open_engine(fresh_database_url(tmp_path), connections=4)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("count", [1, 3])
def test_rows_come_back_as_they_were_given(engine: Engine, count: int) -> None:
    with engine.begin() as connection:
        inserted = direct.insert(connection, insert(signatures), _ROWS[:count])
        assert inserted.rowcount == count

    with engine.connect() as connection:
        wanted = {"account": "default", "digest": _ROWS[count - 1]["digest"]}
        found = direct.run(connection, _MINE, wanted).fetchone()
        missing = direct.run(connection, _MINE, wanted | {"account": "other"}).fetchone()

    assert tuple(found) == (b"\x00\xff" * 8, count - 1) and missing is None


def test_error_is_told_as_sqlalchemys_without_the_values(engine: Engine) -> None:
    query, values = text("SELECT nothing FROM nowhere WHERE x = :word"), {"word": "o-secret"}
    with pytest.raises((ProgrammingError, OperationalError)) as raised, engine.connect() as connection:
        direct.run(connection, query, values)

    assert not raised.value.connection_invalidated and "o-secret" not in str(raised.value)


@pytest.mark.servers_only  # SQLite takes any length
def test_value_that_does_not_fit_is_told_as_such(engine: Engine) -> None:
    with pytest.raises(DataError), engine.begin() as connection:
        direct.insert(connection, insert(schedules), [{"name": "x" * 5000, "next_at": 1}])


def test_writer_who_waits_in_vain_is_told_busy(engine: Engine) -> None:
    row = {"name": "one", "next_at": 1}
    with engine.begin() as first, engine.connect() as second:
        direct.insert(first, insert(schedules), [row])
        be_patient(second, 0.1 if engine.dialect.name == "sqlite" else 5)
        with pytest.raises(DBAPIError) as raised:
            direct.insert(second, insert(schedules), [row])

    assert is_busy(raised.value)


@pytest.mark.servers_only
def test_one_lost_connection_makes_the_pool_mistrust_all(engine: Engine) -> None:
    with engine.connect() as one, engine.connect() as another:
        for each in (one, another):
            direct.run(each, _MINE, {"account": "default", "digest": b""})
        victims = [_number(each) for each in (one, another)]
    with engine.connect() as killer:  # of those that are idle it is one: the other two are its victims
        for number in set(victims) - {_number(killer)}:
            is_postgresql = engine.dialect.name == "postgresql"
            kill = f"SELECT pg_terminate_backend({number})" if is_postgresql else f"KILL {number}"
            killer.execute(text(kill))
        with pytest.raises(DBAPIError) as raised, engine.connect() as lost:
            direct.run(lost, _MINE, {"account": "default", "digest": b""})
    assert raised.value.connection_invalidated

    for _ in range(4):
        with engine.connect() as connection:
            assert direct.run(connection, _MINE, {"account": "default", "digest": b""}).fetchone() is None


def _number(connection: Any) -> int:
    sql = "SELECT pg_backend_pid()" if connection.dialect.name == "postgresql" else "SELECT connection_id()"
    return int(connection.execute(text(sql)).scalar_one())


@pytest.mark.postgresql_only
def test_statement_alone_begins_no_transaction_and_the_next_one_does(engine: Engine) -> None:
    nobody = {"account": "default", "digest": b""}
    with engine.connect() as connection:
        direct.run_alone(connection, _MINE, nobody)
        alone = _transaction(connection)
        direct.run(connection, _MINE, nobody)

        assert (alone, _transaction(connection)) == ("IDLE", "INTRANS")


@pytest.mark.postgresql_only
def test_after_a_statement_alone_that_fails_what_is_written_can_be_undone(engine: Engine) -> None:
    with engine.connect() as connection:
        with pytest.raises(ProgrammingError):
            direct.run_alone(connection, text("SELECT nothing FROM nowhere"), {})
        with connection.begin() as transaction:
            direct.insert(connection, insert(signatures), _ROWS)
            transaction.rollback()

        assert connection.execute(select(signatures)).all() == []


def _transaction(connection: Any) -> str:
    return str(connection.connection.driver_connection.info.transaction_status.name)


@pytest.mark.parametrize("name", ["before_cursor_execute", "after_cursor_execute"])
def test_listener_hears_of_each_statement(engine: Engine, name: str) -> None:
    heard: list[str] = []
    event.listen(engine, name, lambda *given: heard.append(given[2].split()[0]))

    with engine.begin() as connection:
        assert direct.insert(connection, insert(signatures), _ROWS).rowcount == 3
        wanted = {"account": "default", "digest": _ROWS[0]["digest"]}
        assert tuple(direct.run(connection, _MINE, wanted).fetchone()) == (b"\x00\xff" * 8, 0)

    assert heard == ["INSERT", "SELECT"]


def test_threads_share_what_is_known_of_a_statement(engine: Engine) -> None:
    found: list[Any] = []

    def ask() -> None:
        with engine.connect() as connection:
            found.append(direct.run(connection, _MINE, {"account": "default", "digest": b""}).fetchone())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [None] * 4
