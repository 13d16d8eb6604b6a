"""What a handler's statements would leave beside our transaction, or do to it behind their first word."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DatabaseError

from wxbot.db.session import UnitOfWork

WRITE = text("INSERT INTO notes VALUES (:word)")
SESSIONS_NUMBER = {"postgresql": text("SELECT pg_backend_pid()"), "mariadb": text("SELECT connection_id()")}

LOCKS = {
    "postgresql": ["SELECT pg_advisory_lock(42)", "DO $$ BEGIN PERFORM pg_try_advisory_lock(42); END $$"],
    "mariadb": ["SELECT GET_LOCK('42', 1)", "DO get_lock('42', 1)"],
}
CAN_LOCK = {
    "postgresql": text("SELECT pg_try_advisory_lock(42)"),
    # The server lets go when it sees that the connection has ended.
    "mariadb": text("SELECT GET_LOCK('42', 8)"),
}

SETTINGS = {
    "postgresql": [
        "SELECT set_config('wxbot.tenant', 'shopA', false)",
        "DO $$ BEGIN SET wxbot.tenant = 'shopA'; END $$",
        "UPDATE pg_settings SET setting = 'shopA' WHERE name = 'application_name'",
    ],
    "mariadb": ["SELECT @tenant := 'shopA'", "SELECT 'shopA' INTO @tenant", "SELECT @`tenant`:='shopA'"],
}
SETTING = {
    "postgresql": text(
        "SELECT coalesce(current_setting('wxbot.tenant', true), '') || current_setting('application_name')"
    ),
    "mariadb": text("SELECT coalesce(@tenant, '')"),
}


def words(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(text("SELECT word FROM notes")).scalars())


def end(unit: UnitOfWork, *, is_committed: bool) -> None:
    unit.commit(lambda _: is_committed)
    unit.close()


@pytest.mark.servers_only
@pytest.mark.parametrize("is_committed", [True, False])
@pytest.mark.parametrize("number", range(2))
def test_a_handlers_locks_end_with_it(engine: Engine, store: str, number: int, is_committed: bool) -> None:
    unit = UnitOfWork(engine)
    unit.session().execute(text(LOCKS[store][number]))
    end(unit, is_committed=is_committed)

    # The first is the one that came back last.
    with engine.connect(), engine.connect() as another:
        assert another.execute(CAN_LOCK[store]).scalar_one()


@pytest.mark.servers_only
@pytest.mark.parametrize("number", range(3))
def test_the_next_handler_does_not_see_what_one_has_set(engine: Engine, store: str, number: int) -> None:
    with engine.connect() as connection:
        usual = connection.execute(SETTING[store]).scalar_one()
    unit = UnitOfWork(engine)
    unit.session().execute(text(SETTINGS[store][number].replace(":=", r"\:=")))
    is_set = "shopA" in unit.session().execute(SETTING[store]).scalar_one()
    end(unit, is_committed=True)

    with engine.connect() as connection:
        assert (is_set, connection.execute(SETTING[store]).scalar_one()) == (True, usual)


@pytest.mark.postgresql_only
def test_what_we_have_set_ourselves_stays_when_a_handlers_settings_go(engine: Engine) -> None:
    unit = UnitOfWork(engine)
    unit.session().execute(text("SELECT set_config('lock_timeout', '0', false)"))
    end(unit, is_committed=True)

    with engine.connect() as connection:
        assert connection.execute(text("SHOW lock_timeout")).scalar_one() == "1s"


@pytest.mark.postgresql_only
def test_statements_are_prepared_again_when_a_handlers_settings_have_gone_twice(engine: Engine) -> None:
    recall = text("SELECT word FROM notes")
    for _ in range(3):
        unit = UnitOfWork(engine)
        unit.session().execute(text("SELECT set_config('wxbot.tenant', 'shopA', true)"))
        end(unit, is_committed=True)
        with engine.begin() as connection:  # a ROLLBACK would have psycopg forget everything
            for _ in range(8):  # it prepares what comes that often
                assert connection.execute(recall).all() == []


@pytest.mark.postgresql_only
@pytest.mark.parametrize(
    "statement",
    ["SELECT 'mine' AS word INTO TEMP notes", "CREATE TABLE pg_temp.notes AS SELECT 'mine' AS word"],
)
def test_a_handlers_temporary_table_hides_none_of_the_next_ones(engine: Engine, statement: str) -> None:
    unit = UnitOfWork(engine)
    unit.session().execute(text(statement))
    end(unit, is_committed=True)

    assert words(engine) == []


@pytest.mark.postgresql_only
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE OR REPLACE TEMP VIEW notes AS SELECT 'mine' AS word",
        "/* a /* b */ c */ COMMIT",
        "-- a\n/*/**/*/ COMMIT",
    ],
)
def test_what_ends_or_outlives_the_transaction_is_refused(engine: Engine, statement: str) -> None:
    unit = UnitOfWork(engine)
    unit.session().execute(WRITE, {"word": "never"})
    with pytest.raises(DatabaseError, match="is refused"):
        unit.session().execute(text(statement))
    unit.close()

    assert words(engine) == []


@pytest.mark.servers_only
@pytest.mark.parametrize(
    "word", ["plain", "log into @x", "@a := GET_LOCK('42', 1)", 'x" := 1', "'s \\' into @x"]
)
def test_what_people_write_costs_no_connection(engine: Engine, store: str, word: str) -> None:
    unit = UnitOfWork(engine)
    number = unit.session().execute(SESSIONS_NUMBER[store]).scalar_one()
    unit.session().execute(WRITE, {"word": word})
    end(unit, is_committed=True)

    assert words(engine) == [word]
    with engine.connect() as connection:
        assert connection.execute(SESSIONS_NUMBER[store]).scalar_one() == number


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("rest", ["COMMIT", " /* */ ROLLBACK", "INSERT INTO notes VALUES ('second')"])
def test_nothing_runs_behind_a_semicolon(engine: Engine, rest: str, streams: bool) -> None:
    unit = UnitOfWork(engine)
    session = unit.session()
    session.execute(WRITE, {"word": "before"})

    with pytest.raises(DatabaseError):
        session.execute(
            text(f"INSERT INTO notes VALUES ('first');{rest}"), execution_options={"stream_results": streams}
        )
    unit.close()

    assert words(engine) == []


@pytest.mark.parametrize(
    "statement", ["INSERT INTO notes VALUES ('a;b');", "INSERT INTO notes VALUES (:word) ;"]
)
def test_a_semicolon_that_ends_or_is_text_is_none_of_that(engine: Engine, statement: str) -> None:
    unit = UnitOfWork(engine)
    for _ in range(2):
        unit.session().execute(text(statement), {"word": "a;b"} if ":word" in statement else {})
    end(unit, is_committed=True)

    assert words(engine) == ["a;b", "a;b"]


@pytest.mark.servers_only
def test_a_procedure_cannot_end_the_transaction(engine: Engine, store: str) -> None:
    bodies = {"postgresql": "LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$", "mariadb": "COMMIT"}
    with engine.begin() as connection:
        connection.execute(text(f"CREATE PROCEDURE ends() {bodies[store]}"))
    unit = UnitOfWork(engine)
    session = unit.session()
    session.execute(WRITE, {"word": "never"})

    with pytest.raises(DatabaseError):
        session.execute(text("CALL ends()"))
    unit.close()

    assert words(engine) == []
