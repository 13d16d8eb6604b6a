"""Migrations run by themselves, once, also when several processes start together."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from wxbot.db import migrate
from wxbot.db.engine import open_engine
from wxbot.errors import ConfigurationError

TABLES = {"events", "signatures", "followers"}


def test_six_processes_starting_at_once_migrate_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new' / 'wxbot.db'}"
    program = f"from wxbot.db import migrate; migrate.upgrade({url!r})"

    processes = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(6)]
    codes = [process.wait(timeout=50) for process in processes]

    engine = open_engine(url)
    assert codes == [0] * 6
    assert migrate.current(engine) == migrate.head()
    assert set(inspect(engine).get_table_names()) >= TABLES
    engine.dispose()


def test_records_survive_a_power_cut_by_configuration(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'wxbot.db'}"
    migrate.upgrade(url)

    engine = open_engine(url)
    with engine.connect() as connection:
        journal = connection.execute(text("PRAGMA journal_mode")).scalar_one()
        synchronous = connection.execute(text("PRAGMA synchronous")).scalar_one()
    engine.dispose()

    assert (journal, synchronous) == ("wal", 2)  # 2: FULL


def test_database_of_another_version_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'wxbot.db'}"
    migrate.upgrade(url)
    migrate.downgrade(url, revision="base")

    engine = open_engine(url)
    with pytest.raises(ConfigurationError, match="wxbot db upgrade"):
        migrate.require_head(engine)
    assert not set(inspect(engine).get_table_names()) & TABLES
    engine.dispose()
