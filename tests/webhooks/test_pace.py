"""A site that is slow or silent takes its part of a worker, and no more."""

import threading
from collections.abc import Mapping

import pytest

from tests.webhooks import receiver
from tests.webhooks.conftest import ANYWHERE, SECONDS, Post
from tests.webhooks.receiver import Receiver
from wxbot.webhooks.pace import LONGEST_PAUSE_SECONDS, SILENT_TIMES, Pace
from wxbot.webhooks.sending import Answer, Sender


class Clock:
    """A clock that stands still."""

    now = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


class PatientWith(Sender):
    """Gives one site all the time that it may need; others are slow after little more than a second."""

    def __init__(self, url: str) -> None:
        super().__init__(ANYWHERE, answer_seconds=1.05)
        self._url = url
        self._patient = Sender(ANYWHERE, answer_seconds=SECONDS)

    def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post a body."""
        return (self._patient.send if url == self._url else super().send)(url, body, headers)


def paced(most: int = 2) -> tuple[Pace, Clock]:
    clock = Clock()
    return Pace(most, patience_seconds=0, monotonic=clock, chance=lambda: 0.5), clock


@pytest.mark.sqlite_only
def test_only_so_many_are_under_way_at_a_time() -> None:
    pace, _ = paced(2)

    waits = [pace.enter("a") for _ in range(4)]

    assert waits[:2] == [0, 0] and min(waits[2:]) >= 1
    assert pace.enter("b") == 0
    pace.leave("a", seconds=0.1, is_delivered=True)
    assert pace.enter("a") == 0


@pytest.mark.sqlite_only
def test_who_finds_a_quick_site_busy_waits_a_moment() -> None:
    pace = Pace(1, patience_seconds=5)
    pace.enter("a")
    leave = threading.Timer(0.05, lambda: pace.leave("a", seconds=0.05, is_delivered=True))
    leave.start()

    assert pace.enter("a") == 0
    leave.join()


@pytest.mark.sqlite_only
def test_those_who_wait_come_back_one_after_the_other() -> None:
    pace, _ = paced(1)
    for _ in range(30):
        pace.enter("a")
        pace.leave("a", seconds=2, is_delivered=True)
    pace.enter("a")

    waits = [pace.enter("a") for _ in range(10)]

    assert waits == sorted(waits)
    assert waits[9] == pytest.approx(20, abs=1)


@pytest.mark.sqlite_only
def test_silent_site_is_asked_by_one_until_it_speaks() -> None:
    pace, clock = paced()
    for _ in range(SILENT_TIMES):
        assert pace.enter("a") == 0
        pace.leave("a", seconds=3, is_delivered=False)

    assert pace.enter("a") > 30
    clock.now += 31
    assert pace.enter("a") == 0
    assert pace.enter("a") > 0
    pace.leave("a", seconds=3, is_delivered=False)
    clock.now += 31
    assert pace.enter("a") > 0, "the pause has grown"
    clock.now += 31
    assert pace.enter("a") == 0
    pace.leave("a", seconds=0.1, is_delivered=True)

    assert [pace.enter("a"), pace.enter("a")] == [0, 0]


@pytest.mark.sqlite_only
def test_pause_does_not_grow_for_ever() -> None:
    pace, clock = paced()
    for _ in range(100):
        assert pace.enter("a") == 0
        pace.leave("a", seconds=3, is_delivered=False)
        clock.now += LONGEST_PAUSE_SECONDS + 1


@pytest.mark.sqlite_only
def test_site_that_refuses_quickly_is_not_silent() -> None:
    pace, _ = paced()

    for _ in range(20):
        assert pace.enter("a") == 0
        pace.leave("a", seconds=0.01, is_delivered=False)


def test_silent_site_does_not_hold_up_another_and_loses_nothing(
    post: Post, site: Receiver, start_site: receiver.Start
) -> None:
    silent = start_site()
    slow = Post(post.engine, sender=PatientWith(site.url))
    silent.usual = receiver.hang
    one, other = slow.add(silent.url).webhook, slow.add(site.url).webhook
    for _ in range(10):
        slow.publish()

    slow.work()

    assert len(silent.wait_for(SILENT_TIMES)) == SILENT_TIMES == silent.connections
    assert len(site.requests) == 10
    tally = slow.hooks.deliveries.tally(one.id)
    assert tally.counts == {"waiting": 10}
    assert slow.hooks.deliveries.tally(other.id).counts == {"delivered": 10}
