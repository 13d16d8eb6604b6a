"""Databases of tests that others get afterwards."""

import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.pool import NullPool

from tests.recycling import Recycling
from tests.services import fresh_database_url
from wxbot.db.models import heartbeats

pytestmark = pytest.mark.servers_only

BEAT = {"id": b"1" * 16, "kind": "web", "host": "here", "pid": 1, "started_at": 1, "seen_at": 1}


@pytest.fixture
def recycling(tmp_path: Path) -> Recycling:
    """Return what knows a database that nobody has touched."""
    return Recycling(fresh_database_url(tmp_path, name="untouched"))


def test_database_is_empty_again(tmp_path: Path, recycling: Recycling) -> None:
    url = fresh_database_url(tmp_path)
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(heartbeats.insert().values(BEAT))

    # The server counts connections for a moment after they were closed.
    give_up_at = time.monotonic() + 30
    while not (is_emptied := recycling.empty(url)) and time.monotonic() < give_up_at:
        time.sleep(0.05)

    with engine.connect() as connection:
        assert (is_emptied, connection.scalar(select(func.count()).select_from(heartbeats))) == (True, 0)


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE heartbeats RENAME TO away",
        "ALTER TABLE heartbeats DROP COLUMN host",
        "CREATE TABLE notes (word TEXT)",
        "CREATE INDEX ix_more ON heartbeats (pid)",
        "UPDATE compatibility SET oldest = '9999'",
    ],
)
def test_database_that_was_changed_is_given_to_nobody(
    tmp_path: Path, recycling: Recycling, change: str
) -> None:
    url = fresh_database_url(tmp_path)
    with create_engine(url, poolclass=NullPool).begin() as connection:
        connection.execute(text(change))

    assert not recycling.empty(url)


def test_database_that_somebody_uses_is_given_to_nobody(tmp_path: Path, recycling: Recycling) -> None:
    url = fresh_database_url(tmp_path)
    with create_engine(url, poolclass=NullPool).connect() as connection:
        connection.execute(text("SELECT 1"))

        assert not recycling.empty(url)
