"""Without a database nothing is lost: the spool keeps what comes, and it is worked off afterwards."""

import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from tests.events.settling import BusyError, gone, settle
from wxbot import Plugin, Scan, Text, TextMessage, metrics
from wxbot.db.models import events, followers
from wxbot.events import neighbours, outage, recent, runs
from wxbot.events.recent import Hearing, RecentAnswers
from wxbot.events.records import Delivery
from wxbot.events.spool import Spool, SpoolError
from wxbot.events.spooled import Spooled
from wxbot.testing import Wx
from wxbot.wechat import replies
from wxbot.wechat.parse import parse_event

BODY = (
    b"<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName><CreateTime>1700000000</CreateTime>"
    b"<MsgType>event</MsgType><Event>SCAN</Event><EventKey>code</EventKey></xml>"
)


def test_what_comes_during_an_outage_is_run_once_afterwards(
    plugin: Plugin, make_wx: Callable[..., Wx]
) -> None:
    runs: list[str] = []

    @plugin.scene("code")
    def handler(scan: Scan, session: Session) -> str:
        runs.append(scan.key)
        session.execute(text("INSERT INTO notes VALUES ('written')"))
        return "好"

    wx = make_wx()
    with wx.session() as session:
        session.execute(text("CREATE TABLE notes (word TEXT)"))
    ailin = wx.user("ailin")
    with gone(wx):
        said = [ailin.scan("code").text, ailin.redeliver().text]
    settle(wx)
    afterwards = ailin.redeliver()

    assert set(said) == {"已经收到，系统正在恢复，稍后会为您处理。"}
    assert len(runs) == 1
    assert afterwards.text == said[0]
    assert [message.text for message in ailin.messages] == ["好"]
    with wx.session() as session:
        assert session.execute(text("SELECT count(*) FROM notes")).scalar_one() == 1


def test_worker_leaves_the_spool_as_it_is_until_the_database_answers(
    plugin: Plugin, make_wx: Callable[..., Wx]
) -> None:
    """It meets no events, which would tell it that there is an outage."""
    plugin.scene("code")(lambda scan: "好")
    web, worker = make_wx(), make_wx()
    with gone(web), gone(worker):
        web.user("ailin").scan("code")
        with pytest.raises(OperationalError):
            worker.bot.outage.bring_in()
        waiting = [path.name for path in web.bot.outage.spool.folder.glob("*.jsonl")]
    settle(web)

    assert not worker.bot.outage.is_on
    assert waiting == ["current.jsonl"]


def test_light_reply_that_could_not_be_written_is_kept_with_its_event(
    plugin: Plugin, make_wx: Callable[..., Wx]
) -> None:
    runs: list[str] = []
    plugin.scene("code")(lambda scan: runs.append(scan.key) or "好")
    wx = make_wx()
    ailin = wx.user("ailin")
    with gone(wx, only="INSERT"):
        said = ailin.scan("code")
    settle(wx)

    assert said.text == ailin.redeliver().text == "好"
    assert len(runs) == 1
    assert ailin.messages == []
    with wx.session() as session:
        assert session.execute(select(events.c.state, events.c.outcome)).one() == ("done", "handled")


def test_event_that_was_on_record_already_is_not_run_again(
    plugin: Plugin, make_wx: Callable[..., Wx]
) -> None:
    runs: list[str] = []
    plugin.scene("code")(lambda scan: runs.append(scan.key) or "好")
    wx = make_wx()
    ailin = wx.user("ailin")
    ailin.scan("code")
    with gone(wx):
        ailin.redeliver()
    settle(wx)

    assert ailin.redeliver().text == "好"
    assert len(runs) == 1


def test_late_event_that_only_the_spool_took_is_run_by_the_next_delivery(
    plugin: Plugin, make_wx: Callable[..., Wx]
) -> None:
    """The first run is abandoned: whoever joined it would wait for a result that is never written."""
    go_on = threading.Event()
    plugin.scene("code")(lambda scan: go_on.wait(20) and "好")
    wx = make_wx({"callback": {"deadline_seconds": 0.5}})
    ailin = wx.user("ailin")
    with gone(wx, only="INSERT", error=BusyError):
        said = ailin.scan("code")
        go_on.set()
        wx.wait()
    go_on.clear()
    ailin.redeliver()
    go_on.set()
    wx.wait()
    settle(wx)

    assert said.text == "已经收到，系统正在恢复，稍后会为您处理。"
    assert [message.text for message in ailin.messages] == ["好"]


