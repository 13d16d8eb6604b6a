"""A year that was written and counted once, and a bot on it."""

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.services import fresh_database_url, on_store
from wxbot.analytics.counting import Counting
from wxbot.analytics.figures import Figures
from wxbot.db.engine import open_engine
from wxbot.settings.model import AnalyticsSettings
from wxbot.year.filling import fill
from wxbot.year.plan import Plan
from wxbot.year.seasons import midnight

LAST = date(2026, 11, 19)
PLAN = Plan(events=5_000, until=midnight(date(2026, 11, 20)))
SETTINGS = AnalyticsSettings()


@pytest.fixture(scope="package")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the SQLite file of a year that is counted."""
    folder = tmp_path_factory.mktemp("counted")
    with on_store("sqlite"):
        engine = open_engine(fresh_database_url(folder))
    with engine.begin() as connection:
        fill(connection, PLAN)
    Counting(
        engine, SETTINGS, now=lambda: datetime.fromtimestamp(PLAN.until, UTC), batch=2000, rest=0
    ).count_all()
    engine.dispose()
    return folder / "wxbot.db"


@pytest.fixture
def wx_database_url(tmp_path: Path, counted: Path) -> str:
    """Let the fixture wx begin with the year."""
    return f"sqlite:///{shutil.copy(counted, tmp_path / 'year.db')}"


@pytest.fixture(scope="package")
def figures(counted: Path) -> Iterator[Figures]:
    """Return the figures of the year."""
    engine = open_engine(f"sqlite:///{counted}")
    yield Figures(engine, SETTINGS)
    engine.dispose()
