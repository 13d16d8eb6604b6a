"""The same scan always gets the same answer, and its handler runs once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from wxbot import Plugin, Scan
from wxbot.events.records import Delivery
from wxbot.testing import Wx
from wxbot.wechat.events import Event
from wxbot.wechat.parse import parse_event

BODY = (
    b"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[o1]]></FromUserName>"
    b"<CreateTime>1700000000</CreateTime><MsgType><![CDATA[event]]></MsgType>"
    b"<Event><![CDATA[SCAN]]></Event><EventKey><![CDATA[code]]></EventKey></xml>"
)


def counting(plugin: Plugin, *, takes_session: bool) -> list[str]:
    """Register a handler for `code` that answers with the number of its run."""
    runs: list[str] = []

    def light(scan: Scan) -> str:
        runs.append(scan.key)
        return f"第 {len(runs)} 次"

    def writing(scan: Scan, session: Session) -> str:
        session.execute(text("INSERT INTO notes VALUES (:word)"), {"word": scan.key})
        return light(scan)

    plugin.scene("code")(writing if takes_session else light)
    return runs


def add_notes(wx: Wx) -> None:
    with wx.session() as session:
        session.execute(text("CREATE TABLE IF NOT EXISTS notes (word TEXT)"))


def notes(wx: Wx) -> list[str]:
    with wx.session() as session:
        return list(session.execute(text("SELECT word FROM notes")).scalars())


@pytest.mark.parametrize("mode", ["safe", "compatible", "plain"])
@pytest.mark.parametrize("takes_session", [False, True])
def test_repeat_gets_the_first_reply(
    plugin: Plugin, make_wx: Callable[..., Wx], mode: str, takes_session: bool
) -> None:
    runs = counting(plugin, takes_session=takes_session)
    wx = make_wx({"accounts": {"default": {"mode": mode}}})
    add_notes(wx)
    bo = wx.user("bo", follows=False)

    first = bo.scan("code")
    again = [bo.redeliver() for _ in range(2)]

    assert first.text == "第 1 次"
    assert [(said.text, said.is_repeat) for said in again] == [("第 1 次", True)] * 2
    assert len(runs) == 1
    assert len(notes(wx)) == (1 if takes_session else 0)


def test_repeat_after_a_restart_gets_the_first_reply(plugin: Plugin, make_wx: Callable[..., Wx]) -> None:
    runs = counting(plugin, takes_session=False)
    event = parse_event(BODY, account="default")

    replies = [answer(make_wx(), event) for _ in range(3)]

    assert replies == ["第 1 次"] * 3
    assert len(runs) == 1


def test_next_scan_of_the_same_person_is_a_new_event(plugin: Plugin, make_wx: Callable[..., Wx]) -> None:
    counting(plugin, takes_session=False)
    bo = make_wx().user("bo")

    assert [bo.scan("code").text, bo.scan("code").text] == ["第 1 次", "第 2 次"]


@pytest.mark.parametrize("takes_session", [False, True])
def test_deliveries_at_the_same_moment_share_one_run(
    plugin: Plugin, make_wx: Callable[..., Wx], takes_session: bool
) -> None:
    runs = counting(plugin, takes_session=takes_session)
    wx = make_wx()
    add_notes(wx)
    event = parse_event(BODY, account="default")

    with ThreadPoolExecutor(12) as threads:
        replies = list(threads.map(lambda _: answer(wx, event), range(12)))

    assert set(replies) == {"第 1 次"}
    assert len(runs) == 1


@pytest.mark.parametrize("takes_session", [False, True])
def test_two_bots_give_one_reply_and_one_effect(
    plugin: Plugin, make_wx: Callable[..., Wx], takes_session: bool
) -> None:
    bots = [make_wx(), make_wx()] if not counting(plugin, takes_session=takes_session) else []
    add_notes(bots[0])
    barrier = threading.Barrier(2)

    for second in range(15):
        event = parse_event(BODY.replace(b"1700000000", str(1700000000 + second).encode()), account="default")

        def deliver(bot: Wx, event: Event = event) -> str:
            barrier.wait()
            return answer(bot, event)

        with ThreadPoolExecutor(2) as threads:
            replies = set(threads.map(deliver, bots))

        assert len(replies) == 1
    assert len(notes(bots[0])) == (15 if takes_session else 0)


def test_session_and_record_are_committed_together(plugin: Plugin, make_wx: Callable[..., Wx]) -> None:
    @plugin.scene("code")
    def handler(scan: Scan, session: Session) -> str:
        session.execute(text("INSERT INTO notes VALUES ('mine')"))
        session.commit()
        raise ValueError("after it was written")

    wx = make_wx()
    add_notes(wx)

    reply = wx.user("bo").scan("code")

    assert reply.text.startswith("抱歉")
    assert notes(wx) == []


def test_broken_flush_counts_as_the_handlers_fault(plugin: Plugin, make_wx: Callable[..., Wx]) -> None:
    @plugin.scene("code")
    def handler(scan: Scan, session: Session) -> str:
        session.execute(text("INSERT INTO no_such_table VALUES (1)"))
        return "不会看到"

    assert make_wx().user("bo").scan("code").text.startswith("抱歉")


def answer(wx: Wx, event: Event) -> str:
    """Deliver a parsed event to a bot's runs and return the text of the reply."""
    reply: Any = wx.bot.answering.runs.answer(Delivery(event=event), arrived=_now())
    return str(reply.content)


def _now() -> float:
    import time  # noqa: PLC0415 - one reading of the clock

    return time.monotonic()


def test_person_with_a_name_longer_than_any_column_is_answered_and_recorded(
    plugin: Plugin, make_wx: Callable[..., Wx]
) -> None:
    runs = counting(plugin, takes_session=False)
    wx = make_wx()
    event = parse_event(BODY.replace(b"[o1]", b"[" + b"o" * 100 + b"]"), account="default")

    said = [answer(wx, event), answer(wx, event)]

    assert said == ["第 1 次", "第 1 次"]
    assert len(runs) == 1 and not wx.bot.outage.is_on


@pytest.mark.postgresql_only
def test_recalls_change_no_setting_of_their_connection(
    plugin: Plugin, make_wx: Callable[[], Wx], monkeypatch: pytest.MonkeyPatch
) -> None:
    wx = make_wx()
    delivery = Delivery(event=parse_event(BODY, account="default"))
    with wx.bot.engine.connect() as connection:
        kind = type(connection.connection.driver_connection)
    changed: list[object] = []
    monkeypatch.setattr(kind, "set_autocommit", lambda _, value: changed.append(value))

    for _ in range(10):
        assert wx.bot.records.recall(delivery).state is None

    assert changed == []
