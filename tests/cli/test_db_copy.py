"""`wxbot db copy`: every row of every table arrives as it was, or none does."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Float,
    LargeBinary,
    Table,
    create_engine,
    insert,
    select,
    text,
)
from sqlalchemy.pool import NullPool

from tests.services import fresh_database_url
from wxbot.cli import cli
from wxbot.db import migrate
from wxbot.db.engine import new_engine
from wxbot.db.models import compatibility, heartbeats, metadata

OLD = "sqlite:///old.db"
TABLES = [table for table in metadata.sorted_tables if table is not compatibility]


@pytest.fixture(autouse=True)
def target(configured: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the configured database, an empty one; the working directory has a full one, old.db."""
    monkeypatch.chdir(configured.folder)
    url = fresh_database_url(tmp_path, name="new.db", migrated=False)
    monkeypatch.setenv("WXBOT_DATABASE__URL", url)
    migrate.upgrade(OLD)
    with create_engine(OLD).begin() as connection:
        for table in TABLES:
            connection.execute(insert(table), [row(table, 1), row(table, 2)])
    return url


def row(table: Table, number: int) -> dict[str, Any]:
    """Make values that a database might change: of the greatest length, not ASCII, with NUL, or none."""
    return {column.name: value(column, number) for column in table.columns}


def value(column: Column[Any], number: int) -> Any:
    if column.nullable and number == 2:
        return None
    kind = column.type
    if isinstance(kind, LargeBinary):
        # Digests are of one length, which MySQL's columns have.
        return (bytes((0, 255, number)) + b"\\'\n%" * 3 + bytes(1)).ljust(kind.length or 0, b"x")
    if isinstance(kind, Boolean):
        return number == 1
    if isinstance(kind, Float):
        return number / 4  # durations have single precision in MySQL
    if kind.python_type is int:
        return number + (10**12 if kind.__visit_name__ == "big_integer" and column.name != "seen_at" else 0)
    words = f"{number}茶🍵 %s\\'\t "
    length = getattr(kind, "length", None) or 3000
    return words.ljust(length, "字")[:length]


def rows(connection: Connection, table: Table) -> set[tuple[Any, ...]]:
    return {tuple(each) for each in connection.execute(select(table))}


def copy(*arguments: str, **options: Any) -> Result:
    return CliRunner().invoke(cli, ["db", "copy", *arguments], **options)


@pytest.mark.every_store
def test_every_value_of_every_table_arrives(target: str) -> None:
    result = copy(OLD, "--json")

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {"rows": {table.name: 2 for table in TABLES}, "left": []}
    with create_engine(OLD).connect() as old, new_engine(target, poolclass=NullPool).connect() as new:
        differing = {table.name: rows(old, table) ^ rows(new, table) for table in TABLES}
        assert {name: values for name, values in differing.items() if values} == {}
        assert migrate.fit(new.engine) is migrate.fit(old.engine)


def test_more_rows_than_a_portion_and_tables_of_others(target: str) -> None:
    with create_engine(OLD).begin() as connection:
        connection.execute(text("CREATE TABLE notes (word TEXT)"))
        lines = [{"name": f"work {number}", "next_at": number} for number in range(2500)]
        connection.execute(insert(metadata.tables["schedules"]), lines)

    result = copy("-", input=f"{OLD}\n")

    assert result.exit_code == 0, result.output
    assert "schedules" in result.output and "2502" in result.output
    assert "Not wxbot's, and therefore not copied: notes." in result.output


def test_a_second_copy_is_refused(target: str) -> None:
    assert copy(OLD).exit_code == 0

    result = copy(OLD)

    assert result.exit_code == 1
    assert "the database to copy into has rows already, in access_tokens, " in result.output


def test_a_source_that_is_worked_with_is_refused(target: str) -> None:
    with create_engine(OLD).begin() as connection:
        connection.execute(
            heartbeats.update().values(seen_at=int(time.time()), host="shop", pid=4711, kind="web")
        )

    result = copy(OLD)

    assert result.exit_code == 1
    assert "(web 4711 on shop, web 4711 on shop). Stop web servers and workers" in result.output


@pytest.mark.servers_only
def test_a_server_is_named_as_in_the_configuration(
    target: str, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert copy(OLD).exit_code == 0
    monkeypatch.setenv("WXBOT_DATABASE__URL", "sqlite:///back.db")
    scheme = {"postgresql": "postgres", "mariadb": "mysql"}[store]

    result = copy("-", input=f"{scheme}://{target.partition('://')[2]}\n")

    assert result.exit_code == 0, result.output
    assert f"{2 * len(TABLES)} rows" in result.output


@pytest.mark.servers_only
def test_nothing_is_left_when_a_row_does_not_fit(target: str) -> None:
    with create_engine(OLD).begin() as connection:  # SQLite itself takes anything
        connection.execute(text("UPDATE wechat_tags SET fetched_at = 'soon'"))

    result = copy(OLD)

    assert result.exit_code == 1
    assert "a row of wechat_tags was not taken, and nothing was copied: " in result.output
    with new_engine(target, poolclass=NullPool).connect() as new:
        assert [table.name for table in TABLES if rows(new, table)] == []


def test_nothing_is_left_when_something_else_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WXBOT_DATABASE__URL", "sqlite:///new.db")
    migrate.upgrade("sqlite:///new.db")
    with create_engine("sqlite:///new.db").begin() as connection:
        connection.execute(
            text("CREATE TRIGGER t AFTER INSERT ON signatures BEGIN DELETE FROM schedules; END")
        )

    result = copy(OLD)

    assert result.exit_code == 1
    assert "the copy was undone" in result.output and "schedules (0 instead of 2)" in result.output
    with create_engine("sqlite:///new.db").connect() as new:
        assert [table.name for table in TABLES if rows(new, table)] == []


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [
        ("sqlite:///nowhere.db", 1, "there is no database to copy from"),
        ("old.db", 2, "must begin with sqlite:///, postgresql:// or mysql://"),
        ("sqlite:///past.db", 1, "is at revision 0001, this wxbot's is"),
    ],
)
def test_what_is_no_source_is_said(source: str, code: int, words: str) -> None:
    migrate.upgrade("sqlite:///past.db", revision="0001")

    result = copy(source)

    assert result.exit_code == code and words in result.output


def test_the_configured_database_is_no_source(target: str) -> None:
    assert "is the configured database" in copy("-", input=target).output
