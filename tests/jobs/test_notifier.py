"""What tells the engine of new jobs: soon, all of them, and never in the way of whoever asks."""

import threading
import time
from collections.abc import Iterable

import pytest

from wxbot.jobs.notifier import Notifier

# The database has no part in it.
pytestmark = pytest.mark.sqlite_only


class Engine:
    """Takes ids; while it is blocked it does not answer."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.free = threading.Event()

    def dispatch(self, ids: Iterable[bytes]) -> None:
        self.free.wait(10)
        self.taken += ids

    def wait_for(self, count: int) -> None:
        give_up_at = time.monotonic() + 10
        while len(self.taken) < count:
            assert time.monotonic() < give_up_at, self.taken
            time.sleep(0.01)


def test_all_ids_arrive_in_their_order_while_nobody_waits() -> None:
    engine = Engine()
    notifier = Notifier(engine.dispatch)
    ids = [bytes([number]) for number in range(50)]

    for id in ids:
        notifier.tell([id])
    assert engine.taken == []
    engine.free.set()
    engine.wait_for(50)

    assert engine.taken == ids


def test_nothing_to_tell_starts_no_thread() -> None:
    before = threading.active_count()

    Notifier(Engine().dispatch).tell([])

    assert threading.active_count() == before


def test_thread_outlives_an_engine_that_raises() -> None:
    taken: list[bytes] = []

    def dispatch(ids: Iterable[bytes]) -> None:
        taken.extend(ids)
        raise OSError("the engine's disk is full")

    notifier = Notifier(dispatch)
    for count in (1, 2):
        notifier.tell([b"id"])
        give_up_at = time.monotonic() + 10
        while len(taken) < count:
            assert time.monotonic() < give_up_at
            time.sleep(0.01)
