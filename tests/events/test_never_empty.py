"""Whatever a handler does, the person reads something sensible, and the next scan is unaffected."""

import asyncio
import gc
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select

from wxbot import Plugin, Scan
from wxbot.db.models import events
from wxbot.testing import Wx


async def _answer_later() -> str:
    await asyncio.sleep(0)
    return "答复"


async def _answer_nothing() -> None:
    await asyncio.sleep(0)


def answer_next(scan: Scan) -> str:
    return "下一位"


def _words() -> Iterator[str]:
    yield "答复"


class Thing:
    """An object of a class of nobody's."""


@pytest.mark.parametrize(
    "value",
    [None, "", " ", "\u200b\n", 5, 0, True, {}, {"text": "x"}, [], b"x", Thing(), Thing, object, ("a", "b")],
    ids=lambda value: (
        f"{type(value).__name__}-{value}" if isinstance(value, str | int) else type(value).__name__
    ),
)
def test_useless_result_becomes_the_fallback(plugin: Plugin, make_wx: Callable[[], Wx], value: Any) -> None:
    plugin.scene("code")(lambda scan: value)
    plugin.scene("next")(answer_next)
    wx = make_wx()
    bo = wx.user("bo")

    reply = bo.scan("code")

    assert reply.text.startswith("抱歉")
    assert bo.scan("next").text == "下一位"


@pytest.mark.parametrize("make", [_answer_nothing, _words], ids=["coroutine", "generator"])
def test_useless_machinery_becomes_the_fallback(
    plugin: Plugin, make_wx: Callable[[], Wx], make: Callable[[], object]
) -> None:
    plugin.scene("code")(lambda scan: make())
    bo = make_wx().user("bo")

    assert bo.scan("code").text.startswith("抱歉")


def test_coroutine_is_run_to_its_end(plugin: Plugin, make_wx: Callable[[], Wx]) -> None:
    @plugin.scene("async")
    async def handler(scan: Scan) -> str:
        return await _answer_later()

    plugin.scene("returned")(lambda scan: _answer_later())
    bo = make_wx().user("bo")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert bo.scan("async").text == "答复"
        assert bo.scan("returned").text == "答复"
        gc.collect()


@pytest.mark.parametrize(
    "error",
    [Exception, ValueError, SystemExit, KeyboardInterrupt, GeneratorExit, RecursionError, MemoryError],
)
def test_raising_handler_becomes_the_fallback(
    plugin: Plugin, make_wx: Callable[[], Wx], error: type[BaseException]
) -> None:
    @plugin.scene("code")
    def handler(scan: Scan) -> str:
        raise error("o-secret-detail")

    plugin.scene("next")(answer_next)
    wx = make_wx()
    bo = wx.user("bo")

    reply = bo.scan("code")

    assert reply.text.startswith("抱歉")
    assert "secret" not in reply.xml
    assert bo.scan("next").text == "下一位"


def test_endless_recursion_becomes_the_fallback(plugin: Plugin, make_wx: Callable[[], Wx]) -> None:
    @plugin.scene("code")
    def handler(scan: Scan) -> str:
        return handler(scan)

    assert make_wx().user("bo").scan("code").text.startswith("抱歉")


def test_error_handler_answers_for_its_class(plugin: Plugin, make_wx: Callable[[], Wx]) -> None:
    class GoneError(Exception):
        pass

    @plugin.scene("code")
    def handler(scan: Scan) -> str:
        raise GoneError

    @plugin.errorhandler(GoneError)
    def gone(scan: Scan, error: GoneError) -> str:
        return "已经没有了"

    assert make_wx().user("bo").scan("code").text == "已经没有了"


def test_failing_error_handler_becomes_the_fallback(plugin: Plugin, make_wx: Callable[[], Wx]) -> None:
    @plugin.scene("code")
    def handler(scan: Scan) -> str:
        raise ValueError

    @plugin.errorhandler(ValueError)
    def broken(scan: Scan, error: ValueError) -> str:
        raise SystemExit

    assert make_wx().user("bo").scan("code").text.startswith("抱歉")


