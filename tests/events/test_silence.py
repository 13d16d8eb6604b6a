"""A database that does not answer: an event that is taken from its run is in the spool, or refused."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from tests.events.settling import GoneError, settle
from wxbot import Plugin
from wxbot.db.models import events
from wxbot.errors import ForbiddenError
from wxbot.events import recent, runs
from wxbot.events.records import Delivery, Recalled
from wxbot.events.spooled import Spooled
from wxbot.testing import Wx
from wxbot.wechat.parse import parse_event

RECORDED = "已经收到，系统正在恢复，稍后会为您处理。"
BODY = (
    b"<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName><CreateTime>1700000000</CreateTime>"
    b"<MsgType>event</MsgType><Event>SCAN</Event><EventKey>code</EventKey></xml>"
)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let silence be found out after a tenth of a second."""
    monkeypatch.setattr(runs, "RECALL_SECONDS", 0.1)
    monkeypatch.setattr(runs, "SECOND_LOOK_SECONDS", 0.0)


def wait_until_abandoned(wx: Wx) -> None:
    give_up_at = time.monotonic() + 10
    for run in list(wx.bot.runs._running.values()):
        while not run.is_abandoned:
            assert time.monotonic() < give_up_at
            time.sleep(0.01)


def be_silent(wx: Wx, patch: pytest.MonkeyPatch) -> None:
    """Let the first look find the database silent, and every later one not: others are answered by then."""
    looks = [True]
    recall = wx.bot.records.recall
    patch.setattr(wx.bot.runs._hearing, "is_silent", lambda since: bool(looks and looks.pop()))
    patch.setattr(wx.bot.records, "recall", lambda delivery: wait_until_abandoned(wx) or recall(delivery))


def test_event_taken_from_its_run_is_spooled_although_the_database_speaks_again(
    plugin: Plugin, make_wx: Callable[..., Wx], monkeypatch: pytest.MonkeyPatch, impatient: None
) -> None:
    keys: list[str] = []
    plugin.scene("code")(lambda scan: keys.append(scan.key) or "好")
    wx = make_wx({"callback": {"deadline_seconds": 0.8}})
    ailin = wx.user("ailin")
    be_silent(wx, monkeypatch)

    said = ailin.scan("code")
    wx.wait()
    settle(wx)

    assert said.text == RECORDED
    assert len(keys) == 1
    assert [message.text for message in ailin.messages] == ["好"]


def test_repeat_gets_no_row_for_what_is_on_its_way_to_the_spool(
    plugin: Plugin, make_wx: Callable[..., Wx], monkeypatch: pytest.MonkeyPatch, impatient: None
) -> None:
    keys: list[str] = []
    plugin.scene("code")(lambda scan: keys.append(scan.key) or "好")
    wx = make_wx({"callback": {"deadline_seconds": 0.4}})
    delivery = Delivery(event=parse_event(BODY, account="default"))
    is_first, is_answered = [True], threading.Event()
    append = wx.bot.outage.spool.append

    def append_slowly(entry: Spooled, **how: Any) -> Any:
        if is_first and is_first.pop():
            is_answered.wait(10)
        return append(entry, **how)

    def said() -> str:
        answer: Any = wx.bot.runs.answer(delivery, arrived=time.monotonic())
        return str(answer.content)

    be_silent(wx, monkeypatch)
    monkeypatch.setattr(wx.bot.outage.spool, "append", append_slowly)
    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(said) for _ in range(2)]
        wait(both, return_when=FIRST_COMPLETED)
        is_answered.set()
    wx.wait()
    settle(wx)

    assert {each.result() for each in both} == {RECORDED}
    assert len(keys) == 1


def test_nobody_waits_for_an_end_that_is_being_written(
    plugin: Plugin, make_wx: Callable[..., Wx], monkeypatch: pytest.MonkeyPatch, impatient: None
) -> None:
    """The database fell silent only after it had been asked for the record."""
    plugin.scene("code")(lambda scan: "好")
    wx = make_wx({"callback": {"deadline_seconds": 0.4}})
    monkeypatch.setattr(runs, "WRITE_SECONDS", 0.1)
    delivery = Delivery(event=parse_event(BODY, account="default"))
    begun, go_on, looks, settle_run = threading.Event(), threading.Event(), [True], wx.bot.records.settle

    def stall(*arguments: Any, **named: Any) -> bool:
        begun.set()
        assert go_on.wait(60)
        return settle_run(*arguments, **named)

    monkeypatch.setattr(wx.bot.records, "settle", stall)
    monkeypatch.setattr(
        wx.bot.runs._hearing, "is_silent", lambda since: begun.wait(20) and bool(looks and looks.pop())
    )
    with ThreadPoolExecutor(1) as threads:
        said = threads.submit(wx.bot.runs.answer, delivery, arrived=time.monotonic())
        done, _ = wait([said], timeout=20)
        go_on.set()
    wx.wait()
    settle(wx)

    answer: Any = said.result()
    assert done and answer.content == "好"


def test_stale_event_is_refused_again_once_the_database_is_back(
    plugin: Plugin, make_wx: Callable[..., Wx], monkeypatch: pytest.MonkeyPatch, impatient: None
) -> None:
    """What the silence took from its run must not be answered as if it were recorded."""
    plugin.scene("code")(lambda scan: "好")
    wx = make_wx({"callback": {"deadline_seconds": 0.8}})
    delivery = Delivery(event=parse_event(BODY, account="default"), is_stale=True)

    def gone_silently(delivery: Delivery) -> Recalled:
        wait_until_abandoned(wx)
        raise OperationalError("SELECT", {}, GoneError("not now"))

    with monkeypatch.context() as patched:
        patched.setattr(recent, "SILENCE_SECONDS", 0.0)
        patched.setattr(wx.bot.records, "recall", gone_silently)
        with pytest.raises(ForbiddenError):
            wx.bot.runs.answer(delivery, arrived=time.monotonic())
        wx.wait()
    assert not wx.bot.runs._running
    settle(wx)

    with pytest.raises(ForbiddenError):
        wx.bot.runs.answer(delivery, arrived=time.monotonic())
    with wx.bot.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(events)).scalar_one() == 0
