"""Lists of events: found by whatever somebody remembers of them, and never by reading the whole table."""

import random
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert, select, update

from tests.services import fresh_database_url
from wxbot.db.engine import open_engine
from wxbot.db.models import events, jobs
from wxbot.db.paging import Window
from wxbot.events import listing
from wxbot.events.listing import OPEN, NoSuchEventError, Wanted, as_they_are, latest, listed, replay

PERSON = b"ailin's digest.."


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[tuple[Engine, list[dict[str, Any]]]]:
    """Return an engine, and what its table of events has; the newest first."""
    engine = open_engine(fresh_database_url(tmp_path), connections=2)
    chance = random.Random(1)
    found = []
    for number in range(120):
        state = chance.choice(["done"] * 9 + ["running"])
        found.append(
            {
                "key": chance.randbytes(16),
                "account": chance.choice(["default", "second"]),
                "person": chance.choice([PERSON, b"bo's digest ...."]),
                "kind": chance.choice(["scan", "subscribe", "text"]),
                "scene": chance.choice(["vip", "VIP", None]),
                "created_at": number,
                "recorded_at": 1_790_000_000 + number // 3,
                "state": state,
                "run": b"r" * 16,
                "outcome": chance.choice(["handled", "failed"]) if state == "done" else None,
                "handler": chance.choice(["shop.vip", "shop.door"]),
                "reply": "{}",
            }
        )
    with engine.begin() as connection:
        connection.execute(insert(events), found)
    yield engine, sorted(found, key=lambda row: (row["recorded_at"], row["key"]), reverse=True)
    engine.dispose()


@pytest.mark.parametrize(
    ("wanted", "columns"),
    [
        (Wanted(), {}),
        (Wanted(accounts=["second"]), {"account": "second"}),
        (Wanted(person=PERSON, kind="scan"), {"person": PERSON, "kind": "scan"}),
        (Wanted(scene="vip"), {"scene": "vip"}),
        (Wanted(outcome="failed", handler="shop.vip"), {"outcome": "failed", "handler": "shop.vip"}),
        (Wanted(outcome=OPEN), {"state": "running"}),
    ],
)
def test_events_are_found_page_by_page_by_each_column(
    rows: tuple[Engine, list[dict[str, Any]]], wanted: Wanted, columns: dict[str, object]
) -> None:
    engine, table = rows
    expected = [row["key"].hex()[:16] for row in table if columns.items() <= row.items()]

    found, page = [], listed(engine, wanted, limit=7)
    while True:
        found += [line.id for line in page.lines]
        if page.after is None:
            break
        page = listed(engine, wanted, after=page.after, limit=7)

    assert found == expected and len(expected) > 0


def test_events_of_a_time_are_those_of_the_window(rows: tuple[Engine, list[dict[str, Any]]]) -> None:
    engine, table = rows
    window = Window(1_790_000_010, 1_790_000_020)

    found = listed(engine, Wanted(window=window), limit=200)

    assert [line.recorded_at for line in found.lines] == [
        row["recorded_at"] for row in table if 1_790_000_010 <= row["recorded_at"] < 1_790_000_020
    ]


def test_latest_events_of_an_account_are_found_behind_those_of_others(
    rows: tuple[Engine, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, table = rows
    monkeypatch.setattr(listing, "_ORDER", replace(listing._ORDER, looked_at=3))
    mine = [row["key"].hex()[:16] for row in reversed(table) if row["account"] == "second"]

    assert [line.id for line in latest(engine, limit=30, account="second")] == mine[-30:]
    assert [line.id for line in latest(engine, limit=1000, account="second")] == mine
    assert latest(engine, account="nobody") == []


def test_events_are_looked_at_again(rows: tuple[Engine, list[dict[str, Any]]]) -> None:
    engine, table = rows
    ids = [row["key"].hex()[:16] for row in table[5:9]]
    with engine.begin() as connection:
        connection.execute(update(events).where(events.c.key == table[6]["key"]).values(state="late"))

    found = as_they_are(engine, [*ids, "0" * 16])

    assert [line.id for line in found] == ids and found[1].state == "late"


def test_event_is_run_again_by_one_job_at_a_time(
    rows: tuple[Engine, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_PATIENCE_SECONDS", 60.0)
    engine, found = rows
    key = next(row["key"] for row in found if row["state"] == "done")
    with engine.begin() as connection:
        connection.execute(update(events).where(events.c.key == key).values(body=b"<xml/>"))
    both, refused = threading.Barrier(2), []

    def look(_: object, __: object, statement: str, *___: object) -> None:
        if statement.startswith("SELECT") and "FROM jobs" in statement:
            with suppress(threading.BrokenBarrierError):
                both.wait(1)  # until the other one looks as well, if they may

    def run() -> None:
        try:
            replay(engine, key.hex())
        except NoSuchEventError as error:
            refused.append(str(error))

    event.listen(engine, "after_cursor_execute", look)
    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [f"{key.hex()[:16]} is about to be run again already" in text for text in refused] == [True]
    assert states(engine) == ["waiting"]
    for state, count in (("running", 1), ("done", 2), ("dead", 3)):
        with engine.begin() as connection:
            connection.execute(update(jobs).values(state=state))
        run()
        assert len(states(engine)) == count, state


def states(engine: Engine) -> list[str]:
    """Return the states of all jobs."""
    with engine.connect() as connection:
        return list(connection.execute(select(jobs.c.state)).scalars())