def test_event_that_nothing_took_is_run_by_the_next_delivery(
    plugin: Plugin, make_wx: Callable[..., Wx], monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    plugin.scene("code")(lambda scan: go_on.wait(20) and "好")
    wx = make_wx({"callback": {"deadline_seconds": 0.5}})
    ailin = wx.user("ailin")
    with gone(wx, only="INSERT", error=BusyError), monkeypatch.context() as patched:
        patched.setattr(Spool, "append", refuse)
        said = ailin.scan("code")
        go_on.set()
        wx.wait()
    go_on.clear()
    ailin.redeliver()
    go_on.set()
    wx.wait()
    settle(wx)

    assert said.status == 503
    assert [message.text for message in ailin.messages] == ["好"]


def test_kept_message_goes_out_also_when_the_next_contact_comes_during_an_outage(
    plugin: Plugin, make_wx: Callable[..., Wx]
) -> None:
    go_on = threading.Event()
    plugin.scene("code", interim="稍等")(lambda scan: go_on.wait(20) and "好")

    @plugin.text("在吗")
    def there(message: TextMessage) -> str:
        return "在"

    wx = make_wx({"callback": {"deadline_seconds": 0.2}})
    ailin = wx.user("ailin")
    ailin.scan("code")
    go_on.set()
    wx.wait()
    with wx.session() as session:  # too late for WeChat
        session.execute(update(events).values(recorded_at=1))
    wx.work()
    before = list(ailin.messages)
    with gone(wx):
        ailin.say("在吗")
    settle(wx)

    assert before == []
    assert sorted(message.text for message in ailin.messages) == ["在", "好"]


def test_event_that_cannot_be_entered_is_kept_aside(plugin: Plugin, make_wx: Callable[..., Wx]) -> None:
    """As after a return to an older version: the person was told that it is recorded."""
    plugin.scene("code")(lambda scan: "好")
    wx = make_wx()
    spool = wx.bot.outage.spool
    with gone(wx):
        wx.user("ailin").scan("code")
        wx.user("bo").scan("code")
    entries: list[Spooled] = []
    spool.import_into(entries.extend)
    spool.append(replace(entries[0], reply={"type": "card"}))
    spool.append(entries[1])
    settle(wx)

    with wx.session() as session:
        assert session.execute(select(events.c.state)).scalars().all() == ["done"]
    (spool.folder / "refused.jsonl").rename(spool.folder / "import-refused.jsonl")
    again: list[Spooled] = []
    spool.import_into(again.extend)
    assert [entry.body for entry in again] == [entries[0].body]


def test_handler_that_changes_the_working_directory_takes_no_spool_away(
    plugin: Plugin, make_wx: Callable[..., Wx], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)
    plugin.scene("code")(lambda scan: os.chdir(elsewhere) or "好")
    wx = make_wx({"spool": {"path": "spool"}})
    ailin = wx.user("ailin")
    ailin.scan("code")
    with gone(wx):
        said = ailin.scan("code")
    size = (tmp_path / "spool" / "current.jsonl").stat().st_size
    settle(wx)

    assert said.text == "已经收到，系统正在恢复，稍后会为您处理。"
    assert size


def refuse(*_: object, **__: object) -> None:
    raise SpoolError("the disk is full")


def test_repeat_during_an_outage_reads_what_was_said_before(
    plugin: Plugin, make_wx: Callable[..., Wx]
) -> None:
    runs: list[str] = []

    @plugin.scene("code")
    def handler(scan: Scan) -> str:
        runs.append(scan.key)
        return f"好 {scan.key}"

    wx = make_wx()
    ailin, bo = wx.user("ailin"), wx.user("bo")
    said = ailin.scan("code").text

    with gone(wx):
        repeated = ailin.redeliver().text
        other = bo.scan("code").text

    assert repeated == said != other
    settle(wx)
    assert ailin.redeliver().text == said
    assert len(runs) == 2


def test_only_who_read_the_recorded_text_counts_as_spooled(
    plugin: Plugin, make_wx: Callable[..., Wx], monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin.scene("code")(lambda scan: "好")
    wx = make_wx()
    ailin, bo = wx.user("ailin"), wx.user("bo")
    before = _spooled()
    with gone(wx, only="INSERT"):
        ailin.scan("code")  # what the handler said is kept and read
    settle(wx)
    with gone(wx):
        bo.scan("code")
        bo.redeliver()
        monkeypatch.setattr(Spool, "append", refuse)
        refused = ailin.scan("other")

    assert (refused.status, _spooled() - before) == (503, 1)


def _spooled() -> float:
    told = re.search(r'^wxbot_fallbacks_total{reason="spooled"} (.*)$', metrics.exposition().decode(), re.M)
    return float(told[1]) if told else 0.0


@pytest.mark.sqlite_only
def test_repeat_at_another_process_reads_the_same_while_only_the_lock_is_taken(
    plugin: Plugin, make_wx: Callable[..., Wx]
) -> None:
    @plugin.scene("code")
    def handler(scan: Scan) -> str:
        return f"好 {scan.key}"

    wx = make_wx()
    ailin, bo = wx.user("ailin"), wx.user("bo")
    said = ailin.scan("code").text
    wx.bot.outage._answers = RecentAnswers()  # as another process has it

    with gone(wx, only="INSERT", error=BusyError):
        other = bo.scan("code").text
        repeated = ailin.redeliver().text

    assert wx.bot.outage.is_on and wx.bot.outage.spool.size().files == 1
    assert repeated == said != other
    settle(wx)


def answer(wx: Wx, body: bytes = BODY) -> str:
    said: Any = wx.bot.runs.answer(
        Delivery(event=parse_event(body, account="default")), arrived=time.monotonic()
    )
    return str(said.content)


@pytest.mark.parametrize("asked", [0, 1])
def test_repeat_between_an_outage_and_its_import_reads_what_was_said(
    plugin: Plugin, make_wx: Callable[..., Wx], monkeypatch: pytest.MonkeyPatch, asked: int
) -> None:
    """At the process that said it, and at another one of the same machine."""
    monkeypatch.setattr(neighbours, "_PATIENCE_SECONDS", 30.0)
    keys: list[str] = []
    plugin.scene("code")(lambda scan: keys.append(scan.openid) or "好")
    both = [make_wx(), make_wx()]
    with gone(both[0]), gone(both[1]):
        said = [answer(both[0]), answer(both[1], BODY.replace(b"o1", b"o2"))]
    give_up_at = time.monotonic() + 30
    while len(list(both[0].bot.outage.spool.folder.glob("*.sock"))) < 2:
        assert time.monotonic() < give_up_at
        time.sleep(0.01)
    with monkeypatch.context() as patched:
        for wx in both:
            patched.setattr(wx.bot.outage, "bring_in", lambda: 0)
            wx.bot.outage._gate.succeeded()
        repeated = answer(both[asked])
        new = answer(both[asked], BODY.replace(b"o1", b"o3"))
    for wx in both:
        settle(wx)

    assert repeated == said[0] != new == "好"
    assert sorted(keys) == ["o1", "o2", "o3"]
    assert answer(both[0]) == said[0]


def test_only_the_latest_answers_are_remembered() -> None:
    answers = RecentAnswers(most=2)
    for number in range(3):
        answers.note(bytes([number]), Text(str(number)))

    assert answers.find(b"\0") is None
    assert answers.find(b"\2") == Text("2")


def test_answers_are_forgotten_when_no_repeat_can_come_any_more() -> None:
    now = [0.0]
    answers = RecentAnswers(monotonic=lambda: now[0])
    for at in (0.0, 40.0, 61.0):
        now[0] = at
        answers.note(str(at).encode(), Text(str(at)))

    assert answers.find(b"0.0") is None
    assert answers.find(b"40.0") == Text("40.0")


def test_slow_query_is_no_silence_while_others_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "SILENCE_SECONDS", 1.0)
    hearing = Hearing()
    long_ago = time.monotonic() - 10
    assert hearing.is_silent(long_ago)

    hearing.heard(None)

    assert not hearing.is_silent(long_ago)


def test_machine_that_stood_still_does_not_take_the_database_for_silent(
    plugin: Plugin, make_wx: Callable[..., Wx], monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin.scene("code")(lambda scan: "好")
    wx = make_wx()
    ailin = wx.user("ailin")
    # As after a halt: all the waiting is over, and the answer is only now to come.
    monkeypatch.setattr(runs, "RECALL_SECONDS", 0.0)
    monkeypatch.setattr(recent, "SILENCE_SECONDS", 0.0)
    monkeypatch.setattr(runs, "SECOND_LOOK_SECONDS", 3.0)
    recall = wx.bot.records.recall
    monkeypatch.setattr(wx.bot.records, "recall", lambda delivery: time.sleep(0.1) or recall(delivery))

    ailin.scan("code")

    assert ailin.last_reply.text == "好"


def test_why_an_outage_began_is_logged_by_the_kind_of_the_error_alone(
    plugin: Plugin, make_wx: Callable[..., Wx], caplog: pytest.LogCaptureFixture
) -> None:
    plugin.scene("code")(lambda scan: "好")
    wx = make_wx()
    ailin = wx.user("ailin")
    with gone(wx):
        ailin.scan("code")
    settle(wx)

    [said] = [record.getMessage() for record in caplog.records if "is out of reach" in record.getMessage()]
    assert "(GoneError)" in said
    assert ailin.openid not in said


@pytest.mark.servers_only
def test_what_the_database_refuses_is_set_aside_and_keeps_nobody_else_from_being_entered(
    plugin: Plugin, make_wx: Callable[..., Wx]
) -> None:
    plugin.scene("code")(lambda scan: "好")
    wx = make_wx()
    people = [wx.user(name, follows=False) for name in ("ailin", "bo")]
    spool = wx.bot.outage.spool
    with gone(wx):
        people[0].scan("code")
        reply = replies.to_data(Text("已收到"))
        # An hour that no column takes; the document may be any.
        spool.append(Spooled(account="default", body=BODY, arrived_at=2**70, reply=reply))
        people[1].scan("code")

    settle(wx)

    with wx.bot.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(events)).scalar_one() == 2
    assert spool.size().bytes == 0
    assert (spool.folder / "refused.jsonl").stat().st_size


@pytest.mark.servers_only
def test_who_is_held_by_others_keeps_nobody_else_in_the_spool(
    plugin: Plugin, make_wx: Callable[..., Wx], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[str] = []
    plugin.scene("code")(lambda scan: runs.append(scan.openid) or "好")
    wx = make_wx()
    people = [wx.user(name) for name in ("ailin", "bo", "chen", "dai")]
    for person in people:
        person.scan("code")
    monkeypatch.setattr(outage, "_MOST_HELD", 2)
    with gone(wx):
        for person in people:
            person.scan("code")
    ours = followers.c.openid.in_([person.openid for person in people[:2]])

    with wx.bot.engine.connect() as holder:
        holder.execute(update(followers).where(ours).values(kept_messages=0))
        wx.bot.outage._gate.succeeded()
        give_up_at = time.monotonic() + 30
        while entered(wx) < 4 + 2:
            assert time.monotonic() < give_up_at
            wx.bot.outage.bring_in()
        assert wx.bot.outage.spool.size().bytes
    settle(wx)

    assert entered(wx) == 4 + 4
    assert sorted(runs) == sorted([person.openid for person in people] * 2)


def entered(wx: Wx) -> int:
    with wx.bot.engine.connect() as connection:
        return connection.execute(select(func.count()).where(events.c.kind == "scan")).scalar_one()


def test_pages_and_api_are_told_at_once_that_the_database_is_away(make_wx: Callable[..., Wx]) -> None:
    wx = make_wx()
    client = wx.app.test_client()
    with gone(wx):
        wx.user("ailin").scan("code")
        page, api = client.get("/admin/login"), client.get("/api/v1/followers")
        head = client.head("/q/code")
        others = [client.get(path).status_code for path in ("/healthz", "/readyz", "/metrics", "/wechat")]
    settle(wx)

    assert "请过一会儿再试" in page.text and "try again" in page.text and head.text == ""
    assert (api.content_type, api.json["code"]) == ("application/problem+json", "database")
    assert {(each.status_code, each.headers["Retry-After"]) for each in (page, api, head)} == {(503, "5")}
    assert others == [200, 200, 200, 403]
    assert (
        client.get("/admin/login").status_code != 503 and client.get("/api/v1/followers").status_code == 401
    )


@pytest.mark.sqlite_only
def test_pages_are_there_while_only_the_lock_is_taken(make_wx: Callable[..., Wx]) -> None:
    wx = make_wx()
    with gone(wx, only="INSERT", error=BusyError):
        wx.user("ailin").scan("code")
        is_on, status = wx.bot.outage.is_on, wx.app.test_client().get("/api/v1/followers").status_code
    settle(wx)

    assert is_on and status == 401
