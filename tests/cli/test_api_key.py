"""`wxbot api-key`: made, listed, revoked."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from wxbot.api.keys import Keys
from wxbot.cli import cli
from wxbot.db.engine import open_engine


@pytest.fixture
def database(configured: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the configured database will be, with the project as the working directory."""
    monkeypatch.chdir(configured.folder)
    return configured.folder / "var" / "wxbot.db"


def api_key(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["api-key", *arguments])


def is_accepted(database: Path, key: str) -> bool:
    engine = open_engine(f"sqlite:///{database}", connections=1)
    try:
        return Keys(engine).verify(key) is not None
    finally:
        engine.dispose()


def test_key_that_was_made_is_accepted(database: Path) -> None:
    result = api_key("create", "shop")

    assert result.exit_code == 0
    assert is_accepted(database, result.stdout.strip())
    assert "not shown again" in result.stderr


def test_list_shows_everything_but_the_secret(database: Path) -> None:
    made = json.loads(api_key("create", "shop", "--json").stdout)

    table, listed = api_key("list").stdout, json.loads(api_key("list", "--json").stdout)

    assert [(each["id"], each["name"], each["revoked_at"]) for each in listed] == [(made["id"], "shop", None)]
    assert made["id"] in table and "shop" in table
    assert made["key"].removeprefix(f"wxb_{made['id']}_") not in table + str(listed)


def test_list_of_nothing_says_how_to_begin(database: Path) -> None:
    assert "wxbot api-key create NAME" in api_key("list").stdout
    assert json.loads(api_key("list", "--json").stdout) == []


def test_revoked_key_is_refused_and_still_listed(database: Path) -> None:
    made = json.loads(api_key("create", "shop", "--json").stdout)

    result = api_key("revoke", made["id"])

    assert (result.exit_code, made["id"] in result.stdout) == (0, True)
    assert not is_accepted(database, made["key"])
    assert json.loads(api_key("list", "--json").stdout)[0]["revoked_at"]


def test_revoking_what_is_not_there_fails(database: Path) -> None:
    result = api_key("revoke", "0123456789ab")

    assert result.exit_code == 1
    assert "there is no key '0123456789ab' that works" in result.stderr


def test_name_that_cannot_be_shown_fails(database: Path) -> None:
    result = api_key("create", " ")

    assert result.exit_code == 1 and "1 to 64 characters" in result.stderr


def test_database_that_is_none_is_named(database: Path) -> None:
    database.parent.mkdir()
    database.write_text("This is a letter, and it is long enough not to be taken for an empty file." * 20)

    result = api_key("list")

    assert result.exit_code == 1
    assert "wxbot.db cannot be used" in result.output and "Traceback" not in result.output


def test_key_is_limited_as_asked(database: Path) -> None:
    limits = ("--scope", "claims:read", "--scope", "claims:write", "--account", "default")

    made = json.loads(api_key("create", "shop", *limits, "--json").stdout)

    (listed,) = json.loads(api_key("list", "--json").stdout)
    assert made["scopes"] == listed["scopes"] == ["claims:read", "claims:write"]
    assert made["accounts"] == listed["accounts"] == ["default"]
    assert "claims:read claims:write  default" in api_key("list").stdout


def test_scope_that_there_is_not_is_a_usage_error(database: Path) -> None:
    result = api_key("create", "shop", "--scope", "claims:all")

    assert result.exit_code == 2
    assert "claims:write" in result.stderr


def test_account_that_there_is_not_fails(database: Path) -> None:
    result = api_key("create", "shop", "--account", "third")

    assert result.exit_code == 1
    assert "there is no account 'third'; there are: default" in result.stderr
