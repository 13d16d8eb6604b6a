"""Two handlers that lock each other out: both are answered in time, and what both write is there once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pymysql
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from wxbot import Plugin, Scan
from wxbot.testing import Wx

ADD = text("UPDATE boxes SET filled = filled + 1 WHERE id = :id")


@pytest.mark.servers_only
def test_who_loses_a_deadlock_is_run_once_more(plugin: Plugin, make_wx: Callable[..., Wx]) -> None:
    # Only the first attempts meet.
    both, alone = threading.Barrier(2), threading.Lock()
    runs: list[str] = []

    @plugin.scene("boxes:<int:first>:<int:second>")
    def fill(scan: Scan, session: Session, first: int, second: int) -> str:
        runs.append(scan.scene)
        if len(runs) <= 2:
            session.execute(ADD, {"id": first})
            both.wait(5)
            session.execute(ADD, {"id": second})
        else:
            with alone:
                session.execute(ADD, {"id": first})
                session.execute(ADD, {"id": second})
        return f"装好了 {first} 和 {second}"

    wx = make_wx()
    with wx.session() as session:
        session.execute(text("CREATE TABLE boxes (id INTEGER PRIMARY KEY, filled INTEGER)"))
        session.execute(text("INSERT INTO boxes VALUES (1, 0), (2, 0)"))

    with ThreadPoolExecutor(2) as threads:
        said = threads.map(
            lambda scanned: wx.user(scanned[0]).scan(scanned[1]).text,
            [("ailin", "boxes:1:2"), ("bo", "boxes:2:1")],
        )

    assert list(said) == ["装好了 1 和 2", "装好了 2 和 1"]
    assert 3 <= len(runs) <= 4  # PostgreSQL may find both guilty
    with wx.session() as session:
        assert session.execute(text("SELECT filled FROM boxes")).scalars().all() == [2, 2]


@pytest.mark.parametrize(
    ("error", "times"),
    [
        (pymysql.err.OperationalError(1205, "Lock wait timeout exceeded"), 2),
        (psycopg.errors.DeadlockDetected(), 2),
        (KeyError(1205), 1),  # a number of the handler's own
    ],
)
def test_only_what_a_driver_says_of_locks_runs_a_handler_again(
    plugin: Plugin, make_wx: Callable[..., Wx], error: Exception, times: int
) -> None:
    runs: list[str] = []

    @plugin.scene("order")
    def order(scan: Scan) -> str:
        runs.append(scan.key)
        raise error

    assert make_wx().user("ailin").scan("order").text.startswith("抱歉")
    assert len(runs) == times
