"""What comes after the answer: results that were late, lists, observers, and messages that had to wait."""

import sqlite3
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.event import listen
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from tests.lateness import wait_for_handler
from wxbot import Defer, Plugin, Scan, Text, TextMessage
from wxbot.db.models import access_tokens, events, followers, jobs
from wxbot.emulator.rules import Trouble
from wxbot.testing import User, Wx

SOON = {"callback": {"deadline_seconds": 0.2}}


def states(wx: Wx) -> list[tuple[str, str]]:
    with wx.session() as session:
        return [tuple(row) for row in session.execute(select(jobs.c.name, jobs.c.state))]


def listed(plugin: Plugin, make_wx: Callable[..., Wx]) -> tuple[Wx, User]:
    """Let somebody scan what answers with a list of two: a reply, and a message that is not sent yet."""
    plugin.scene("list")(lambda scan: ["一", "二"])
    wx = make_wx()
    ailin = wx.user("ailin")
    ailin.scan("list")
    return wx, ailin


@pytest.mark.parametrize("takes_session", [False, True])
def test_late_result_comes_as_a_message(
    plugin: Plugin, make_wx: Callable[..., Wx], takes_session: bool
) -> None:
    go_on = threading.Event()

    def light(scan: Scan) -> str:
        go_on.wait(20)
        return "结果来了"

    def writing(scan: Scan, session: Session) -> str:
        return light(scan)

    plugin.scene("slow")(writing if takes_session else light)
    wx = make_wx(SOON)
    ailin = wx.user("ailin")

    first = ailin.scan("slow")
    go_on.set()
    wx.wait()
    wx.work()

    assert first.text.startswith("正在为您处理")
    assert [said.text for said in ailin.messages] == ["结果来了"]
    assert ailin.redeliver().text == first.text
    wx.work()
    assert len(ailin.messages) == 1


def test_slow_handler_speaks_with_its_own_interim_text(plugin: Plugin, make_wx: Callable[..., Wx]) -> None:
    begun, go_on = threading.Event(), threading.Event()

    @plugin.scene("report", interim="正在生成报告…")
    def report(scan: Scan) -> str:
        begun.set()
        go_on.wait(20)
        return "报告好了"

    wx = make_wx(SOON)
    wait_for_handler(wx, begun)
    ailin = wx.user("ailin")

    assert ailin.scan("report").text == "正在生成报告…"
    go_on.set()
    wx.wait()
    wx.work()
    assert [said.text for said in ailin.messages] == ["报告好了"]


def test_list_is_one_reply_and_then_messages_in_order(plugin: Plugin, make_wx: Callable[..., Wx]) -> None:
    plugin.scene("list")(lambda scan: ["一", Text("二"), "三"])
    wx = make_wx()
    ailin = wx.user("ailin")

    said = ailin.scan("list")
    wx.work()

    assert said.text == "一"
    assert [message.text for message in ailin.messages] == ["二", "三"]
    assert [state for _, state in states(wx)] == ["done"]


def test_no_more_messages_than_wechat_allows(plugin: Plugin, make_wx: Callable[..., Wx]) -> None:
    plugin.scene("list")(lambda scan: ["一", "二", "三", "四", "五"])

    @plugin.text("在吗")
    def there(message: TextMessage) -> str:
        return "在"

    wx = make_wx()
    ailin = wx.user("ailin")

    ailin.scan("list")
    wx.work()
    within = [message.text for message in ailin.messages]
    ailin.say("在吗")
    wx.work()

    assert within == ["二", "三", "四"]
    assert [message.text for message in ailin.messages] == ["二", "三", "四", "五"]


