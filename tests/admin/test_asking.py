"""Asking WeChat from a page: one at a time, and never for longer than somebody waits."""

import threading
from collections.abc import Iterator

import pytest

from wxbot.doctor.asking import Asking
from wxbot.doctor.finding import Finding, ok


def test_what_takes_too_long_is_told_as_far_as_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    waits, may_go_on, has_ended = threading.Event(), threading.Event(), threading.Event()
    waited: list[float | None] = []

    def look() -> Iterator[Finding]:
        yield ok("clock", "+0 s")
        waits.set()
        may_go_on.wait(20)
        yield ok("default: access token", "WeChat accepts it")
        has_ended.set()

    def join(_thread: threading.Thread, seconds: float | None = None) -> None:
        """Wait as if the time were over once the examination has come so far."""
        waited.append(seconds)
        waits.wait(20)

    monkeypatch.setattr(threading.Thread, "join", join)
    asking = Asking(look, seconds=60)

    first, second = asking.ask(), asking.ask()
    may_go_on.set()

    assert waited == [60]
    assert first is not None and first.is_late and [each.check for each in first.found] == ["clock"]
    assert second is None  # the first still goes on
    assert has_ended.wait(10)


def test_next_one_may_ask_once_the_first_has_its_answer() -> None:
    asking = Asking(lambda: iter([ok("clock", "+0 s")]))

    for heard in (asking.ask(), asking.ask()):
        assert heard is not None and not heard.is_late and len(heard.found) == 1
