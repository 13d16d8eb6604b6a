"""A database, a bot whose handlers bind and claim, and a look into every table."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from tests.services import fresh_database_url
from wxbot import Plugin
from wxbot.db.engine import open_engine
from wxbot.db.models import metadata

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Return an engine on an empty database of the newest revision."""
    engine = open_engine(fresh_database_url(tmp_path))
    yield engine
    engine.dispose()


def everything(engine: Engine) -> Rows:
    """Return every row of every table."""
    with engine.connect() as connection:
        return {
            table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
            for table in metadata.sorted_tables
        }


@pytest.fixture
def find() -> Callable[[Engine, str | bytes], list[str]]:
    """Return what looks for a text or bytes in every column of every table; it names where they are."""

    def find(engine: Engine, what: str | bytes) -> list[str]:
        return [
            f"{table}.{column}"
            for table, rows in everything(engine).items()
            for row in rows
            for column, value in row.items()
            if _is_in(what, value)
        ]

    return find


def _is_in(what: str | bytes, value: object) -> bool:
    if isinstance(value, str):
        return isinstance(what, str) and what in value
    if isinstance(value, bytes):
        return (what.encode() if isinstance(what, str) else what) in value
    return False


@pytest.fixture
def wx_plugins() -> list[Plugin]:
    """Mount handlers that bind whoever scans, claim for them, and fail with their document."""
    plugin = Plugin("site")

    @plugin.scene("bind:<user>")
    def bind(scan: Any, user: str, bindings: Any) -> str:
        return str(bindings.bind(scan.account, user, scan.openid).outcome)

    @plugin.scene("order:<token>")
    def order(scan: Any, claims: Any) -> str:
        return str(claims.claim(scan.account, scan.scene, scan.openid).outcome)

    @plugin.scene("broken")
    def broken(scan: Any) -> str:
        raise RuntimeError("as always")

    @plugin.job
    def notify(openid: str) -> None:
        raise RuntimeError("as always")

    @plugin.scene("later")
    def later(scan: Any, defer: Any) -> str:
        defer(notify, openid=scan.openid)
        return "later"

    @plugin.scene("told")
    def told(scan: Any) -> str:
        return f"You are {scan.openid}"

    return [plugin, privacy()]


def privacy() -> Plugin:
    """Return handlers of what WeChat's service tells: with their document they fail, or defer a job."""
    plugin = Plugin("privacy")

    @plugin.job
    def wipe(openid: str) -> None:
        pass

    @plugin.event("user_authorization_revoke")
    @plugin.event("user_info_modified")
    @plugin.event("user_authorization_cancellation")
    def withdrawn(event: Any, defer: Any) -> None:
        if event.revoke_info:
            raise RuntimeError("as always")
        defer(wipe, openid=event.subject_openid)

    return plugin
