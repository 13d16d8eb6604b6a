"""Asking WeChat from a page: one at a time, and never for longer than somebody waits."""

import threading
from collections.abc import Iterator

from wxbot.doctor.asking import Asking
from wxbot.doctor.finding import Finding, ok


def test_what_takes_too_long_is_told_as_far_as_it_came() -> None:
    may_go_on, has_ended = threading.Event(), threading.Event()

    def look() -> Iterator[Finding]:
        yield ok("clock", "+0 s")
        may_go_on.wait(10)
        yield ok("default: access token", "WeChat accepts it")
        has_ended.set()

    asking = Asking(look, seconds=0.05)

    first, second = asking.ask(), asking.ask()
    may_go_on.set()

    assert first is not None and first.is_late and [each.check for each in first.found] == ["clock"]
    assert second is None  # the first still goes on
    assert has_ended.wait(10)


def test_next_one_may_ask_once_the_first_has_its_answer() -> None:
    asking = Asking(lambda: iter([ok("clock", "+0 s")]))

    for heard in (asking.ask(), asking.ask()):
        assert heard is not None and not heard.is_late and len(heard.found) == 1
