"""Who has a job, and how it ends: by one claim at a time, whoever comes late."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.event import listen

from wxbot.jobs import listing
from wxbot.jobs.ledger import GRACE_SECONDS, Ledger
from wxbot.jobs.listing import Wanted
from wxbot.jobs.work import Claimed


def claimed(ledger: Ledger, id: bytes) -> Claimed:
    job = ledger.claim(id)
    assert job is not None
    return job


def test_a_job_is_claimed_with_all_it_carries(ledger: Ledger, records: Any) -> None:
    id = records.enqueue("shop.notify", arguments={"订单": [42]}, body=b"<xml/>", event_key=b"e" * 16)

    job = claimed(ledger, id)

    assert (job.name, job.account, job.arguments) == ("shop.notify", "default", {"订单": [42]})
    assert (job.body, job.event_key, job.person) == (b"<xml/>", b"e" * 16, None)
    assert (job.attempt, job.is_resumed, job.is_expired, job.key) == (1, False, False, id.hex())


def test_a_claimed_job_is_nobody_elses(ledger: Ledger, records: Any) -> None:
    id = records.enqueue()

    claimed(ledger, id)

    assert ledger.claim(id) is None


def test_of_many_who_claim_at_once_one_gets_it(ledger: Ledger, records: Any) -> None:
    id = records.enqueue()
    start, got = threading.Barrier(6), []

    def claim() -> None:
        start.wait()
        got.append(ledger.claim(id))

    threads = [threading.Thread(target=claim) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len([job for job in got if job is not None]) == 1
    assert records.job(id).attempts == 1


@pytest.mark.servers_only  # on SQLite who waits to write reads anew
def test_a_job_of_which_another_did_a_part_is_not_claimed_as_it_was(ledger: Ledger, records: Any) -> None:
    id = records.enqueue(arguments={"replies": ["一", "二"]})
    done: list[bool] = []

    def overtake(_connection: object, _cursor: object, sql: str, *_: object) -> None:
        if sql.startswith("UPDATE") and not done:
            done.append(False)
            first = claimed(Ledger(records.engine), id)
            done[0] = ledger.postpone(first, 0, "", counts=False, arguments={"replies": ["二"]})

    listen(records.engine, "before_cursor_execute", overtake)

    assert ledger.claim(id) is None and done == [True]
    assert claimed(ledger, id).arguments == {"replies": ["二"]}


def test_a_job_is_not_claimed_before_its_time(ledger: Ledger, records: Any) -> None:
    id = records.enqueue(delay_seconds=60)
    assert ledger.claim(id) is None

    records.shift(id, run_at=0)

    assert ledger.claim(id) is not None


def test_a_job_that_does_not_exist_is_not_claimed(ledger: Ledger) -> None:
    assert ledger.claim(b"x" * 16) is None


def test_a_finished_job_is_done_and_no_longer_carries_the_document(
    ledger: Ledger, records: Any, finish: Callable[[Any], bool]
) -> None:
    id = records.enqueue(body=b"<xml/>")

    assert finish(claimed(ledger, id))

    row = records.job(id)
    assert (row.state, row.body, row.lease_by, row.lease_until) == ("done", None, None, None)
    assert row.finished_at is not None
    assert ledger.claim(id) is None


def test_a_lost_worker_that_comes_back_changes_nothing(
    ledger: Ledger, records: Any, finish: Callable[[Any], bool]
) -> None:
    id = records.enqueue()
    lost = claimed(ledger, id)
    records.shift(id, lease_until=-1)
    again = claimed(ledger, id)

    assert (again.is_resumed, again.attempt) == (True, 2)
    assert not finish(lost)
    assert not ledger.postpone(lost, 5, "failed")
    assert not ledger.end(lost, "dead", "failed")
    assert not ledger.keep(lost, "too late")
    assert records.job(id).state == "running"
    assert finish(again)


def test_a_lease_that_is_renewed_is_not_lost(ledger: Ledger, records: Any) -> None:
    id, other = records.enqueue(), records.enqueue()
    held, lost = claimed(ledger, id), claimed(ledger, other)
    records.shift(id, lease_until=-1)
    records.shift(other, lease_until=-1)
    reclaimed = claimed(ledger, other)
    records.shift(other, lease_until=-1)

    ledger.renew([held, lost])

    assert ledger.claim(id) is None
    assert reclaimed.token != lost.token and ledger.claim(other) is not None


def test_a_postponed_job_waits_and_says_why(ledger: Ledger, records: Any) -> None:
    id = records.enqueue()

    assert ledger.postpone(claimed(ledger, id), 30, "ValueError: " + "x" * 300)

    row = records.job(id)
    assert (row.state, row.attempts, len(row.detail)) == ("waiting", 1, 255)
    assert row.dispatched_at + GRACE_SECONDS <= row.run_at - 29  # the next sweep may have it
    assert ledger.claim(id) is None and ledger.take_due(10) == []
    records.shift(id, run_at=0)
    assert ledger.take_due(10) == [id] and claimed(ledger, id).attempt == 2


def test_what_is_left_to_do_takes_the_place_of_the_arguments(ledger: Ledger, records: Any) -> None:
    id = records.enqueue(arguments={"replies": [1, 2, 3]})

    ledger.postpone(claimed(ledger, id), 0, "budget", counts=False, arguments={"replies": [3]})

    again = claimed(ledger, id)
    assert (again.arguments, again.attempt) == ({"replies": [3]}, 1)


def test_a_job_past_its_time_says_so(ledger: Ledger, records: Any) -> None:
    id = records.enqueue(within_seconds=55)
    records.shift(id, expires_at=-1)

    assert claimed(ledger, id).is_expired


def test_what_was_handed_over_lately_is_not_due_again(ledger: Ledger, records: Any) -> None:
    fresh, lost = records.enqueue(), records.enqueue()
    records.shift(lost, run_at=-12, dispatched_at=-11)

    assert ledger.take_due(10) == [lost]
    assert ledger.take_due(10) == []
    records.shift(fresh, dispatched_at=-11)
    assert ledger.take_due(10) == [fresh]


def test_the_longest_due_come_first_and_no_more_than_asked_for(ledger: Ledger, records: Any) -> None:
    ids = [records.enqueue() for _ in range(4)]
    for number, id in enumerate(ids):
        # A second may pass between two of them.
        records.shift(id, run_at=-20 - 10 * number, dispatched_at=-15)

    assert ledger.take_due(3) == [ids[3], ids[2], ids[1]]
    assert ledger.take_due(3) == [ids[0]]


def test_a_job_of_a_lost_worker_is_due(ledger: Ledger, records: Any) -> None:
    id = records.enqueue()
    claimed(ledger, id)
    assert ledger.take_due(10) == []

    records.shift(id, lease_until=-1, dispatched_at=-11)

    assert ledger.take_due(10) == [id]


def test_nothing_waits_for_the_hour_that_comes_twice(ledger: Ledger, records: Any) -> None:
    waiting, running, fresh = records.enqueue(), records.enqueue(), records.enqueue(delay_seconds=300)
    claimed(ledger, running)
    # As they are after the clock was put back by an hour.
    records.shift(waiting, run_at=3605, created_at=3600)
    records.shift(running, lease_until=3605)
    assert ledger.take_due(10) == []

    count = ledger.mend_clock()
    records.shift(running, lease_until=-1)  # a second later

    assert count == 2
    assert set(ledger.take_due(10)) == {waiting, running}
    assert ledger.claim(fresh) is None


def test_the_hour_that_comes_twice_lengthens_no_pause_and_shortens_none(ledger: Ledger, records: Any) -> None:
    retried, delayed, undisturbed = records.enqueue(), records.enqueue(delay_seconds=300), records.enqueue()
    for id in (retried, undisturbed):
        ledger.postpone(claimed(ledger, id), 43_200, "500")
    before = {id: records.job(id) for id in (retried, delayed, undisturbed)}
    # As they are when an hour later by the clock it was put back by an hour.
    records.move(retried, 3600, "run_at", "dispatched_at")
    records.move(delayed, 3600, "run_at", "created_at")

    count = ledger.mend_clock()

    after = {id: records.job(id).run_at - before[id].run_at for id in before}
    assert count == 2
    assert 0 <= after[retried] < 3600 and 0 <= after[delayed] < 3600 and after[undisturbed] == 0
    assert ledger.mend_clock() == 0


def test_who_was_handed_over_in_the_hour_that_comes_twice_is_so_again(ledger: Ledger, records: Any) -> None:
    id = records.enqueue()
    records.shift(id, run_at=-30, created_at=-30, dispatched_at=3600)

    assert ledger.mend_clock() == 1
    assert ledger.take_due(10) == [id]


def test_dead_and_unknown_jobs_are_done_again_when_somebody_says_so(ledger: Ledger, records: Any) -> None:
    for state in ("dead", "unknown"):
        id = records.enqueue(within_seconds=55, body=b"<xml/>")
        records.shift(id, expires_at=-1)
        assert not ledger.replay(id)
        assert ledger.end(claimed(ledger, id), state, "because")
        assert (records.job(id).state, records.job(id).detail) == (state, "because")
        assert ledger.claim(id) is None and ledger.take_due(10) == []

        assert ledger.replay(id)

        assert ledger.take_due(10) == [id]  # by the next sweep: nobody else hands it over
        again = claimed(ledger, id)
        assert (again.attempt, again.is_expired, again.is_resumed, again.body) == (1, False, False, b"<xml/>")


def test_jobs_are_counted_and_listed_by_state(ledger: Ledger, records: Any) -> None:
    assert ledger.counts() == {}
    dead, _ = records.enqueue("shop.notify"), records.enqueue()
    ledger.end(claimed(ledger, dead), "dead", "ValueError")

    assert ledger.counts() == {"waiting": 1, "dead": 1}
    [row] = listing.listed(ledger.engine, Wanted(states=["dead", "unknown"])).rows
    assert (row.id, row.name, row.detail) == (dead, "shop.notify", "ValueError")
    assert [row.id for row in listing.find(ledger.engine, dead.hex()[:8])] == [dead]
