"""A year is the same wherever and whenever it is made, and memory does not grow with it."""

import os
import tempfile
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from tests.services import fresh_database_url, on_store
from wxbot.db import business, models
from wxbot.db.engine import open_engine
from wxbot.year.filling import fill, has_year
from wxbot.year.ordering import Ordering
from wxbot.year.plan import Plan

SMALL = Plan(events=1500, until=1_790_000_000)
TABLES = (
    *(business.channels, business.promoters, models.followers, business.channel_people),
    *(business.claims, business.claim_steps, business.bindings, models.events, models.jobs),
)
SIZES = (100_000, 400_000) if os.environ.get("WXBOT_LONG") else (1_500, 6_000)


@contextmanager
def empty(folder: Path, name: str = "wxbot.db") -> Iterator[Connection]:
    """Lend an empty database, in a transaction."""
    engine = open_engine(fresh_database_url(folder, name=name))
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def content(connection: Connection) -> dict[str, set[tuple[object, ...]]]:
    """Return all that a year consists of."""
    return {table.name: {tuple(row) for row in connection.execute(select(table))} for table in TABLES}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[tuple[object, ...]]]:
    """Return the small year as it is on SQLite."""
    with on_store("sqlite"), empty(tmp_path_factory.mktemp("expected")) as connection:
        fill(connection, SMALL)
        return content(connection)


@pytest.mark.every_store
def test_same_plan_makes_the_same_rows_on_every_store(
    store: str, tmp_path: Path, expected: dict[str, set[tuple[object, ...]]]
) -> None:
    with empty(tmp_path) as connection:
        filled = fill(connection, SMALL)

        assert content(connection) == expected
    assert {name: bool(rows) for name, rows in expected.items()} == {table.name: True for table in TABLES}
    assert len(expected["events"]) == filled.events
    assert len(expected["followers"]) == filled.people


def test_another_seed_makes_other_people(
    tmp_path: Path, expected: dict[str, set[tuple[object, ...]]]
) -> None:
    with empty(tmp_path) as connection:
        fill(connection, Plan(events=SMALL.events, until=SMALL.until, seed=2))

        assert not content(connection)["followers"] & expected["followers"]


def test_year_is_found_where_it_was_written(tmp_path: Path) -> None:
    told = []
    with empty(tmp_path) as connection:
        assert not has_year(connection, SMALL)

        fill(connection, SMALL, tell=lambda done, total: told.append((done, total)))

        assert has_year(connection, Plan(events=9_000, until=SMALL.until + 86_400))
        assert not has_year(connection, Plan(events=1500, until=SMALL.until, account="other"))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] == told[-1][1]


def test_records_are_ordered_without_being_held() -> None:
    count = 40_000
    tracemalloc.start()
    try:
        with tempfile.TemporaryFile() as file:
            ordering = Ordering(file, size=8, run=4000)
            for number in range(count):
                ordering.add((number * 7_919 % count).to_bytes(8))
            ordered = (int.from_bytes(each) for each in ordering.ordered())
            assert sum(number == place for place, number in enumerate(ordered)) == count
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1e6, "all of them would be 1.6 MB"


def test_memory_stays_as_the_year_grows(tmp_path: Path) -> None:
    peaks = []
    for size in SIZES:
        with empty(tmp_path, f"{size}.db") as connection:
            tracemalloc.start()
            fill(connection, Plan(events=size, until=SMALL.until))
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()

    # What is sorted in memory grows until it is a run of 6 MB.
    assert peaks[1] < peaks[0] + 6e6


@pytest.mark.every_store
def test_year_may_be_saved_in_parts(store: str, tmp_path: Path) -> None:
    engine = open_engine(fresh_database_url(tmp_path))
    with engine.connect() as connection:
        filled = fill(connection, SMALL, save=connection.commit)
        connection.commit()
    with engine.connect() as connection:
        assert len(connection.execute(select(models.events.c.key)).all()) == filled.events
    engine.dispose()
