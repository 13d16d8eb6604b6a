"""Service messages fit into WeChat's windows, also when several senders take from the same one."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select
from sqlalchemy.event import listen

from tests import services
from wxbot.db import models
from wxbot.db.engine import open_engine, retire
from wxbot.db.statements import database_now
from wxbot.events import windows
from wxbot.wechat.events import MESSAGE_KINDS

KEY = b"0123456789abcdef"
TWO_DAYS = 48 * 3600


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Return an engine on an empty database."""
    engine = open_engine(services.fresh_database_url(tmp_path))
    yield engine
    retire(engine)


def record(engine: Engine, kind: str, *, age_seconds: int = 0, key: bytes = KEY) -> None:
    """Put an event on record that happened so long ago by the database's clock."""
    row = {
        "key": key,
        "account": "default",
        "person": b"p" * 16,
        "kind": kind,
        "created_at": 0,
        "state": "done",
        "run": b"r" * 16,
        "reply": "{}",
    }
    with engine.begin() as connection:
        now = connection.execute(select(database_now())).scalar_one()
        connection.execute(insert(models.events).values(row | {"recorded_at": now - age_seconds}))


def take(engine: Engine, key: bytes = KEY) -> bool:
    with engine.begin() as connection:
        return windows.take_message(connection, key)


def sent(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(select(models.events.c.messages_sent)).scalar_one()


@pytest.mark.sqlite_only
@pytest.mark.parametrize("kind", MESSAGE_KINDS)
def test_window_after_a_message_allows_five_in_two_days(kind: str) -> None:
    assert windows.window_of(kind) == windows.Window(seconds=TWO_DAYS - 60, messages=5)


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "kind", ["subscribe", "scan", "click", "menu_choice", "scancode_push", "scancode_waitmsg"]
)
def test_window_after_an_act_allows_three_in_a_minute(kind: str) -> None:
    assert windows.window_of(kind) == windows.Window(seconds=55, messages=3)


@pytest.mark.parametrize("kind", ["unsubscribe", "view", "pic_weixin", "location_select", "malformed", ""])
def test_other_events_open_no_window(engine: Engine, kind: str) -> None:
    record(engine, kind)

    assert windows.window_of(kind) is None
    assert not take(engine)


@pytest.mark.parametrize(("kind", "messages"), [("scan", 3), ("click", 3), ("text", 5), ("image", 5)])
def test_messages_are_taken_until_the_window_is_used_up(engine: Engine, kind: str, messages: int) -> None:
    record(engine, kind)

    assert [take(engine) for _ in range(messages + 2)] == [True] * messages + [False, False]
    assert sent(engine) == messages


# A second between writing and reading must not matter.
@pytest.mark.parametrize(
    ("kind", "age_seconds", "is_open"),
    [
        ("scan", 50, True),
        ("scan", 55, False),
        ("subscribe", 3600, False),
        ("text", 3600, True),
        ("text", TWO_DAYS - 65, True),
        ("text", TWO_DAYS - 60, False),
    ],
)
def test_messages_are_taken_while_the_window_is_open(
    engine: Engine, kind: str, age_seconds: int, is_open: bool
) -> None:
    record(engine, kind, age_seconds=age_seconds)

    assert take(engine) is is_open


def test_messages_of_an_event_that_is_not_on_record_are_not_taken(engine: Engine) -> None:
    record(engine, "scan")

    assert not take(engine, b"another-event-00")
    assert sent(engine) == 0


def test_message_that_was_given_back_can_be_taken_again(engine: Engine) -> None:
    record(engine, "scan")
    while take(engine):
        pass

    with engine.begin() as connection:
        windows.give_back(connection, KEY)

    assert [take(engine), take(engine)] == [True, False]


def test_giving_back_what_was_not_taken_earns_nothing(engine: Engine) -> None:
    record(engine, "scan")

    with engine.begin() as connection:
        windows.give_back(connection, KEY)

    assert sent(engine) == 0


def test_message_is_not_taken_when_the_transaction_is_undone(engine: Engine) -> None:
    record(engine, "scan")

    with engine.connect() as connection, connection.begin() as transaction:
        assert windows.take_message(connection, KEY)
        transaction.rollback()

    assert sent(engine) == 0


def test_windows_of_a_person_are_looked_for_among_the_events_of_two_days(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/plan.db")
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, sql: str, parameters: Any, *_: Any) -> None:
        asked.append((sql, parameters))

    with engine.begin() as connection:
        models.metadata.create_all(connection)
        listen(engine, "before_cursor_execute", note)
        assert windows.take_any_message(connection, "default", b"p" * 16) is None
        [(query, parameters)] = asked
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", parameters).all()
    retire(engine)

    assert [row.detail for row in plan] == [
        "SEARCH events USING INDEX ix_events_recorded_at (recorded_at>?)"
    ], plan


def test_any_window_is_the_newest_that_is_open(engine: Engine) -> None:
    record(engine, "text", age_seconds=TWO_DAYS - 120, key=b"old-text-message")
    record(engine, "text", age_seconds=3600)
    record(engine, "scan", age_seconds=120, key=b"a-scan-too-old-0")
    record(engine, "text", age_seconds=TWO_DAYS - 60, key=b"a-text-too-old-0")

    with engine.begin() as connection:
        taken = [windows.take_any_message(connection, "default", b"p" * 16) for _ in range(11)]

    assert taken == [KEY] * 5 + [b"old-text-message"] * 5 + [None]


def test_many_senders_take_no_more_than_there_is(engine: Engine) -> None:
    record(engine, "text")
    taken: list[bool] = []
    senders = [threading.Thread(target=lambda: taken.append(take(engine))) for _ in range(16)]

    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()

    assert sorted(taken) == [False] * 11 + [True] * 5
    assert sent(engine) == 5
