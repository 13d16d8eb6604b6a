"""The watch over runs that take long: who may be slow is left alone, who hangs is given up."""

import threading
from collections.abc import Callable

import pytest

from tests.lateness import wait_for_calls
from wxbot import Plugin
from wxbot.events.watch import SLOW_SECONDS, STUCK_SECONDS
from wxbot.scenes.breaker import CROWD, PROBE_SECONDS
from wxbot.testing import User, Wx

SOON = {"callback": {"deadline_seconds": 0.2}, "handlers": {"threads": 8}}
HALF = 4  # of the threads: what handlers with an interim text may have


def grow_old(wx: Wx, seconds: float) -> None:
    """Let everything that runs have been running for so much longer."""
    for seat in wx.bot.pool._seats:
        if seat.since is not None:
            seat.since -= seconds
    for run in wx.bot.runs._running.values():
        run.began_at -= seconds
        run.called_at = None if run.called_at is None else run.called_at - seconds
    for record in wx.bot.runs.breaker._records.values():
        record.running = [since - seconds for since in record.running]


def handlers_in_readyz(wx: Wx) -> str:
    """Return what `/readyz` says of the handlers."""
    with wx.app.test_client() as client:
        checks = (client.get("/readyz").json or {})["checks"]
    detail: str = checks["handlers"]["detail"]
    return detail


@pytest.fixture
def go_on() -> threading.Event:
    return threading.Event()


@pytest.fixture
def wx(plugin: Plugin, make_wx: Callable[..., Wx], go_on: threading.Event) -> Wx:
    """Return a bot whose handler may be slow, and is until it is told to go on."""
    plugin.scene("report", interim="稍等")(lambda scan: go_on.wait(30) and "好")
    wx = make_wx(SOON)
    wait_for_calls(wx)
    return wx


def scan_all(wx: Wx) -> list[User]:
    """Let as many people scan as may at once."""
    people = [wx.user(f"p{number}", follows=False) for number in range(HALF)]
    assert [person.scan("report").text for person in people] == ["稍等"] * HALF
    return people


def test_burst_of_handlers_that_may_be_slow_is_not_taken_for_stuck(wx: Wx, go_on: threading.Event) -> None:
    exhausted: list[bool] = []
    wx.bot.runs.watch.on_exhausted = lambda: exhausted.append(True)
    people = scan_all(wx)

    grow_old(wx, (STUCK_SECONDS + SLOW_SECONDS) / 2)
    wx.bot.runs.watch.look()
    told = handlers_in_readyz(wx)
    go_on.set()
    wx.wait()
    wx.work()

    assert not exhausted and told == "ok"
    assert [[message.text for message in person.messages] for person in people] == [["好"]] * HALF


def test_handlers_that_are_too_slow_are_stuck(wx: Wx, go_on: threading.Event) -> None:
    exhausted: list[bool] = []
    wx.bot.runs.watch.on_exhausted = lambda: exhausted.append(True)
    scan_all(wx)

    grow_old(wx, SLOW_SECONDS + 1)
    wx.bot.runs.watch.look()
    told = handlers_in_readyz(wx)
    go_on.set()

    assert exhausted and told == f"{HALF} do not return"


def test_handler_that_no_longer_hangs_is_taken_back_although_its_threads_are_lost(
    plugin: Plugin, make_wx: Callable[..., Wx], go_on: threading.Event
) -> None:
    hanging = [True]
    plugin.scene("code")(lambda scan: (go_on.wait(30) if hanging else True) and "好")
    wx = make_wx(SOON | {"handlers": {"threads": 32, "give_up_seconds": 60}})
    wait_for_calls(wx)
    breaker = wx.bot.runs.breaker
    for number in range(CROWD):
        wx.user(f"p{number}", follows=False).scan("code")
    grow_old(wx, 61)
    wx.bot.runs.watch.look()
    hanging.clear()
    wx.bot.runs._deadline_seconds = 60

    [record] = breaker._records.values()
    record.probed_at -= PROBE_SECONDS
    said = [wx.user("ailin").scan("code").text]
    record.returned_at -= 2
    said.append(wx.user("bo").scan("code").text)
    go_on.set()

    assert said == ["好", "好"]