def test_message_that_is_too_late_waits_for_the_next_contact(
    plugin: Plugin, make_wx: Callable[..., Wx]
) -> None:
    wx, ailin = listed(plugin, make_wx)
    with wx.session() as session:  # the worker was down for a minute
        session.execute(update(events).values(recorded_at=events.c.recorded_at - 60))
    wx.work()
    kept = states(wx)
    ailin.scan("nobody")
    wx.work()

    assert kept == [("wxbot.message", "kept")]
    assert [message.text for message in ailin.messages] == ["二"]
    assert states(wx) == [("wxbot.message", "done")]
    with wx.session() as session:
        assert session.execute(select(followers.c.kept_messages)).scalar_one() == 0


def test_message_that_is_too_late_goes_out_in_a_window_that_was_opened_since(
    plugin: Plugin, make_wx: Callable[..., Wx]
) -> None:
    wx, ailin = listed(plugin, make_wx)
    with wx.session() as session:  # the worker was down for a minute, in which the person has written
        session.execute(update(events).values(recorded_at=events.c.recorded_at - 60))
    ailin.say("在吗")
    wx.work()

    assert [message.text for message in ailin.messages] == ["二"]
    with wx.session() as session:
        sent = session.execute(select(events.c.kind, events.c.messages_sent).order_by(events.c.kind)).all()
    assert [tuple(each) for each in sent] == [("scan", 0), ("text", 1)]


@pytest.mark.parametrize(
    ("fault", "state", "reason"),
    [
        ("message/custom/send=48004", "dead", "the account is barred from the call"),
        ("message/custom/send=47001", "dead", "the call was not understood"),
        ("message/custom/send=45009", "kept", "the calls of this day are used up"),
        ("stable_token=40125", "kept", "the AppSecret is wrong"),
    ],
)
def test_message_is_kept_only_if_what_refuses_it_may_pass(
    plugin: Plugin, make_wx: Callable[..., Wx], fault: str, state: str, reason: str
) -> None:
    wx, _ailin = listed(plugin, make_wx)

    assert_refused(wx, fault, state=state, reason=reason)


# What is written is the same as for other refusals; each call is tried again after a while.
@pytest.mark.sqlite_only
def test_message_is_kept_while_wechat_is_busy(plugin: Plugin, make_wx: Callable[..., Wx]) -> None:
    wx, _ailin = listed(plugin, make_wx)

    assert_refused(wx, "message/custom/send=-1", state="kept", reason="WeChat is busy")


def assert_refused(wx: Wx, fault: str, *, state: str, reason: str) -> None:
    """Let every attempt fail, and see what becomes of the message."""
    wx.world.trouble = Trouble(api_faults=(fault,))
    for _ in range(wx.bot.ledger.attempts):
        with wx.session() as session:
            session.execute(update(jobs).values(run_at=0))
            session.execute(update(access_tokens).values(blocked_until=0))
        wx.work()

    assert states(wx) == [("wxbot.message", state)]
    with wx.session() as session:
        assert reason in session.execute(select(jobs.c.detail)).scalar_one()


def test_nothing_is_sent_to_somebody_who_left(plugin: Plugin, make_wx: Callable[..., Wx]) -> None:
    plugin.scene("list")(lambda scan: ["一", "二"])
    wx = make_wx()
    chen = wx.user("chen")

    chen.scan("list")
    chen.unfollow()
    wx.work()

    assert chen.messages == []
    assert sorted(states(wx)) == [("wxbot.message", "done"), ("wxbot.observe", "done")]


def test_values_of_a_job_are_named(
    plugin: Plugin, make_wx: Callable[..., Wx], caplog: pytest.LogCaptureFixture
) -> None:
    @plugin.job
    def notify(word: str, times: int = 1) -> None:
        pass

    @plugin.scene("x")
    def handler(scan: Scan, defer: Defer) -> str:
        defer(notify, "good", times=2)  # type: ignore[call-arg]
        return "写下了"

    wx = make_wx()
    wx.user("ailin").scan("x")

    assert "takes word, times, by name: write name=value for each value given to defer()" in caplog.text
    assert "NotDeferrableError: job test.notify (tests/events/test_followups.py:" in caplog.text
    assert states(wx) == []


