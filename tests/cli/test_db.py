"""`wxbot db`: up, down, and where it is."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import make_url

from tests import services
from tests.services import fresh_database_url
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


@pytest.mark.servers_only
def test_servers_are_taken_up_and_down(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WXBOT_DATABASE__URL", fresh_database_url(tmp_path, migrated=False))

    reports = [
        json.loads(db(*arguments, "--json").output)
        for arguments in (["current"], ["upgrade"], ["downgrade", "0001"], ["current"])
    ]

    assert reports == [
        {"revision": None, "newest": migrate.head()},
        {"before": None, "revision": migrate.head()},
        {"before": migrate.head(), "revision": "0001"},
        {"revision": "0001", "newest": migrate.head()},
    ]
    assert CliRunner().invoke(cli, ["check"]).exit_code == 0
    assert not (database.parent / "wxbot.db").exists()


@pytest.mark.servers_only
@pytest.mark.parametrize("command", ["db current", "db upgrade", "check --quiet", "api-key list"])
def test_a_server_that_lets_nobody_in_is_said_in_a_line(
    database: Path, store: str, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    url = make_url(services.server_of(store).url()).set(password="canary-of-passwords")
    monkeypatch.setenv("WXBOT_DATABASE__URL", url.render_as_string(hide_password=False))

    result = CliRunner().invoke(cli, command.split())

    assert result.exit_code == 1
    assert f"127.0.0.1:{url.port}/wxbot cannot be used" in result.output
    assert "canary" not in result.output and "Traceback" not in result.output


@pytest.mark.postgresql_only
def test_check_refuses_a_server_that_forgets(
    database: Path, tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = fresh_database_url(tmp_path, migrated=False)
    services.server_of(store).execute(f"ALTER DATABASE {make_url(url).database} SET synchronous_commit = off")
    monkeypatch.setenv("WXBOT_DATABASE__URL", url)

    result = CliRunner().invoke(cli, ["check"])

    assert result.exit_code == 78 and "synchronous_commit is off" in result.output
