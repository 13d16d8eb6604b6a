"""Claims and bindings on an empty database, and what moves their times."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from tests.services import fresh_database_url
from wxbot.bindings.claims import Claims
from wxbot.db.business import claims as table
from wxbot.db.engine import open_engine
from wxbot.db.statements import database_now


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Return the URL of an empty database of the newest revision."""
    return fresh_database_url(tmp_path)


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """Return an engine on it."""
    engine = open_engine(url, connections=8)
    yield engine
    engine.dispose()


@pytest.fixture
def claims(engine: Engine) -> Claims:
    """Return the claims of the database."""
    return Claims(engine)


@pytest.fixture
def expire(engine: Engine) -> Callable[..., None]:
    """Return what lets a claim expire, by the database's clock, now or in some seconds."""

    def expire(id: bytes, seconds: int = 0) -> None:
        with engine.begin() as connection:
            later = update(table).where(table.c.id == id).values(expires_at=database_now() + seconds)
            connection.execute(later)

    return expire
