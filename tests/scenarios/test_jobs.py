"""Plugins whose work is done later: from the scan through the worker to the phone."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from wxbot import ApiClient, Defer, Plugin, Scan, Text, scene_for
from wxbot.testing import Wx

shop = Plugin("shop")
seen: list[str] = []


@pytest.fixture(autouse=True)
def nothing_seen() -> None:
    """Begin with an empty list."""
    seen.clear()


@pytest.fixture
def wx_plugins() -> list[Plugin]:
    """Mount the plugin of this module."""
    return [shop]


@shop.job
def note(text: str, key: str) -> None:
    """Note what was handed over, and where the next scan leads."""
    seen.append(f"{text} {key} {scene_for('shop.order', number=5)}")


@shop.job(attempts=1)
def leave() -> None:
    """Try to take the worker along."""
    raise KeyboardInterrupt


@shop.job
def chain(openid: str, defer: Defer, wechat: ApiClient) -> None:
    """Send a message, and defer another job."""
    wechat.send_service_message(openid, Text("from a job"))
    defer(note, text="from a job")


@shop.scene("order:<int:number>")
def order(scan: Scan, number: int, defer: Defer) -> str:
    """Defer a job, or what cannot be one."""
    jobs: dict[int, Callable[[], None]] = {
        1: lambda: defer(note, text="一"),
        2: lambda: defer(order, number=2),
        3: lambda: defer(leave),
        4: lambda: defer(chain, openid=scan.openid),
    }
    jobs[number]()
    return "ordered"


@shop.scene("broken")
def broken(scan: Scan, session: Session, defer: Defer) -> str:
    """Defer, and fail."""
    defer(note, text="never")
    raise LookupError


@shop.scene("tour")
def tour(scan: Scan) -> list[str]:
    """Answer with three texts."""
    return ["first", "second", "third"]


@shop.on_scan
def observe(scan: Scan, follower: object) -> None:
    """Note every scan."""
    seen.append(f"scan {scan.scene}")


def test_job_is_done_once_after_the_answer(wx: Wx) -> None:
    ailin = wx.user("ailin")

    reply = ailin.scan("order:1")
    ailin.redeliver()
    before = list(seen)
    wx.work()
    wx.work()

    assert (reply.text, before) == ("ordered", [])
    assert [text.split()[::2] for text in seen if text.startswith("一")] == [["一", "order:5"]]
    assert wx.runs("shop.note") == 1


def test_what_is_no_job_makes_the_handler_fail(wx: Wx, caplog: pytest.LogCaptureFixture) -> None:
    reply = wx.user("ailin").scan("order:2")

    assert reply.text.startswith("抱歉")
    assert "order is no job of a mounted plugin: put @plugin.job on it" in caplog.text


def test_job_of_a_failed_handler_is_not_kept(wx: Wx) -> None:
    wx.user("ailin").scan("broken")
    wx.work()

    assert seen == ["scan broken"]


def test_job_cannot_take_its_worker_along(wx: Wx) -> None:
    ailin = wx.user("ailin")
    ailin.scan("order:3")
    ailin.scan("order:1")

    wx.work()

    assert (wx.runs("shop.leave"), wx.runs("shop.note")) == (1, 1)


def test_job_sends_messages_and_defers_jobs(wx: Wx) -> None:
    ailin = wx.user("ailin")
    ailin.scan("order:4")

    wx.work()
    wx.work()

    assert [message.text for message in ailin.messages] == ["from a job"]
    assert wx.runs("shop.note") == 1


def test_list_arrives_as_answer_and_messages_in_order(wx: Wx) -> None:
    ailin = wx.user("ailin")

    reply = ailin.scan("tour")
    wx.work()

    assert reply.text == "first"
    assert [message.text for message in ailin.messages] == ["second", "third"]


def test_observer_is_told_of_every_scan_once(wx: Wx) -> None:
    ailin = wx.user("ailin")
    for scene in ("tour", "nobody's"):
        ailin.scan(scene)
    ailin.redeliver()

    wx.work()

    assert sorted(seen) == ["scan nobody's", "scan tour"]
