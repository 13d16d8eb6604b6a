"""The windows of service messages: what opens one, its end and count, and how several come together."""

from typing import Any

import pytest

from wxbot.emulator import wire
from wxbot.emulator.refusals import Refusal
from wxbot.emulator.rules import Rules
from wxbot.emulator.windows import Trigger, Windows, trigger_of
from wxbot.emulator.wire import Element, Push

HOURS_48 = 172800


def sent(windows: Windows, *, now: float, rules: Rules | None = None) -> list[int]:
    """Send until WeChat refuses; return the number of messages and the error code."""
    count = 0
    while True:
        try:
            windows.take(now=now, rules=rules or Rules())
        except Refusal as refusal:
            return [count, refusal.errcode]
        count += 1


def opened(*triggers: Trigger, rules: Rules | None = None) -> Windows:
    """Return windows that these gestures opened, ten seconds apart from each other."""
    windows = Windows()
    for index, trigger in enumerate(triggers):
        windows.open(trigger, now=10 * index, rules=rules or Rules())
    return windows


@pytest.mark.parametrize(
    ("trigger", "seconds", "count"),
    [("message", HOURS_48, 5), ("follow", 60, 3), ("scan", 60, 3), ("tap", 60, 3)],
)
def test_window_has_an_end_and_a_count(trigger: Trigger, seconds: int, count: int) -> None:
    assert sent(opened(trigger), now=seconds - 1) == [count, 45047]
    assert sent(opened(trigger), now=seconds) == [0, 45015]


def test_without_a_window_it_is_too_late() -> None:
    assert sent(Windows(), now=0) == [0, 45015]


def test_each_gesture_opens_a_window_of_its_own() -> None:
    assert sent(opened("scan", "scan", "message"), now=20) == [11, 45047]


def test_message_takes_from_the_window_that_ends_first() -> None:
    windows = opened("message", "scan")

    for _ in range(3):
        windows.take(now=20, rules=Rules())

    assert sent(windows, now=100) == [5, 45047]


def test_other_order_takes_from_the_window_that_ends_last() -> None:
    windows, rules = opened("message", "scan"), Rules(window_used="ends_last")

    for _ in range(3):
        windows.take(now=20, rules=rules)

    assert sent(windows, now=100) == [2, 45047]


@pytest.mark.parametrize(
    ("how", "counts"),
    [("each", [5, 3, 0]), ("renewed", [3, 3, 0]), ("extended", [2, 2, 0]), ("newest", [3, 3, 0])],
)
def test_second_scan_after_one_message(how: Any, counts: list[int]) -> None:
    rules = Rules(windows=how)

    def after_one_message() -> Windows:
        windows = opened("scan", rules=rules)
        windows.take(now=0, rules=rules)
        windows.open("scan", now=10, rules=rules)
        return windows

    # With both windows open, after the end of the first, after the end of the second.
    assert [sent(after_one_message(), now=now)[0] for now in (10, 60, 70)] == counts


def test_newest_gesture_alone_may_matter() -> None:
    windows = opened("message", "scan", rules=Rules(windows="newest"))

    assert sent(windows, now=100) == [0, 45015]


def test_times_and_counts_can_be_changed() -> None:
    rules = Rules(message_window_count=20, touch_window_seconds=6.0)

    assert sent(opened("message", rules=rules), now=0) == [20, 45047]
    assert sent(opened("scan", rules=rules), now=6) == [0, 45015]


@pytest.mark.parametrize(
    ("push", "trigger"),
    [
        (wire.follow("o", 1), "follow"),
        (wire.follow("o", 1, scene="vip", ticket="T"), "follow"),
        (wire.scan("o", 1, scene="vip", ticket="T"), "scan"),
        (wire.click("o", 1, key="K"), "tap"),
        (wire.event("o", 1, name="scancode_push"), "tap"),
        (wire.event("o", 1, name="scancode_waitmsg"), "tap"),
        (wire.text("o", 1, content="hi", msg_id=1), "message"),
        (wire.image("o", 1, url="u", media_id="m", msg_id=1), "message"),
        (wire.message("o", 1, msg_type="text", msg_id=1, more=(Element("bizmsgmenuid", "7"),)), "tap"),
        (wire.view("o", 1, url="https://a.example", menu_id=1), None),
        (wire.unfollow("o", 1), None),
        (wire.event("o", 1, name="LOCATION"), None),
    ],
)
def test_gestures_open_windows(push: Push, trigger: Trigger | None) -> None:
    assert trigger_of(push) == trigger
