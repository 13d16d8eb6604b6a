"""`wxbot db`: up, down, and where it is."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from wxbot.cli import cli
from wxbot.db import migrate


@pytest.fixture
def database(configured: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the configured database will be, with the project as the working directory."""
    monkeypatch.chdir(configured.folder)
    return configured.folder / "var" / "wxbot.db"


def db(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["db", *arguments])


def test_current_does_not_make_a_database(database: Path) -> None:
    result = db("current")

    assert result.exit_code == 0 and result.output.startswith("There is no database yet")
    assert not database.parent.exists()


def test_upgrade_says_what_it_did(database: Path) -> None:
    first, second = db("upgrade"), db("upgrade")

    assert database.exists()
    assert f"from revision none to {migrate.head()}" in first.output
    assert f"at revision {migrate.head()} already" in second.output
    assert json.loads(db("current", "--json").output) == {
        "revision": migrate.head(),
        "newest": migrate.head(),
    }


def test_downgrade_goes_back_to_nothing(database: Path) -> None:
    db("upgrade")

    result = db("downgrade", "base", "--json")

    assert json.loads(result.output) == {"before": migrate.head(), "revision": None}
    with closing(sqlite3.connect(database)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    assert tables in ([], [("alembic_version",)])


@pytest.mark.parametrize("revision", ["9999", "first", "0000", "-1"])
def test_downgrade_to_what_is_no_revision_is_wrong_usage(database: Path, revision: str) -> None:
    db("upgrade")

    result = db("downgrade", "--", revision)

    assert result.exit_code == 2 and "there are base and 0001 to" in result.output


def test_downgrade_of_what_is_not_there_fails(database: Path) -> None:
    result = db("downgrade", "base")

    assert (result.exit_code, database.exists()) == (1, False)
    assert "nothing to take back" in result.output


def test_file_that_is_no_database_is_named(database: Path) -> None:
    database.parent.mkdir()
    database.write_text("This is a letter, and it is long enough not to be taken for an empty file." * 20)

    result = db("upgrade")

    assert result.exit_code == 1
    assert "wxbot.db cannot be used" in result.output and "Traceback" not in result.output


def test_database_of_a_newer_wxbot_is_left_alone(database: Path) -> None:
    db("upgrade")
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    result = db("upgrade")

    assert result.exit_code == 1 and "which a newer wxbot has made" in result.output


def test_bad_configuration_ends_with_78(database: Path) -> None:
    Path("config.toml").write_text("secret_key = ")

    result = db("current")

    assert result.exit_code == 78 and result.output.startswith("wxbot: config.toml: is not valid TOML")
