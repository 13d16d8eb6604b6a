"""Lists of events: found by whatever somebody remembers of them, and never by reading the whole table."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert

from tests.services import fresh_database_url
from wxbot.db.engine import open_engine
from wxbot.db.models import events
from wxbot.db.paging import Window
from wxbot.events.listing import OPEN, Wanted, listed

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
