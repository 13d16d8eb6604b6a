"""A handler that misses the deadline: the person reads the interim text, every time, and nothing is lost."""

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.event import listen
from sqlalchemy.orm import Session

from tests.lateness import wait_for_handler
from wxbot import Plugin, Scan, Text, TextMessage, Transfer
from wxbot.db.guard import guarded
from wxbot.db.models import events
from wxbot.events.records import Delivery
from wxbot.events.takeover import take_over_lost
from wxbot.testing import Wx
from wxbot.wechat.events import Event
from wxbot.wechat.parse import parse_event
from wxbot.wechat.replies import Reply

SOON = {"callback": {"deadline_seconds": 0.2}}


def fine(scan: Scan) -> str:
    return "很好"


def rows(wx: Wx) -> list[tuple[str, str, str]]:
    with wx.session() as session:
        found = session.execute(select(events.c.scene, events.c.state, events.c.outcome))
        return [tuple(row) for row in found]


def wait_until_done(wx: Wx, scene: str) -> None:
    give_up_at = time.monotonic() + 10
    while (scene, "done", "late") not in rows(wx):
        assert time.monotonic() < give_up_at, rows(wx)
        time.sleep(0.02)


@pytest.mark.parametrize("takes_session", [False, True])
def test_late_reply_never_replaces_what_was_said(
    plugin: Plugin, make_wx: Callable[..., Wx], takes_session: bool
) -> None:
    go_on = threading.Event()

    def light(scan: Scan) -> str:
        go_on.wait(10)
        return "太晚了"

    def writing(scan: Scan, session: Session) -> str:
        go_on.wait(10)
        session.execute(text("INSERT INTO notes VALUES ('written')"))
        return "太晚了"

    plugin.scene("slow")(writing if takes_session else light)
    wx = make_wx(SOON)
    with wx.session() as session:
        session.execute(text("CREATE TABLE notes (word TEXT)"))
    bo = wx.user("bo")

    first = bo.scan("slow")
    meanwhile = bo.redeliver()
    go_on.set()
    wait_until_done(wx, "slow")
    afterwards = bo.redeliver()

    assert first.text.startswith("正在为您处理")
    assert meanwhile.text == afterwards.text == first.text
    with wx.session() as session:
        written = session.execute(text("SELECT count(*) FROM notes")).scalar_one()
    assert written == (1 if takes_session else 0)


