"""In the test kit, late results, the rest of lists, jobs and observers are done when the test says so."""

import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.lateness import wait_for_handler
from wxbot import Plugin, Scan
from wxbot.db.models import jobs
from wxbot.emulator.rules import Trouble
from wxbot.testing import Wx

SOON = {"callback": {"deadline_seconds": 0.2}}


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What the slow handler waits for; open at the end, so that none is left behind."""
    gate = threading.Event()
    yield gate
    gate.set()


@pytest.fixture
def begun() -> threading.Event:
    """What the slow handler says when it has begun."""
    return threading.Event()


@pytest.fixture
def seen() -> list[str]:
    """What the observer saw."""
    return []


@pytest.fixture
def wx_plugins(gate: threading.Event, begun: threading.Event, seen: list[str]) -> list[Plugin]:
    plugin = Plugin("late")

    @plugin.scene("report", interim="正在生成…")
    def report(scan: Scan) -> str:
        begun.set()
        gate.wait(20)
        return "报告好了"

    @plugin.scene("list")
    def several(scan: Scan) -> list[str]:
        return ["one", "two", "three"]

    @plugin.job
    def notify(openid: str, wechat: Any, key: str) -> None:
        wechat.send_service_message(openid, "unused") if not key else seen.append(f"job {openid}")

    @plugin.scene("order")
    def order(scan: Scan, defer: Any) -> str:
        defer(notify, openid=scan.openid)
        return "ordered"

    @plugin.job(attempts=3)
    def stumble(key: str) -> None:
        seen.append(f"tried {key}")
        raise RuntimeError

    @plugin.scene("stumble")
    def try_it(scan: Scan, defer: Any) -> str:
        defer(stumble)
        return "tried"

    @plugin.on_scan
    def observe(scan: Scan) -> None:
        seen.append(f"scan {scan.scene}")

    return [plugin]


@pytest.fixture
def wx_settings(request: pytest.FixtureRequest) -> Mapping[str, Any]:
    """Let only those be late who are meant to be."""
    return getattr(request, "param", {})


@pytest.mark.parametrize("wx_settings", [SOON], indirect=True)
def test_late_result_arrives_as_a_message(wx: Wx, gate: threading.Event, begun: threading.Event) -> None:
    wait_for_handler(wx, begun)
    ailin = wx.user("ailin")
    ailin.scan("report")
    assert (ailin.last_reply.text, ailin.messages) == ("正在生成…", [])

    gate.set()
    wx.wait()
    done = wx.work()

    assert [said.text for said in ailin.messages] == ["报告好了"]
    assert done >= 1
    assert wx.work() == 0


def test_list_goes_on_with_messages(wx: Wx) -> None:
    ailin = wx.user("ailin")
    ailin.scan("list")

    wx.wait()
    wx.work()

    assert ailin.last_reply.text == "one"
    assert [said.text for said in ailin.messages] == ["two", "three"]


def test_jobs_and_observers_are_done(wx: Wx, seen: list[str]) -> None:
    ailin = wx.user("ailin")
    ailin.scan("order")
    wx.wait()
    assert seen == []

    assert wx.work() == 2

    assert sorted(seen) == [f"job {ailin.openid}", "scan order"]


def test_failed_job_is_tried_again_once_the_clock_was_moved(wx: Wx, seen: list[str]) -> None:
    wx.user("ailin").scan("stumble")
    tried = []
    for seconds in (0, 0, 60, 0, 100 * 365 * 86_400 // 2, 60):
        wx.world.clock.offset_seconds += seconds
        wx.work()
        tried.append(sum(each.startswith("tried") for each in seen))

    assert tried == [1, 1, 2, 2, 3, 3]
    assert len({each for each in seen if each.startswith("tried")}) == 1
    with wx.session() as session:
        assert session.scalars(select(jobs.c.state).where(jobs.c.name == "late.stumble")).all() == ["dead"]


def test_clock_that_went_back_lets_a_failed_job_wait(wx: Wx, seen: list[str]) -> None:
    wx.user("ailin").scan("stumble")
    wx.work()

    wx.world.clock.offset_seconds -= 3600
    wx.work()
    wx.world.clock.offset_seconds += 3500
    wx.work()
    assert sum(each.startswith("tried") for each in seen) == 1
    wx.world.clock.offset_seconds += 160
    wx.work()

    assert sum(each.startswith("tried") for each in seen) == 2


def test_message_that_wechat_refuses_is_not_forgotten(wx: Wx) -> None:
    ailin = wx.user("ailin")
    wx.world.trouble = Trouble(api_faults=("message/custom/send=45015",))
    ailin.scan("list")
    wx.work()
    wx.world.trouble = Trouble()

    ailin.say("hi")
    wx.work()

    assert [said.text for said in ailin.messages] == ["two", "three"]
    with wx.session() as session:
        assert session.scalar(select(func.count()).where(jobs.c.state == "kept")) == 0
