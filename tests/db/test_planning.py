"""Which way a database takes to a person's rows, once it has looked at its tables."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from tests.services import fresh_database_url
from wxbot.db import planning
from wxbot.db.engine import open_engine
from wxbot.db.patience import patiently
from wxbot.db.planning import look_at_tables
from wxbot.year.filling import fill
from wxbot.year.plan import Plan

QUESTION = (
    "EXPLAIN QUERY PLAN SELECT channel FROM channel_people WHERE account = 'default' AND person = x'00'"
)


@pytest.mark.sqlite_only
def test_person_is_found_by_their_own_index(tmp_path: Path) -> None:
    url = fresh_database_url(tmp_path)
    engine = open_engine(url, connections=1)
    with engine.begin() as connection:
        fill(connection, Plan(events=2000, until=1_790_000_000))

    look_at_tables(engine)

    engine.dispose()
    with engine.connect() as connection:
        (way,) = connection.execute(text(QUESTION)).all()
    engine.dispose()
    assert "ix_channel_people_account_person" in way.detail


@pytest.mark.servers_only
def test_servers_see_to_it_themselves(tmp_path: Path) -> None:
    engine = open_engine(fresh_database_url(tmp_path), connections=1)

    look_at_tables(engine)

    engine.dispose()


@pytest.mark.sqlite_only
def test_no_look_is_longer_than_it_should_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else may take the connection that knows of the limit, unless it is the one that looks."""
    engine = open_engine(fresh_database_url(tmp_path), connections=2)
    limits: list[int] = []

    def note(connection: Any, _cursor: object, sql: str, *_: object) -> None:
        if sql == "ANALYZE":
            limits.append(connection.connection.execute("PRAGMA analysis_limit").fetchone()[0])

    event.listen(engine, "before_cursor_execute", note)
    others: list[Connection] = []
    monkeypatch.setattr(
        planning,
        "patiently",
        lambda engine, work: others.append(engine.connect()) or patiently(engine, work),
    )
    look_at_tables(engine)

    for each in others:
        each.close()
    engine.dispose()
    assert limits and 0 not in limits
