"""A commit whose answer is lost: the row is there, nobody knows it, and all read one text all the same."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from tests.events.settling import gone, settle
from wxbot import Plugin, Scan
from wxbot.db.models import events
from wxbot.events.records import Delivery
from wxbot.events.takeover import take_over_lost
from wxbot.testing import Wx
from wxbot.wechat.parse import parse_event

BODY = (
    b"<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName><CreateTime>1700000000</CreateTime>"
    b"<MsgType>event</MsgType><Event>SCAN</Event><EventKey>code</EventKey></xml>"
)
RECORDED = "已经收到，系统正在恢复，稍后会为您处理。"


@contextmanager
def unanswered(wx: Wx, method: str, afterwards: Callable[[], object] = lambda: None) -> Iterator[list[str]]:
    """Let the first commit of a method of the records be done, and its answer be lost with the connection."""
    dialect: Any = wx.bot.engine.dialect
    call, commit, is_disconnect = getattr(wx.bot.records, method), dialect.do_commit, dialect.is_disconnect
    here, lost = threading.local(), list[str]()

    def called(*arguments: Any, **named: Any) -> Any:
        here.is_called = True
        try:
            return call(*arguments, **named)
        finally:
            here.is_called = False

    def commit_and_lose(connection: Any) -> None:
        commit(connection)
        if getattr(here, "is_called", False) and not lost:
            lost.append(method)
            afterwards()
            raise dialect.loaded_dbapi.OperationalError("the answer is lost")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(wx.bot.records, method, called)
        patched.setattr(dialect, "do_commit", commit_and_lose)
        patched.setattr(
            dialect,
            "is_disconnect",
            lambda error, *more: "is lost" in str(error) or is_disconnect(error, *more),
        )
        yield lost


@pytest.fixture
def runs(plugin: Plugin) -> list[str]:
    """Return the runs of the handler of `code`, which has a row before it starts."""
    runs: list[str] = []

    @plugin.scene("code")
    def handler(scan: Scan, session: Session) -> str:
        runs.append(scan.key)
        return "好"

    return runs


def answer(wx: Wx) -> str:
    said: Any = wx.bot.runs.answer(
        Delivery(event=parse_event(BODY, account="default")), arrived=time.monotonic()
    )
    return str(said.content)


def number_of_events(wx: Wx) -> int:
    with wx.bot.engine.connect() as connection:
        return connection.execute(select(func.count()).where(events.c.kind == "scan")).scalar_one()


@pytest.mark.servers_only
def test_claim_that_was_written_is_ours(make_wx: Callable[..., Wx], runs: list[str]) -> None:
    wx = make_wx()
    ailin = wx.user("ailin")
    with unanswered(wx, "claim") as lost:
        said = ailin.scan("code")

    assert lost and not wx.bot.outage.is_on
    assert said.text == ailin.redeliver().text == "好"
    assert (len(runs), number_of_events(wx)) == (1, 1)


@pytest.mark.servers_only
def test_text_of_the_spool_counts_where_nobody_could_look(
    make_wx: Callable[..., Wx], runs: list[str]
) -> None:
    wx = make_wx()
    ailin = wx.user("ailin")
    with ExitStack() as outage, unanswered(wx, "claim", lambda: outage.enter_context(gone(wx))) as lost:
        said = ailin.scan("code")
    settle(wx)
    again = ailin.redeliver()
    with wx.session() as session:  # of the run that was broken off
        session.execute(update(events).values(lease_until=1))
    take_over_lost(wx.bot.engine)
    wx.work()

    assert lost and said.text == again.text == ailin.redeliver().text == RECORDED
    assert (len(runs), number_of_events(wx)) == (1, 1)
    assert [message.text for message in ailin.messages] == ["好"]


@pytest.mark.servers_only
def test_repeat_before_the_import_reads_what_was_said(
    make_wx: Callable[..., Wx], runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wx = make_wx({"callback": {"deadline_seconds": 0.5}})
    ailin = wx.user("ailin")
    with ExitStack() as outage, unanswered(wx, "claim", lambda: outage.enter_context(gone(wx))):
        said = ailin.scan("code")
    with monkeypatch.context() as patched:
        patched.setattr(wx.bot.outage, "bring_in", lambda: 0)
        wx.bot.outage._gate.succeeded()
        again = ailin.redeliver()
    settle(wx)

    assert said.text == again.text == ailin.redeliver().text == RECORDED


def test_run_that_goes_on_elsewhere_ends_with_the_text_of_the_spool(
    plugin: Plugin, make_wx: Callable[..., Wx]
) -> None:
    """One process had lost the database, and another one had not and took the repeat."""
    begun, go_on = threading.Event(), threading.Event()
    runs: list[str] = []

    @plugin.scene("code")
    def handler(scan: Scan, session: Session) -> str:
        runs.append(scan.key)
        begun.set()
        go_on.wait(20)
        return "好"

    ours, theirs = make_wx(), make_wx()
    with gone(ours):
        said = answer(ours)
    with ThreadPoolExecutor() as threads:
        repeated = threads.submit(answer, theirs)
        assert begun.wait(20)
        settle(ours)
        go_on.set()
    theirs.wait()

    assert said == repeated.result() == answer(theirs) == RECORDED
    assert len(runs) == 1
    with ours.session() as session:
        assert session.execute(select(events.c.state, events.c.outcome)).one() == ("done", "late")


@pytest.mark.servers_only
def test_late_row_that_was_written_is_ours(plugin: Plugin, make_wx: Callable[..., Wx]) -> None:
    go_on = threading.Event()
    plugin.scene("code")(lambda scan: go_on.wait(20) and "好")
    wx = make_wx({"callback": {"deadline_seconds": 0.3}})
    ailin = wx.user("ailin")
    with unanswered(wx, "give_up") as lost:
        said = ailin.scan("code")
    again = ailin.redeliver()
    go_on.set()
    wx.wait()
    wx.work()

    assert lost and said.text == again.text and said.text.startswith("正在为您处理")
    assert [message.text for message in ailin.messages] == ["好"]
