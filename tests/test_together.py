"""Threads that write at the same moment: one transaction for many, and each learns what became of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from wxbot.events.together import MOST, NeverWrittenError, Together


class Book:
    """Something written to in batches: the first batch waits until it is let go."""

    def __init__(self, *, wait_seconds: float = 30.0) -> None:
        self.batches: list[list[int]] = []
        self.entered = threading.Event()
        self.go = threading.Event()
        self.then: Callable[[list[int]], bool] = lambda _: True
        self.together = Together(self._write, wait_seconds=wait_seconds)

    def _write(self, take: Callable[[], list[int]]) -> bool:
        batch = take()
        self.batches.append(batch)
        self.entered.set()
        assert self.go.wait(30)
        return self.then(batch)

    def waiting(self) -> int:
        return self.together.waiting()

    def wait_for(self, number: int) -> None:
        for _ in range(3000):
            if self.waiting() == number:
                return
            threading.Event().wait(0.01)
        raise AssertionError(f"{self.waiting()} wait, not {number}")


@pytest.fixture
def threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MOST + 8)


def test_alone_nobody_waits() -> None:
    book = Book()
    book.go.set()

    assert [book.together.write(number) for number in (1, 2)] == [True, True]
    assert book.batches == [[1], [2]]


def test_who_comes_while_one_is_written_goes_together(threads: ThreadPoolExecutor) -> None:
    book = Book()
    first = threads.submit(book.together.write, 0)
    assert book.entered.wait(30)
    others = [threads.submit(book.together.write, number) for number in (1, 2, 3)]
    book.wait_for(3)

    book.go.set()

    assert first.result() and all(each.result() for each in others)
    assert [sorted(batch) for batch in book.batches] == [[0], [1, 2, 3]]


def test_a_batch_has_an_end(threads: ThreadPoolExecutor) -> None:
    book = Book()
    first = threads.submit(book.together.write, 0)
    assert book.entered.wait(30)
    others = [threads.submit(book.together.write, number) for number in range(1, MOST + 3)]
    book.wait_for(MOST + 2)

    book.go.set()

    assert all(each.result() for each in [first, *others])
    assert [len(batch) for batch in book.batches] == [1, MOST, 2]


@pytest.mark.parametrize("is_written", [True, False])
def test_all_of_a_batch_learn_the_same_and_the_next_is_not_touched(
    threads: ThreadPoolExecutor, is_written: bool
) -> None:
    book = Book()
    book.then = lambda batch: is_written if 0 not in batch else not is_written
    first = threads.submit(book.together.write, 0)
    assert book.entered.wait(30)
    others = [threads.submit(book.together.write, number) for number in (1, 2)]
    book.wait_for(2)

    book.go.set()

    assert first.result() is not is_written
    assert [each.result() for each in others] == [is_written] * 2


def test_what_stops_one_batch_is_raised_in_each_and_the_next_is_written(threads: ThreadPoolExecutor) -> None:
    book = Book()

    def fail(batch: list[int]) -> bool:
        if 1 in batch:
            raise OSError("the disk is full")
        return True

    book.then = fail
    first = threads.submit(book.together.write, 0)
    assert book.entered.wait(30)
    others = [threads.submit(book.together.write, number) for number in (1, 2)]
    book.wait_for(2)

    book.go.set()

    assert first.result()
    for each in others:
        with pytest.raises(OSError, match="the disk is full"):
            each.result()
    assert book.together.write(3)


def test_what_stops_the_leader_before_it_takes_stops_who_waits() -> None:
    entered, go = threading.Event(), threading.Event()

    def unreachable(_take: Callable[[], list[int]]) -> bool:
        entered.set()
        assert go.wait(30)
        raise ConnectionError("gone")

    together = Together(unreachable)
    threads = ThreadPoolExecutor(2)
    both = [threads.submit(together.write, number) for number in (1, 2)]
    assert entered.wait(30)
    while together.waiting() < 2:
        threading.Event().wait(0.01)

    go.set()

    for each in both:
        with pytest.raises(ConnectionError, match="gone"):
            each.result()


def test_a_leader_that_is_ended_leaves_nobody_waiting(threads: ThreadPoolExecutor) -> None:
    book = Book()
    book.then = lambda batch: exec("raise SystemExit") or True if 1 in batch else True
    first = threads.submit(book.together.write, 0)
    assert book.entered.wait(30)
    others = [threads.submit(book.together.write, number) for number in (1, 2)]
    book.wait_for(2)

    book.go.set()

    assert first.result()
    ended = [type(each.exception()) for each in others]
    assert sorted(ended, key=str) == sorted([SystemExit, NeverWrittenError], key=str)
    assert book.together.write(3)


def test_who_waits_too_long_is_told_and_is_not_written_later(threads: ThreadPoolExecutor) -> None:
    book = Book(wait_seconds=0.05)
    first = threads.submit(book.together.write, 0)
    assert book.entered.wait(30)

    with pytest.raises(NeverWrittenError):
        book.together.write(1)
    book.go.set()

    assert first.result()
    assert book.together.write(2)
    assert book.batches == [[0], [2]]


def test_many_threads_lose_and_double_nothing() -> None:
    written: list[int] = []

    def write(take: Callable[[], list[int]]) -> bool:
        written.extend(take())
        return True

    together = Together(write)
    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(together.write, range(5000)))

    assert sorted(written) == list(range(5000))
