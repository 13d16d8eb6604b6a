"""A handler that opens connections of its own until the database has none left: everybody is answered."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, make_url, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from tests import services
from tests.events.settling import settle
from wxbot import Plugin, Scan
from wxbot.db.models import events
from wxbot.testing import Wx

MOST = 8
# What an account of the database has to be told to have so few connections.
LIMITS = {
    "postgresql": (
        f"CREATE ROLE bot LOGIN PASSWORD 'a word' CONNECTION LIMIT {MOST}",
        "ALTER DATABASE wxbot OWNER TO bot",
    ),
    "mariadb": (
        f"CREATE USER bot@'127.0.0.1' IDENTIFIED BY 'a word' WITH MAX_USER_CONNECTIONS {MOST}",
        "GRANT ALL ON wxbot.* TO bot@'127.0.0.1'",
    ),
}


@pytest.fixture
def url(store: str) -> Iterator[str]:
    """Return the address of a database that lets few in."""
    with services.SERVERS[store]() as server:
        server.execute(*LIMITS[store])
        mine = make_url(server.url()).set(username="bot", password="a word")
        yield mine.render_as_string(hide_password=False)


def take_all(engine: Engine) -> list[Connection]:
    """Open connections until there are no more."""
    held: list[Connection] = []
    for _ in range(MOST + 1):
        try:
            held.append(engine.connect())
        except OperationalError:
            return held
    raise AssertionError("there is no end of connections")


def wait_for_connections(engine: Engine) -> None:
    """Wait until there are some again: a server counts them for a moment after they were closed."""
    give_up_at = time.monotonic() + 30
    while True:
        try:
            engine.connect().close()
        except OperationalError:
            assert time.monotonic() < give_up_at
            time.sleep(0.05)
        else:
            return


@pytest.mark.servers_only
def test_a_handler_that_takes_all_connections_leaves_nobody_unanswered(
    tmp_path: Path, plugin: Plugin, url: str
) -> None:
    engine = create_engine(url, poolclass=NullPool)
    held: list[Connection] = []

    @plugin.scene("greedy")
    def greedy(scan: Scan) -> str:
        held.extend(take_all(engine))
        return "都拿到了"

    @plugin.scene("desk:<int:number>")
    def desk(scan: Scan, number: int) -> str:
        return f"{number} 号桌"

    wx = Wx(tmp_path, plugins=[plugin], database_url=url)
    try:
        assert wx.user("bo").scan("greedy").text == "都拿到了"
        assert held
        people = [wx.user(f"p{number}", follows=False) for number in range(40)]

        wx.bot.runs._deadline_seconds = 2.9
        with ThreadPoolExecutor(10) as threads:
            said = list(threads.map(lambda each: each[1].scan(f"desk:{each[0]}").text, enumerate(people)))
        for each in held:
            each.close()
        wait_for_connections(engine)
        settle(wx)

        assert all(said)
        with wx.bot.engine.connect() as connection:
            scenes = connection.execute(select(events.c.scene).where(events.c.state == "done")).scalars()
            assert set(scenes) >= {f"desk:{number}" for number in range(40)}
        wx.bot.runs._deadline_seconds = 60.0
        assert people[0].scan("desk:99").text == "99 号桌"
    finally:
        wx.close()
        engine.dispose()
