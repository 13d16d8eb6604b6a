"""A database, a history in it, and what counts it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.analytics.worlds import World
from tests.services import fresh_database_url
from wxbot.db.engine import open_engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Return an engine on an empty database of the newest revision."""
    engine = open_engine(fresh_database_url(tmp_path))
    yield engine
    engine.dispose()


@pytest.fixture
def world(engine: Engine) -> World:
    """Return an empty history."""
    return World(engine)
