"""A machine that gives no more threads, or a fault of our own: what is answered is on disk all the same."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from tests.events.settling import gone, settle
from wxbot import Plugin, Scan
from wxbot.db.models import events
from wxbot.events.records import Delivery
from wxbot.events.run import Run
from wxbot.outcome import Outcome, Status
from wxbot.testing import Wx
from wxbot.wechat.parse import parse_event
from wxbot.wechat.replies import Text

Refuse = Callable[[str], None]
BODY = (
    b"<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName><CreateTime>1700000000</CreateTime>"
    b"<MsgType>event</MsgType><Event>SCAN</Event><EventKey>code</EventKey></xml>"
)


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """Return what lets threads of a name not be started any more."""
    start = threading.Thread.start

    def refuse(name: str) -> None:
        def started(thread: threading.Thread) -> None:
            if thread.name == name:
                raise RuntimeError("can't start new thread")
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", started)

    return refuse


def row_of(wx: Wx) -> tuple[str, str]:
    with wx.session() as session:
        row = session.execute(select(events.c.state, events.c.outcome)).one()
    return row.state, row.outcome


def test_without_a_thread_to_watch_for_the_database_the_spool_keeps_what_comes(
    plugin: Plugin, make_wx: Callable[[], Wx], refuse: Refuse, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[str] = []
    plugin.scene("code")(lambda scan: runs.append(scan.key) or "好")
    wx = make_wx()
    ailin = wx.user("ailin")
    refuse("database-gate")

    with gone(wx):
        said = [ailin.scan("code").text, ailin.redeliver().text]
    monkeypatch.undo()
    settle(wx)

    assert set(said) == {"已经收到，系统正在恢复，稍后会为您处理。"}
    assert len(runs) == 1 and row_of(wx) == ("done", "late")
    assert [message.text for message in ailin.messages] == ["好"]
    assert not wx.bot.runs._running


def test_without_a_thread_to_tell_of_jobs_the_reply_is_the_handlers(
    plugin: Plugin, make_wx: Callable[[], Wx], refuse: Refuse
) -> None:
    plugin.scene("code")(lambda scan: ["先", "后"])
    wx = make_wx()
    ailin = wx.user("ailin")
    refuse("notifier")

    said = [ailin.scan("code").text, ailin.redeliver().text]
    wx.work()

    assert said == ["先", "先"]
    assert [message.text for message in ailin.messages] == ["后"]


def test_without_a_thread_to_renew_leases_a_handler_writes_all_the_same(
    plugin: Plugin, make_wx: Callable[[], Wx], refuse: Refuse
) -> None:
    @plugin.scene("code")
    def handler(scan: Scan, session: Session) -> str:
        session.execute(text("INSERT INTO notes VALUES ('written')"))
        return "好"

    wx = make_wx()
    with wx.session() as session:
        session.execute(text("CREATE TABLE notes (word TEXT)"))
    refuse("watch")
    ailin = wx.user("ailin")

    assert [ailin.scan("code").text, ailin.redeliver().text] == ["好", "好"]
    with wx.session() as session:
        assert session.execute(text("SELECT count(*) FROM notes")).scalar_one() == 1


def test_a_fault_of_ours_is_answered_and_on_record(
    plugin: Plugin, make_wx: Callable[[], Wx], monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin.scene("code")(lambda scan: "好")
    wx = make_wx()
    ailin = wx.user("ailin")

    def broken(*_: object, **__: object) -> str:
        raise RuntimeError("a fault")

    monkeypatch.setattr(wx.bot.runs, "answer", broken)
    said = ailin.scan("code").text
    monkeypatch.undo()
    settle(wx)

    assert said.startswith("抱歉") and ailin.redeliver().text == said
    assert row_of(wx) == ("done", "failed")


def test_who_is_refused_after_the_deadline_keeps_what_was_said(make_wx: Callable[[], Wx]) -> None:
    wx = make_wx()
    delivery = Delivery(event=parse_event(BODY, account="default"), signed_by=None)
    run = Run(delivery)
    run.has_row = wx.bot.records.give_up(delivery, Text("请稍候"), run=run.id, known=None)

    is_ours = wx.bot.runs._settling.settle(run, Outcome(status=Status.FAILED, reply=Text("抱歉")))

    assert run.has_row and not is_ours
    assert wx.bot.records.recall(delivery).reply == Text("请稍候")
    assert row_of(wx) == ("done", "late")


def test_without_a_thread_to_look_for_webhooks_the_reply_is_the_handlers(
    plugin: Plugin, make_wx: Callable[[], Wx], refuse: Refuse, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin.scene("code")(lambda _scan: "好")
    wx = make_wx()
    wx.bot.hooks.publisher.forget()
    refuse("webhooks")

    assert wx.user("ailin").scan("code").text == "好"
    assert row_of(wx) == ("done", "handled")
    monkeypatch.undo()
    assert not wx.bot.hooks.publisher._is_looking  # the next event tries again