@pytest.mark.parametrize("interim", [None, "请稍等"])
@pytest.mark.parametrize(
    ("behind", "read"),
    [
        ([], ["抱歉，这次没能处理成功。请稍后再试一次；如果着急，可以直接在这里留言。"]),
        ([Text("客服九点上班。")], ["客服九点上班。"]),
    ],
)
def test_hand_over_that_is_too_late_leads_the_person_on(
    plugin: Plugin,
    make_wx: Callable[..., Wx],
    caplog: pytest.LogCaptureFixture,
    interim: str | None,
    behind: list[Reply],
    read: list[str],
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    @plugin.text("人工", interim=interim)
    def agent(message: TextMessage) -> list[Reply]:
        begun.set()
        go_on.wait(20)
        return [Transfer(), *behind]

    wx = make_wx(SOON)
    wait_for_handler(wx, begun)
    ailin = wx.user("ailin")

    first = ailin.say("人工")
    go_on.set()
    wx.wait()
    wx.work()

    assert first.text.startswith(interim or "正在为您处理")
    assert [said.text for said in ailin.messages] == read
    lines = [each.getMessage() for each in caplog.records if each.name == "wxbot.events.followups"]
    assert lines == ["handler test.agent was too late to hand the person over to customer service"]


def test_handler_that_never_returns_leaves_others_alone(plugin: Plugin, make_wx: Callable[..., Wx]) -> None:
    for_ever = threading.Event()
    plugin.scene("hung")(lambda scan: for_ever.wait() and "")
    plugin.scene("fine")(fine)
    wx = make_wx(SOON)

    hung = [wx.user(f"bo {number}").scan("hung").text for number in range(3)]

    assert all(said.startswith("正在为您处理") for said in hung)
    wx.bot.runs._deadline_seconds = 60.0
    assert wx.user("ailin").scan("fine").text == "很好"
    for_ever.set()


def test_repeat_of_a_hung_scan_does_not_wait_for_it_again(plugin: Plugin, make_wx: Callable[..., Wx]) -> None:
    for_ever = threading.Event()
    plugin.scene("hung")(lambda scan: for_ever.wait() and "")
    wx = make_wx({"callback": {"deadline_seconds": 2.9}})
    event = parse_event(SCAN.replace(b"slow", b"hung"), account="default")
    first = said_by(wx, event)

    # Enough repeats that waiting for each would outlast the limit of any test.
    repeats = {said_by(wx, event) for _ in range(70)}
    for_ever.set()

    assert repeats == {first}


def test_full_pool_answers_with_the_fallback(plugin: Plugin, make_wx: Callable[..., Wx]) -> None:
    for_ever = threading.Event()
    plugin.scene("hung")(lambda scan: for_ever.wait() and "")
    wx = make_wx({"callback": {"deadline_seconds": 0.1}, "handlers": {"threads": 1}})

    said = [wx.user(f"bo {number}").scan("hung").text for number in range(5)]
    wx.bot.runs._deadline_seconds = 60.0
    refused = wx.user("ailin").scan("hung").text
    for_ever.set()

    assert said[0].startswith("正在为您处理")
    assert refused.startswith("抱歉")


def test_event_that_waits_too_long_in_the_queue_is_answered_and_still_runs(
    plugin: Plugin, make_wx: Callable[..., Wx]
) -> None:
    go_on, ran = threading.Event(), threading.Event()
    plugin.scene("hung")(lambda scan: go_on.wait(10) and "")

    @plugin.scene("queued")
    def queued(scan: Scan, session: Session) -> str:
        ran.set()
        return "到了"

    wx = make_wx({"callback": {"deadline_seconds": 0.1}, "handlers": {"threads": 1}})
    wx.user("bo").scan("hung")

    reply = wx.user("ailin").scan("queued")
    go_on.set()

    assert reply.text.startswith("正在为您处理")
    assert ran.wait(10)
    wait_until_done(wx, "queued")


@pytest.mark.sqlite_only
@pytest.mark.write_bound
def test_writer_that_sleeps_is_fenced_and_answered(plugin: Plugin, make_wx: Callable[..., Wx]) -> None:
    @plugin.scene("greedy")
    def greedy(scan: Scan, session: Session) -> str:
        session.execute(text("INSERT INTO notes VALUES ('never')"))
        driver, give_up_at = guarded(session.connection()), time.monotonic() + 20
        while not driver.is_fenced and time.monotonic() < give_up_at:
            time.sleep(0.02)
        return "写完了"

    plugin.scene("fine")(fine)
    wx = make_wx()
    with wx.session() as session:
        session.execute(text("CREATE TABLE notes (word TEXT)"))

    reply = wx.user("bo").scan("greedy")

    assert reply.text.startswith("抱歉")
    assert wx.user("ailin").scan("fine").text == "很好"
    with wx.session() as session:
        assert session.execute(text("SELECT count(*) FROM notes")).scalar_one() == 0


@pytest.mark.sqlite_only
def test_writer_that_ends_just_after_the_deadline_is_not_kept_from_it(
    plugin: Plugin, make_wx: Callable[..., Wx]
) -> None:
    @plugin.scene("close")
    def close(scan: Scan, session: Session) -> str:
        session.execute(text("INSERT INTO notes VALUES ('written')"))
        time.sleep(0.4)
        return "写完了"

    wx = make_wx(SOON)
    with wx.session() as session:
        session.execute(text("CREATE TABLE notes (word TEXT)"))
    bo = wx.user("bo")

    reply = bo.scan("close")

    assert reply.status == 200
    assert bo.redeliver().text == reply.text
    with wx.session() as session:
        assert session.execute(text("SELECT count(*) FROM notes")).scalar_one() == 1


def test_repeat_reads_what_another_process_has_said(plugin: Plugin, make_wx: Callable[..., Wx]) -> None:
    started, go_on = threading.Event(), threading.Event()

    @plugin.scene("slow")
    def slow(scan: Scan, session: Session) -> str:
        started.set()
        go_on.wait(20)
        return "结果"

    patient, hasty = make_wx(), make_wx(SOON)
    event = parse_event(SCAN, account="default")

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(said_by, patient, event)
        assert started.wait(20)
        second = said_by(hasty, event)
        go_on.set()
        replies = {first.result(), second, said_by(patient, event), said_by(hasty, event)}

    assert len(replies) == 1
    assert replies.pop().startswith("正在为您处理")


@pytest.mark.parametrize("holders", [1, 3])
def test_innocent_scans_outlive_a_handler_that_holds_the_lock(
    plugin: Plugin, make_wx: Callable[..., Wx], holders: int
) -> None:
    holding = threading.Barrier(holders + 1)

    @plugin.scene("holder")
    def holder(scan: Scan, session: Session) -> str:
        holding.wait(10)
        session.execute(text("INSERT INTO notes VALUES ('held')"))
        time.sleep(0.9 / holders)
        return "写好了"

    plugin.scene("fine")(fine)
    wx = make_wx()
    with wx.session() as session:
        session.execute(text("CREATE TABLE notes (word TEXT)"))
    people = [wx.user(f"holder {number}") for number in range(holders)]
    innocent = [wx.user(f"innocent {number}") for number in range(6)]

    with ThreadPoolExecutor(12) as threads:
        held = [threads.submit(person.scan, "holder") for person in people]
        holding.wait(10)
        scanned = [threads.submit(person.scan, "fine") for person in innocent]
        statuses = [each.result().status for each in (*held, *scanned)]

    assert statuses == [200] * (holders + 6)


SCAN = (
    b"<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName><CreateTime>1700000000</CreateTime>"
    b"<MsgType>event</MsgType><Event>SCAN</Event><EventKey>slow</EventKey></xml>"
)


def said_by(wx: Wx, event: Event) -> str:
    reply: Any = wx.bot.answering.runs.answer(Delivery(event=event), arrived=time.monotonic())
    return str(reply.content)


@pytest.mark.servers_only
def test_run_that_another_process_was_faster_with_is_not_watched(
    plugin: Plugin, make_wx: Callable[..., Wx]
) -> None:
    def handler(scan: Scan, session: Session) -> str:
        return "好"

    plugin.scene("slow")(handler)
    faster, slower = make_wx(), make_wx()
    pushed = parse_event(SCAN, account="default")
    said: list[str] = []

    def overtake(_connection: object, _cursor: object, sql: str, *_: object) -> None:
        if sql.startswith("INSERT") and not said:
            said.append("")
            said[0] = said_by(faster, pushed)

    listen(slower.bot.engine, "before_cursor_execute", overtake)

    assert said_by(slower, pushed) == said[0] == "好"
    assert not slower.bot.runs.watch._held


def test_process_that_ends_lets_late_handlers_end(plugin: Plugin, make_wx: Callable[..., Wx]) -> None:
    go_on = threading.Event()

    @plugin.scene("slow")
    def slow(scan: Scan, session: Session) -> str:
        go_on.wait(20)
        return "结果"

    wx = make_wx(SOON)
    wx.user("ailin").scan("slow")

    threading.Timer(0.5, go_on.set).start()
    wx.bot.runs.watch.close(patience_seconds=20)

    assert rows(wx) == [("slow", "done", "late")]


def test_process_that_ends_leaves_what_hangs_to_the_worker(
    plugin: Plugin, make_wx: Callable[..., Wx]
) -> None:
    go_on = threading.Event()
    runs: list[str] = []

    @plugin.scene("slow")
    def slow(scan: Scan, session: Session) -> str:
        runs.append(scan.key)
        if len(runs) == 1:
            go_on.wait(10)
        return "结果"

    wx = make_wx(SOON)
    ailin = wx.user("ailin")
    ailin.scan("slow")
    wx.bot.runs.watch.close(patience_seconds=0.1)
    time.sleep(1.1)  # leases are counted in whole seconds

    taken = take_over_lost(wx.bot.engine)
    wx.work()
    go_on.set()
    wx.wait()

    assert len(taken) == 1 and len(runs) == 2
    assert [message.text for message in ailin.messages] == ["结果"]
    assert rows(wx) == [("slow", "done", "late")]


def test_lease_that_is_too_long_to_be_one_is_lost(plugin: Plugin, make_wx: Callable[..., Wx]) -> None:
    @plugin.scene("slow")
    def slow(scan: Scan, session: Session) -> str:
        return "结果"

    wx = make_wx()
    wx.user("ailin").scan("slow")
    an_hour_later = int(time.time()) + 3600  # by a clock that was put back since
    with wx.session() as session:
        session.execute(update(events).values(state="late", lease_until=an_hour_later))

    assert len(take_over_lost(wx.bot.engine)) == 1


def test_handler_cannot_lower_the_recursion_limit(plugin: Plugin, make_wx: Callable[..., Wx]) -> None:
    before = sys.getrecursionlimit()

    @plugin.scene("code")
    def deep(scan: Scan) -> str:
        sys.setrecursionlimit(80)
        return "好"

    wx = make_wx()

    assert wx.user("ailin").scan("code").text == "好"
    assert sys.getrecursionlimit() == before
