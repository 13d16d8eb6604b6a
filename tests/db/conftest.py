"""An empty database with one table of a handler's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from tests.services import fresh_database_url
from wxbot.db.engine import open_engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Return an engine on a database of its own, with the table `notes`."""
    engine = open_engine(fresh_database_url(tmp_path, migrated=False), connections=4)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":  # as migrations do: who reads waits for no writer
            connection.execute(text("PRAGMA journal_mode=WAL"))
        connection.execute(text("CREATE TABLE notes (word TEXT)"))
    yield engine
    engine.dispose()