def test_plugins_fallback_comes_before_the_settings_text(plugin: Plugin, make_wx: Callable[[], Wx]) -> None:
    plugin.scene("code")(lambda scan: None)

    @plugin.fallback
    def instead(scan: Scan) -> str:
        return "备用答复"

    bo = make_wx().user("bo")

    assert bo.scan("code").text == "备用答复"
    assert bo.scan("nobody").text == "备用答复"


def test_long_text_is_clipped_not_lost(plugin: Plugin, make_wx: Callable[[], Wx]) -> None:
    plugin.scene("code")(lambda scan: "汉" * 5000)

    reply = make_wx().user("bo").scan("code")

    assert reply.kind == "text"
    assert 2000 < len(reply.text.encode()) <= 2048


def test_hostile_text_stays_text(plugin: Plugin, make_wx: Callable[[], Wx]) -> None:
    hostile = "a]]></Content><ToUserName><![CDATA[oVICTIM]]></ToUserName>\x00\x0b\ufffe"
    plugin.scene("code")(lambda scan: hostile)

    reply = make_wx().user("bo").scan("code")

    assert reply.text.startswith("a]]></Content><ToUserName>")


@pytest.mark.parametrize("name", ["VIEW", "LOCATION", "SomethingNew"])
def test_events_without_a_visible_reply_are_acknowledged(
    plugin: Plugin, make_wx: Callable[[], Wx], name: str
) -> None:
    reply = make_wx().user("bo").push(name, Latitude="23.1", Longitude="113.3", Precision="40", MenuId="1")

    assert (reply.kind, reply.status) == ("nothing", 200)


def test_unfollow_is_acknowledged_whatever_its_handler_says(
    plugin: Plugin, make_wx: Callable[[], Wx]
) -> None:
    seen: list[str] = []

    @plugin.on_unfollow
    def left(event: object) -> str:
        seen.append("left")
        return "别走"

    reply = make_wx().user("bo").unfollow()

    assert (reply.kind, reply.status, seen) == ("nothing", 200, ["left"])


def test_strangers_code_that_nobody_knows_welcomes(plugin: Plugin, make_wx: Callable[[], Wx]) -> None:
    assert make_wx().user("bo", follows=False).scan("nobody").text.startswith("欢迎")


@pytest.mark.parametrize("where", ["scene", "text"])
def test_errors_text_cannot_forge_a_log_line(
    plugin: Plugin, make_wx: Callable[[], Wx], caplog: pytest.LogCaptureFixture, where: str
) -> None:
    forged = "x\n2026-01-01 00:00:00,000 INFO wxbot: FORGED\x1b[31m" + "y" * 100_000

    def fail(event: Any) -> str:
        raise ValueError(forged + event.openid)

    plugin.scene("code")(fail) if where == "scene" else plugin.text("code")(fail)
    bo = make_wx().user("bo")

    bo.scan("code") if where == "scene" else bo.say("code")

    assert "\x1b" not in caplog.text
    assert not any(line.startswith("2026-01-01") for line in caplog.text.splitlines())
    assert len(caplog.text) < 5_000
    assert bo.openid not in caplog.text


def test_error_whose_text_cannot_be_had_is_logged_all_the_same(
    plugin: Plugin, make_wx: Callable[[], Wx], caplog: pytest.LogCaptureFixture
) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise SystemExit

    @plugin.scene("code")
    def handler(scan: Scan) -> str:
        raise Mute

    assert make_wx().user("bo").scan("code").text.startswith("抱歉")
    assert "Mute" in caplog.text


def test_record_keeps_no_more_than_can_be_sent(plugin: Plugin, make_wx: Callable[[], Wx]) -> None:
    plugin.scene("code")(lambda scan: "x" * 10_000_000)
    wx = make_wx()
    wx.user("bo").scan("code")

    with wx.session() as session:
        (kept,) = session.execute(select(events.c.reply)).scalars()

    assert len(kept) < 3_000
