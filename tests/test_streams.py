"""Server-sent events: each change once, pings meanwhile, and never more at a time than allowed."""

import threading
from collections.abc import Iterator

import pytest

from wxbot import streams
from wxbot.streams import Seen, Streams


def sight(*seen: Seen) -> Iterator[Seen]:
    """Return what is seen at each look, the last one for ever."""
    yield from seen
    while True:
        yield seen[-1]


def test_each_change_is_told_once_until_the_last() -> None:
    looks = sight(Seen("1"), Seen("1"), Seen("2"), Seen("2"), Seen("3", is_last=True))
    stream = Streams(every_seconds=0).open("state", lambda: next(looks))

    assert stream is not None
    assert list(stream) == [f"event: state\ndata: {number}\n\n".encode() for number in (1, 2, 3)]


def test_the_end_of_a_stream_makes_room() -> None:
    few = Streams(1)
    stream = few.open("state", lambda: Seen("1", is_last=True))

    assert stream is not None and few.free == 0
    list(stream)

    assert few.free == 1
    stream.close()
    assert few.free == 1


def test_a_stream_that_breaks_makes_room() -> None:
    few = Streams(1)
    stream = few.open("state", lambda: Seen(str(1 / 0)))
    assert stream is not None

    with pytest.raises(ZeroDivisionError):
        next(stream)

    assert few.free == 1


def test_a_stream_ends_after_its_time() -> None:
    stream = Streams(longest_seconds=0.1, every_seconds=0.01).open("state", lambda: Seen("1"))

    assert stream is not None
    assert len(list(stream)) == 1


def test_who_waits_is_pinged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "PING_SECONDS", 0.05)
    stream = Streams(every_seconds=0.01).open("state", lambda: Seen("1"))

    assert stream is not None
    next(stream)
    assert next(stream) == b": \n\n"


def test_there_are_only_so_many_at_a_time() -> None:
    few = Streams(2)
    first, second = (few.open("state", lambda: Seen("1")) for _ in range(2))
    assert first is not None and second is not None
    assert few.open("state", lambda: Seen("1")) is None

    first.close()
    first.close()

    assert few.free == 1
    assert few.open("state", lambda: Seen("1")) is not None


def test_a_process_that_ends_ends_its_streams() -> None:
    all_streams = Streams(every_seconds=0.01)
    stream = all_streams.open("state", lambda: Seen("1"))
    assert stream is not None
    threading.Timer(0.1, all_streams.end).start()

    assert len(list(stream)) == 1
    assert all_streams.open("state", lambda: Seen("1")) is None


def test_server_says_how_many_there_may_be() -> None:
    all_streams = Streams(1)
    first = all_streams.open("state", lambda: Seen("1"))

    all_streams.allow(2)
    second = all_streams.open("state", lambda: Seen("1"))
    all_streams.allow(1)

    assert first is not None and second is not None
    assert (all_streams.free, all_streams.open("state", lambda: Seen("1"))) == (0, None)
    first.close()
    assert all_streams.open("state", lambda: Seen("1")) is None
    second.close()
    assert all_streams.free == 1