def test_deferred_job_goes_with_what_the_session_wrote(plugin: Plugin, make_wx: Callable[..., Wx]) -> None:
    done: list[str] = []

    @plugin.job
    def notify(word: str, key: str) -> None:
        done.append(f"{word} {len(key)}")

    @plugin.scene("good")
    def good(scan: Scan, session: Session, defer: Defer) -> str:
        session.execute(text("INSERT INTO notes VALUES ('good')"))
        defer(notify, word="good")
        return "好"

    @plugin.scene("bad")
    def bad(scan: Scan, defer: Defer) -> str:
        defer(notify, word="bad")
        raise ValueError

    wx = make_wx()
    with wx.session() as session:
        session.execute(text("CREATE TABLE notes (word TEXT)"))
    ailin = wx.user("ailin")
    ailin.scan("good")
    ailin.redeliver()
    ailin.scan("bad")
    wx.work()

    assert done == ["good 32"]


def test_observer_is_told_of_every_scan_once(plugin: Plugin, make_wx: Callable[..., Wx]) -> None:
    seen: list[tuple[str, bool]] = []

    @plugin.on_scan
    def note(scan: Scan) -> None:
        seen.append((scan.scene, scan.is_new_follower))

    plugin.scene("code")(lambda scan: "好")
    wx = make_wx()
    wx.user("ailin").scan("code")
    bo = wx.user("bo", follows=False)
    bo.scan("nobody")
    bo.redeliver()
    bo.say("你好")
    wx.work()

    assert sorted(scene for scene, _ in seen) == ["code", "nobody"]


def test_message_for_which_there_is_no_token_is_sent_later(
    plugin: Plugin, make_wx: Callable[..., Wx]
) -> None:
    wx, ailin = listed(plugin, make_wx)

    wx.world.trouble = Trouble(api_faults=("stable_token=failure",))
    wx.work()
    assert states(wx) == [("wxbot.message", "waiting")] and not ailin.messages

    wx.world.trouble = Trouble()
    with wx.session() as session:
        session.execute(update(jobs).values(run_at=0))
        session.execute(update(access_tokens).values(blocked_until=0))
    wx.work()
    assert [said.text for said in ailin.messages] == ["二"]


def test_message_that_a_database_kept_from_being_sent_is_sent_later(
    plugin: Plugin, make_wx: Callable[..., Wx]
) -> None:
    wx, ailin = listed(plugin, make_wx)
    refused: list[str] = []

    def refuse(_connection: object, _cursor: object, sql: str, *_: object) -> None:
        if sql.startswith("UPDATE events") and not refused:
            refused.append(sql)
            raise OperationalError(sql, {}, sqlite3.OperationalError("disk I/O error"))

    listen(wx.bot.engine, "before_cursor_execute", refuse)
    wx.work()
    assert refused and states(wx) == [("wxbot.message", "waiting")] and not ailin.messages

    with wx.session() as session:
        session.execute(update(jobs).values(run_at=0))
    wx.work()
    assert [said.text for said in ailin.messages] == ["二"]


def test_choice_of_a_menu_message_opens_the_short_window(plugin: Plugin, make_wx: Callable[..., Wx]) -> None:
    plugin.message("text")(lambda event: "好")
    wx = make_wx()

    wx.user("ailin").send("text", Content="满意", bizmsgmenuid="101")

    with wx.session() as session:
        kind = session.execute(select(events.c.kind)).scalar_one()
    assert kind == "menu_choice"


def test_list_in_answer_to_a_scan_of_the_phone_is_sent(plugin: Plugin, make_wx: Callable[..., Wx]) -> None:
    plugin.event("scancode_push")(lambda event: ["一", "二"])
    wx = make_wx()
    ailin = wx.user("ailin")

    ailin.push("scancode_push", "key")
    wx.work()

    assert [said.text for said in ailin.messages] == ["二"]
