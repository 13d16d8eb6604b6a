"""What the databases say differently comes to the same."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import DBAPIError

from tests.services import fresh_database_url
from wxbot.db.engine import open_engine
from wxbot.db.figures import people, stays
from wxbot.db.models import access_tokens, followers, living_codes, schedules
from wxbot.db.statements import (
    add_all,
    database_now,
    holds,
    insert_all,
    insert_first,
    insert_missing,
    insert_new,
    put,
)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Return an engine on a database with all tables."""
    engine = open_engine(fresh_database_url(tmp_path), connections=8)
    yield engine
    engine.dispose()


def plans(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        rows = connection.execute(select(schedules.c.name, schedules.c.next_at)).all()
    return {row.name: row.next_at for row in rows}


def test_the_first_insert_wins(engine: Engine) -> None:
    with engine.begin() as connection:
        first = insert_first(connection, schedules, {"name": "sweep", "next_at": 1})
        second = insert_first(connection, schedules, {"name": "sweep", "next_at": 2})

    assert (first, second) == (True, False)
    assert plans(engine) == {"sweep": 1}


def test_of_many_that_insert_at_once_one_wins(engine: Engine) -> None:
    together, won = threading.Barrier(6), []

    def enter(number: int) -> None:
        together.wait()
        with engine.begin() as connection:
            if insert_first(connection, schedules, {"name": "sweep", "next_at": number}):
                won.append(number)

    threads = [threading.Thread(target=enter, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(won) == 1 and plans(engine) == {"sweep": won[0]}


def test_only_missing_rows_are_inserted(engine: Engine) -> None:
    with engine.begin() as connection:
        insert_missing(connection, schedules, [{"name": "a", "next_at": 1}])
        insert_missing(connection, schedules, [{"name": name, "next_at": 2} for name in "abc"])

    assert plans(engine) == {"a": 1, "b": 2, "c": 2}


def test_put_inserts_or_changes(engine: Engine) -> None:
    row = {"name": "door", "account": "default", "scene": "a", "is_integer": False, "created_at": 1}
    with engine.begin() as connection:
        put(connection, living_codes, row | {"lifetime_seconds": 60})
        put(connection, living_codes, row | {"lifetime_seconds": 90, "scene": "b"})
        found = connection.execute(select(living_codes.c.scene, living_codes.c.lifetime_seconds)).all()

    assert found == [("b", 90)]


def test_the_databases_clock_goes_on_within_a_transaction(engine: Engine) -> None:
    with engine.begin() as connection:
        insert_first(connection, schedules, {"name": "sweep", "next_at": 1})
        earliest = time.time()
        before = connection.scalar(select(database_now()))
        time.sleep(1.1)
        slept = time.time()
        after = connection.scalar(select(database_now()))
        latest = time.time()

    assert isinstance(before, int) and isinstance(after, int)
    assert after - before >= 1
    # It counts whole seconds.
    assert earliest - 1 < before <= slept < after + 1 <= latest + 1


def test_text_is_kept_to_the_letter(engine: Engine) -> None:
    openids = [
        "oAbC",
        "oabc",
        "oåbc",
        "o😀",
    ]  # all the same, or refused, to a usual collation of MySQL
    with engine.begin() as connection:
        for number, openid in enumerate(openids):
            row = {"person": bytes([number] * 16), "openid": openid, "first_seen_at": 0, "follows": 0}
            assert insert_first(connection, followers, {"account": openid, **row})
        found = connection.execute(select(followers.c.person).where(followers.c.openid == "oabc")).all()

    assert found == [(bytes([1] * 16),)]


@pytest.mark.parametrize(
    ("text", "names"),
    [("o_b", ["o_b"]), ("O_B", []), ("o%b", []), ("字", ["字"]), ("xb", ["axb"]), ("\\", [])],
)
def test_text_is_found_within_others_to_the_letter(engine: Engine, text: str, names: list[str]) -> None:
    zero = {column.name: 0 for column in access_tokens.c if not column.nullable}
    with engine.begin() as connection:
        for name in ("axb", "o_b", "字"):
            token = b"\xff\x00" + f'{{"token": "{name}"}}'.encode()
            row = zero | {"account": name, "token": token}
            connection.execute(insert(access_tokens).values(row))

        for column in (access_tokens.c.account, access_tokens.c.token):
            found = connection.execute(select(access_tokens.c.account).where(holds(column, text)))
            assert list(found.scalars()) == names


@pytest.mark.servers_only
def test_what_does_not_fit_is_refused(engine: Engine) -> None:
    with pytest.raises(DBAPIError), engine.begin() as connection:
        insert_missing(connection, schedules, [{"name": "n" * 65, "next_at": 1}])

    assert plans(engine) == {}


def test_of_new_rows_all_are_inserted(engine: Engine) -> None:
    with engine.begin() as connection:
        assert insert_new(connection, schedules, [])
        assert insert_new(connection, schedules, [{"name": f"{n}", "next_at": n} for n in range(20)])

    assert plans(engine) == {f"{n}": n for n in range(20)}


def test_rows_of_which_one_is_taken_are_not_new(engine: Engine) -> None:
    with engine.begin() as connection:
        insert_first(connection, schedules, {"name": "b", "next_at": 1})

    with engine.connect() as connection:
        rows = [{"name": name, "next_at": 2} for name in "abc"]
        assert not insert_new(connection, schedules, rows)
        connection.rollback()

    assert plans(engine) == {"b": 1}


def test_a_row_twice_is_not_new(engine: Engine) -> None:
    with engine.connect() as connection:
        assert not insert_new(connection, schedules, [{"name": "a", "next_at": n} for n in (1, 2)])
        connection.rollback()

    assert plans(engine) == {}


# What means something in a list of PostgreSQL's, or looks like nothing.
WORDS = ["plain", "", "None", "NULL", "{1,2}", 'a "b"', "c\\d", "e,f", "谢谢"]


def test_many_rows_are_inserted_to_the_letter(engine: Engine) -> None:
    digests = [bytes([number, 0, 34, 92, 123, 44, 255]) + bytes(9) for number in range(len(WORDS))]
    times = [None, -1, 0, 2**53, *[None] * (len(WORDS) - 4)]
    rows = [*zip(range(len(WORDS)), WORDS, digests, times, strict=True)]

    with engine.begin() as connection:
        insert_all(connection, people, [])
        insert_all(connection, people, rows)
        assert [tuple(row) for row in connection.execute(select(people).order_by(people.c.id))] == rows


def test_numbers_are_added_where_there_are_some(engine: Engine) -> None:
    with engine.begin() as connection:
        add_all(connection, stays, [(1, "default", 2, 3, step, 5) for step in (1, 2)])
        add_all(connection, stays, [(1, "default", 2, 3, step, -7) for step in (2, 3)])
        found = connection.execute(select(stays.c.step, stays.c.people).order_by(stays.c.step))
        assert [tuple(row) for row in found] == [(1, 5), (2, -2), (3, -7)]
