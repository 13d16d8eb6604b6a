"""The handler pool: bounded, and never held up by what runs on it."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from wxbot.scenes.pool import Pool, PoolFullError


def test_hung_work_does_not_hold_up_the_next() -> None:
    pool = Pool(4)
    hang, reached = threading.Event(), threading.Event()
    for _ in range(3):
        pool.submit(lambda: (hang.wait(20), None)[1])

    pool.submit(reached.set)

    assert reached.wait(30)
    hang.set()


def test_full_pool_refuses_instead_of_growing() -> None:
    pool = Pool(1, waiting=2)
    hang, started = threading.Event(), threading.Event()

    def wait() -> None:
        started.set()
        hang.wait(20)

    pool.submit(wait)
    assert started.wait(30)
    for _ in range(2):
        pool.submit(wait)

    with pytest.raises(PoolFullError, match="1 handler threads are busy and 2 events wait"):
        pool.submit(wait)
    hang.set()


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit])
def test_thread_survives_whatever_work_raises(error: type[BaseException]) -> None:
    pool = Pool(1)
    reached = threading.Event()

    def fail() -> None:
        raise error

    pool.submit(fail)
    pool.submit(reached.set)

    assert reached.wait(30)


def test_who_worked_last_works_next() -> None:
    pool, together = Pool(3), threading.Barrier(4)
    for _ in range(3):
        pool.submit(lambda: (together.wait(30), None)[1])
    together.wait(30)
    seen: list[int] = []

    for number in range(5):
        _wait_for(lambda: pool.unfinished == 0)
        pool.submit(lambda: seen.append(threading.get_ident()))
        _wait_for(lambda seen=seen, number=number: len(seen) > number)  # type: ignore[misc]

    assert len(seen) == 5 and len(set(seen)) == 1


def test_hung_work_does_not_keep_the_process_alive() -> None:
    program = (
        "import threading; from wxbot.scenes.pool import Pool; pool = Pool(1); started = threading.Event(); "
        "pool.submit(lambda: (started.set(), threading.Event().wait())); started.wait(30)"
    )

    ended = subprocess.run([sys.executable, "-c", program], timeout=20, check=False)

    assert ended.returncode == 0


def test_stuck_work_is_counted_while_it_runs() -> None:
    pool = Pool(3)
    hang, started, other = threading.Event(), threading.Event(), threading.Event()

    def wait() -> None:
        started.set()
        hang.wait(20)

    pool.submit(wait)
    pool.submit(other.set)
    assert started.wait(30) and other.wait(30)
    _wait_for(lambda: pool.unfinished == 1)
    time.sleep(0.05)

    assert (pool.stuck(0.04), pool.stuck(10)) == (1, 0)
    hang.set()
    _wait_for(lambda: pool.unfinished == 0)
    assert pool.stuck(0) == 0


def test_waiting_work_is_not_stuck() -> None:
    pool = Pool(1)
    hang, started = threading.Event(), threading.Event()

    def wait() -> None:
        started.set()
        hang.wait(20)

    pool.submit(wait)
    assert started.wait(30)
    pool.submit(wait)
    time.sleep(0.02)

    assert (pool.limit, pool.unfinished, pool.stuck(0.01)) == (1, 2, 1)
    hang.set()


def _wait_for(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 30
    while not condition() and time.monotonic() < give_up_at:
        time.sleep(0.005)


def unstartable(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)


def test_a_machine_without_threads_fills_the_pool_and_costs_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, reached = Pool(1), threading.Event()

    with monkeypatch.context() as patched:
        unstartable(patched)
        for _ in range(3):
            with pytest.raises(PoolFullError, match="no thread can be started"):
                pool.submit(reached.set)

    pool.submit(reached.set)
    assert reached.wait(30)


def test_work_goes_to_the_threads_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, hang, reached = Pool(2), threading.Event(), threading.Event()
    pool.submit(lambda: (hang.wait(20), None)[1])

    with monkeypatch.context() as patched:
        unstartable(patched)
        pool.submit(reached.set)
    hang.set()

    assert reached.wait(30)


def test_a_closed_pool_leaves_no_thread_behind() -> None:
    pool, before = Pool(4), set(threading.enumerate())
    hang = threading.Event()
    for _ in range(4):
        pool.submit(lambda: (hang.wait(20), None)[1])
    assert len(set(threading.enumerate()) - before) == 4

    hang.set()
    pool.close()

    give_up_at = time.monotonic() + 30
    while not before.issuperset(threading.enumerate()) and time.monotonic() < give_up_at:
        time.sleep(0.01)
    assert before.issuperset(threading.enumerate())
