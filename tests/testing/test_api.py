"""In the test kit, calls to WeChat's API end in the emulated world, and people read what the bot sends."""

import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from wxbot import Plugin, Scan
from wxbot.emulator.rules import Trouble
from wxbot.testing import Wx
from wxbot.wechat.errcodes import ApiError, UnreachableError
from wxbot.wechat.replies import Article, News, Text

SOON = {"callback": {"deadline_seconds": 0.2}}


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What a slow handler waits for; open at the end, so that none is left behind."""
    gate = threading.Event()
    yield gate
    gate.set()


@pytest.fixture
def wx_plugins(gate: threading.Event) -> list[Plugin]:
    plugin = Plugin("slow")

    @plugin.scene("slow")
    def slow(scan: Scan) -> str:
        gate.wait(20)
        return "done"

    @plugin.scene("quick")
    def quick(scan: Scan) -> str:
        return "at once"

    return [plugin]


@pytest.fixture
def wx_settings(request: pytest.FixtureRequest) -> Mapping[str, Any]:
    """Let only those be late who are meant to be."""
    return getattr(request, "param", {})


def test_service_messages_reach_the_person(wx: Wx) -> None:
    ailin, bo = wx.user("ailin"), wx.user("bo")
    ailin.scan("quick")

    wx.api.send_service_message(ailin.openid, Text("您好"))
    wx.api.send_service_message(ailin.openid, News([Article("标题", url="https://a.example")]))

    assert [(said.kind, said.text) for said in ailin.messages] == [("text", "您好"), ("news", "")]
    assert ailin.messages[1].articles[0].title == "标题"
    assert ailin.last_reply.text == "at once"
    assert bo.messages == []


def test_windows_end_with_the_clock_of_the_world(wx: Wx) -> None:
    ailin = wx.user("ailin")
    ailin.scan("quick")
    wx.world.clock.offset_seconds += 60

    with pytest.raises(ApiError) as caught:
        wx.api.send_service_message(ailin.openid, Text("too late"))

    assert caught.value.errcode == 45015
    assert ailin.messages == []


def test_expired_token_is_renewed_on_the_way(wx: Wx) -> None:
    ailin = wx.user("ailin")
    wx.api.user_info(ailin.openid)
    wx.world.tokens.expire_all(wx.world.clock.now())

    assert wx.api.user_info(ailin.openid).is_following
    errcodes = [call.errcode for call in wx.world.ledger.calls("user/info")]
    assert (errcodes, len(wx.world.ledger.calls("stable_token"))) == ([0, 42001, 0], 2)


@pytest.mark.parametrize(
    ("fault", "count"), [("lost", 1), ("reset", 0), ("hang", 0), ("half", 0), ("slow", 0)]
)
def test_network_can_fail_before_or_after_the_act(wx: Wx, *, fault: str, count: int) -> None:
    ailin = wx.user("ailin")
    ailin.scan("quick")
    wx.world.trouble = Trouble(api_faults=(f"message/custom/send={fault}",))

    with pytest.raises(UnreachableError) as caught:
        wx.api.send_service_message(ailin.openid, Text("您好"))

    assert caught.value.was_sent
    assert len(ailin.messages) == count


@pytest.mark.parametrize("wx_settings", [SOON], indirect=True)
def test_late_handler_can_be_waited_for(wx: Wx, gate: threading.Event) -> None:
    wx.user("ailin").scan("slow")
    assert wx.bot.pool.unfinished == 1

    gate.set()
    wx.wait()

    assert wx.bot.pool.unfinished == 0
