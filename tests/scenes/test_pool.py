"""The handler pool: bounded, and never held up by what runs on it."""

import subprocess
import sys
import threading

import pytest

from wxbot.scenes.pool import Pool, PoolFullError


def test_hung_work_does_not_hold_up_the_next() -> None:
    pool = Pool(4)
    hang, reached = threading.Event(), threading.Event()
    for _ in range(3):
        pool.submit(lambda: (hang.wait(20), None)[1])

    pool.submit(reached.set)

    assert reached.wait(5)
    hang.set()


def test_full_pool_refuses_instead_of_growing() -> None:
    pool = Pool(1, waiting=2)
    hang, started = threading.Event(), threading.Event()

    def wait() -> None:
        started.set()
        hang.wait(20)

    pool.submit(wait)
    assert started.wait(5)
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

    assert reached.wait(5)


def test_hung_work_does_not_keep_the_process_alive() -> None:
    program = (
        "import threading; from wxbot.scenes.pool import Pool; pool = Pool(1); started = threading.Event(); "
        "pool.submit(lambda: (started.set(), threading.Event().wait())); started.wait(5)"
    )

    ended = subprocess.run([sys.executable, "-c", program], timeout=20, check=False)

    assert ended.returncode == 0
