"""Pages of a table: together they are the table, whatever was chosen and however few rows are looked at."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ColumnElement, Engine, insert, select

from tests.services import fresh_database_url
from wxbot.db.engine import open_engine
from wxbot.db.models import jobs
from wxbot.db.paging import ALWAYS, Found, Order, Place, Window

ORDER = Order(jobs.c.run_at, jobs.c.id, looked_at=7)
SHOWN = select(jobs.c.id, jobs.c.run_at, jobs.c.state, jobs.c.name)
Job = dict[str, Any]


@pytest.fixture
def table(tmp_path: Path) -> Iterator[tuple[Engine, list[Job]]]:
    """Return an engine and the rows of its table, of which many share a second; the newest first."""
    engine = open_engine(fresh_database_url(tmp_path), connections=2)
    chance = random.Random(6)
    rows = [
        {
            "id": chance.randbytes(16),
            "account": "default",
            "name": chance.choice(["common", "common", "common", "rare"]),
            "arguments": "{}",
            "state": chance.choice(["dead", "done", "done"]),
            "attempts": 1,
            "run_at": 1000 + chance.randrange(12),
            "created_at": 1,
        }
        for _ in range(90)
    ]
    with engine.begin() as connection:
        connection.execute(insert(jobs), rows)
    yield engine, sorted(rows, key=lambda row: (row["run_at"], row["id"]), reverse=True)
    engine.dispose()


def pages(
    engine: Engine, *, chosen: list[ColumnElement[bool]], window: Window = ALWAYS, limit: int = 4
) -> Iterator[Found]:
    after: Place | None = None
    while True:
        with engine.connect() as connection:
            found = ORDER.newest(connection, SHOWN, chosen=chosen, window=window, after=after, limit=limit)
        yield found
        if (after := found.after) is None:
            return


def ids(found: Iterator[Found]) -> list[bytes]:
    return [row["id"] for page in found for row in page.rows]


def test_pages_are_together_the_whole_table(table: tuple[Engine, list[Job]]) -> None:
    engine, rows = table

    found = list(pages(engine, chosen=[]))

    assert ids(iter(found)) == [row["id"] for row in rows]
    assert [len(page.rows) for page in found] == [4] * 22 + [2] and not any(page.is_cut for page in found)


def test_rare_rows_are_found_though_pages_end_before(table: tuple[Engine, list[Job]]) -> None:
    engine, rows = table
    rare = [row["id"] for row in rows if (row["name"], row["state"]) == ("rare", "dead")]

    found = list(pages(engine, chosen=[jobs.c.name == "rare", jobs.c.state == "dead"]))

    assert ids(iter(found)) == rare
    assert any(page.is_cut for page in found) and not found[-1].is_cut
    assert all(page.after is not None for page in found if page.is_cut)


def test_pages_stay_within_their_time(table: tuple[Engine, list[Job]]) -> None:
    engine, rows = table
    within = [row["id"] for row in rows if 1003 <= row["run_at"] < 1009 and row["name"] == "common"]

    found = pages(engine, chosen=[jobs.c.name == "common"], window=Window(1003, 1009))

    assert ids(found) == within


def test_page_does_not_leave_its_time_by_a_place_beyond(table: tuple[Engine, list[Job]]) -> None:
    engine, rows = table

    with engine.connect() as connection:
        beyond = Place(1011, b"\xff" * 16)
        found = ORDER.newest(connection, SHOWN, window=Window(None, 1009), after=beyond, limit=90)

    assert [row["id"] for row in found.rows] == [row["id"] for row in rows if row["run_at"] < 1009]


def test_merged_pages_of_each_state_are_the_whole_table(table: tuple[Engine, list[Job]]) -> None:
    engine, rows = table
    expected = [row["id"] for row in rows if row["name"] == "rare"]

    seen: list[bytes] = []
    after: Place | None = None
    while True:
        with engine.connect() as connection:
            parts = [
                ORDER.newest(
                    connection,
                    SHOWN.where(jobs.c.state == state),
                    chosen=[jobs.c.name == "rare"],
                    after=after,
                    limit=3,
                )
                for state in ("dead", "done")
            ]
        found = ORDER.merged(parts, 3)
        seen += [row["id"] for row in found.rows]
        if (after := found.after) is None:
            break

    assert seen == expected
