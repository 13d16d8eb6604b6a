"""How a job ends: done, tried again, put aside, kept; and what it wrote is there only when it is done."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sqlalchemy import Engine, text

from wxbot.db.session import UnitOfWork
from wxbot.jobs.ledger import Ledger
from wxbot.jobs.running import Runner, delay_after
from wxbot.jobs.work import Claimed, Drop, Keep, Later, Unknown, Work
from wxbot.wechat.errcodes import BusyError, UnreachableError

PERSON = b"p" * 16


@pytest.fixture
def run(ledger: Ledger, records: Any) -> Callable[..., Any]:
    """Return what writes a job, does it once with this function, and returns its row."""

    def run(call: Callable[[Claimed, UnitOfWork], object], **options: Any) -> Any:
        job = {name: options.pop(name) for name in ("person", "arguments") if name in options}
        works: Mapping[str, Work] = {"test.job": Work(call=call, **options)}
        id = records.enqueue("test.job", **job)
        assert Runner(ledger, works.get).run(id)
        return records.job(id)

    return run


def fail(_claimed: Claimed, _unit: UnitOfWork) -> None:
    raise ValueError("openid oLVPpjqs9BhvzwPj5A-vTYAX3GLc is private")


def raising(error: BaseException) -> Callable[[Claimed, UnitOfWork], None]:
    def call(_claimed: Claimed, _unit: UnitOfWork) -> None:
        raise error

    return call


def write(unit: UnitOfWork, word: str) -> None:
    unit.session().execute(text("INSERT INTO notes VALUES (:word)"), {"word": word})


@pytest.fixture
def notes(engine: Engine) -> Callable[[], list[str]]:
    """Return what reads the table that jobs of these tests write to."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE notes (word VARCHAR(20))"))

    def notes() -> list[str]:
        with engine.connect() as connection:
            return list(connection.execute(text("SELECT word FROM notes")).scalars())

    return notes


def test_a_job_that_returns_is_done_with_what_it_wrote(run: Any, notes: Any) -> None:
    row = run(lambda claimed, unit: write(unit, str(claimed.arguments["word"])), arguments={"word": "hello"})

    assert (row.state, row.attempts, notes()) == ("done", 1, ["hello"])


def test_a_job_that_fails_is_tried_again_later_and_its_writing_is_undone(run: Any, notes: Any) -> None:
    def call(claimed: Claimed, unit: UnitOfWork) -> None:
        write(unit, "half")
        fail(claimed, unit)

    before = time.time()
    row = run(call)
    after = time.time()

    assert (row.state, row.attempts, notes()) == ("waiting", 1, [])
    # The database counts whole seconds.
    assert before - 1 < row.run_at <= after + 5
    assert row.detail.startswith("ValueError at test_running.py:") and "oLVP" not in row.detail


@pytest.mark.parametrize("error", [SystemExit(1), RecursionError(), MemoryError()], ids=repr)
def test_whatever_it_raises_is_a_failure(run: Any, error: BaseException) -> None:
    assert run(raising(error)).state == "waiting"


def test_the_last_failure_makes_it_dead(ledger: Ledger, records: Any) -> None:
    id = records.enqueue()
    runner = Runner(ledger, {"test.job": Work(call=fail, attempts=3)}.get)

    for _ in range(3):
        assert records.job(id).state == "waiting"
        records.shift(id, run_at=0)
        assert runner.run(id)

    assert (records.job(id).state, records.job(id).attempts) == ("dead", 3)
    assert not runner.run(id)


def test_a_poisoned_job_that_kills_its_workers_ends_as_dead(ledger: Ledger, records: Any) -> None:
    id = records.enqueue()
    done: list[int] = []
    runner = Runner(ledger, {"test.job": Work(call=lambda *_: done.append(1))}.get)
    for _ in range(5):
        assert ledger.claim(id) is not None
        records.shift(id, lease_until=-1)

    assert runner.run(id)

    assert (records.job(id).state, done) == ("dead", []) and "worker was lost" in records.job(id).detail


def test_a_job_that_nobody_knows_waits_for_a_worker_that_does(ledger: Ledger, records: Any) -> None:
    id = records.enqueue("shop.new")

    for minute in range(30):  # an upgrade of many machines
        records.shift(id, run_at=-60 * minute, dispatched_at=-11)
        before = records.job(id)
        assert ledger.take_due(10) == [id]
        assert Runner(ledger, lambda _name: None).run(id)
        row = records.job(id)
        assert (row.state, row.attempts, row.run_at) == ("waiting", 0, before.run_at)
        assert "shop.new" in row.detail
        assert ledger.take_due(10) == []  # for a while
    assert Runner(ledger, {"shop.new": Work(call=lambda *_: None, attempts=1)}.get).run(id)

    assert (records.job(id).state, records.job(id).attempts) == ("done", 1)


def test_jobs_of_an_unknown_name_are_left_to_others_until_they_are_old(ledger: Ledger, records: Any) -> None:
    first, second, known, old = (records.enqueue(name) for name in ("gone.a", "gone.a", "known", "gone.a"))
    begun = records.enqueue("gone.a")
    ledger.claim(begun)
    records.shift(begun, lease_until=-1)
    records.shift(old, run_at=-86_401)
    runner = Runner(ledger, {"known": Work(call=lambda *_: None)}.get)
    assert runner.run(first) and runner.unknown() == ["gone.a"]
    for id in (second, begun):
        records.shift(id, dispatched_at=-11)
    before = [records.job(id) for id in (second, begun)]

    done = [runner.run(id) for id in (second, begun, known, old)]

    assert done == [False, False, True, True]
    assert [records.job(id) for id in (second, begun)] == before
    assert (records.job(known).state, records.job(old).state) == ("done", "dead")
    assert ledger.take_due(10, without=runner.unknown()) == []
    assert set(ledger.take_due(10)) == {second, begun}  # another worker's


def test_an_unknown_name_is_looked_at_and_warned_of_every_ten_minutes(
    ledger: Ledger, records: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    times = [1000.0]
    monkeypatch.setattr("wxbot.clock.monotonic", lambda: times[-1])
    one, other = records.enqueue("gone.a"), records.enqueue("gone.a")
    runner = Runner(ledger, lambda _name: None)

    def look(now: float) -> tuple[bool, bool, int]:
        times.append(now)
        return runner.run(one), runner.run(other), len(caplog.records)

    assert [look(now) for now in (1000.0, 1599.0)] == [(True, False, 1), (False, False, 1)]
    assert [look(now) for now in (1600.0, 1601.0)] == [(True, False, 2), (False, False, 2)]


def test_a_job_that_nobody_knows_for_a_day_is_dead_and_so_again_after_a_replay(
    ledger: Ledger, records: Any, caplog: pytest.LogCaptureFixture
) -> None:
    id = records.enqueue("shop.new")
    knows_nothing = Runner(ledger, lambda _name: None)
    records.shift(id, run_at=-3600 * 23, created_at=-3600 * 72)
    assert knows_nothing.run(id)
    assert records.job(id).state == "waiting"

    records.shift(id, run_at=-86_401)
    assert knows_nothing.run(id)
    assert records.job(id).state == "dead" and "no job named shop.new" in records.job(id).detail
    assert [line.levelname for line in caplog.records] == ["WARNING", "ERROR"]

    assert ledger.replay(id)
    assert Runner(ledger, lambda _name: None).run(id)
    assert records.job(id).state == "waiting"


def test_the_pauses_grow_and_differ() -> None:
    longest = [delay_after(attempt, chance=lambda: 1.0) for attempt in range(1, 6)]

    assert longest == [4, 8, 16, 32, 64]
    assert delay_after(1, chance=lambda: 0.0) == 2
    assert 300 <= delay_after(10_000) <= 600
    assert len({delay_after(3) for _ in range(20)}) > 1


def test_later_does_not_count(run: Any) -> None:
    row = run(raising(Later(30, "the token is being fetched", arguments={"left": 1})), attempts=1)

    assert (row.state, row.attempts, row.arguments) == ("waiting", 0, '{"left": 1}')
    assert row.detail == "the token is being fetched" and row.run_at - row.created_at >= 29


def test_a_job_says_how_it_ends(run: Any, records: Any) -> None:
    records.follow()

    dropped = run(raising(Drop("unfollowed meanwhile")))
    unknown = run(raising(Unknown("no answer")))
    kept = run(raising(Keep("the window is over", arguments={"replies": [2]})), person=PERSON)

    assert (dropped.state, dropped.detail) == ("done", "unfollowed meanwhile")
    assert (unknown.state, unknown.detail) == ("unknown", "no answer")
    assert (kept.state, kept.arguments) == ("kept", '{"replies": [2]}')
    assert records.kept_messages() == 1


def test_what_is_not_idempotent_is_not_repeated_unless_it_surely_did_nothing(run: Any) -> None:
    busy = BusyError(-1, call="/send", advice="try later")
    unsent = UnreachableError("refused", call="/send", was_sent=False)
    lost = UnreachableError("no answer", call="/send", was_sent=True)

    ends = [run(raising(error), is_idempotent=False).state for error in (busy, unsent, lost, ValueError())]

    assert ends == ["waiting", "waiting", "unknown", "unknown"]
    assert run(raising(lost)).state == "waiting"


def test_what_is_not_idempotent_and_lost_its_worker_is_unknown(ledger: Ledger, records: Any) -> None:
    id, done = records.enqueue(), []
    runner = Runner(ledger, {"test.job": Work(call=lambda *_: done.append(1), is_idempotent=False)}.get)
    ledger.claim(id)
    records.shift(id, lease_until=-1)

    assert runner.run(id)

    assert (records.job(id).state, done) == ("unknown", [])


def test_a_worker_that_does_not_know_a_lost_job_does_not_make_it_a_fresh_one(
    ledger: Ledger, records: Any
) -> None:
    id = records.enqueue("test.job")
    ran: list[str] = []
    works = {"test.job": Work(call=lambda claimed, _unit: ran.append(claimed.key), is_idempotent=False)}
    ledger.claim(id)
    records.shift(id, lease_until=-1)
    Runner(ledger, {}.get).run(id)
    records.shift(id, lease_until=-1, run_at=-1)
    Runner(ledger, works.get).run(id)

    assert (ran, records.job(id).state) == ([], "unknown")


def test_a_lost_job_that_nobody_knows_for_a_day_ends_as_unknown(ledger: Ledger, records: Any) -> None:
    id = records.enqueue("test.job")
    ledger.claim(id)
    for minute in range(30):
        records.shift(id, lease_until=-1, run_at=-60 * minute)
        assert Runner(ledger, {}.get).run(id)
        assert (records.job(id).state, records.job(id).attempts) == ("running", 1)
        assert ledger.claim(id) is None and ledger.take_due(10) == []  # for a while

    records.shift(id, lease_until=-1, run_at=-86_401)
    assert Runner(ledger, {}.get).run(id)

    assert records.job(id).state == "unknown"
    assert "no job named test.job" in records.job(id).detail


def test_expired_jobs_are_not_begun(ledger: Ledger, records: Any) -> None:
    records.follow()
    done: list[int] = []
    works = {
        "plain": Work(call=lambda *_: done.append(1)),
        "message": Work(call=lambda *_: done.append(1), is_kept=True),
    }
    ids = [records.enqueue(name, within_seconds=55, person=PERSON) for name in works]
    for id in ids:
        records.shift(id, expires_at=-1)
        assert Runner(ledger, works.get).run(id)

    assert [records.job(id).state for id in ids] == ["dead", "kept"] and done == []


def test_a_message_that_is_kept_and_one_that_is_dead_for_it_are_logged(
    run: Any, records: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "wxbot.jobs")
    records.follow()
    kept = run(raising(Keep("the window is over")), person=PERSON)
    dead = run(raising(Keep("the window is over")), person=b"q" * 16)

    assert (kept.state, dead.state) == ("kept", "dead")
    assert [(line.levelname, line.getMessage()) for line in caplog.records] == [
        ("INFO", f"job test.job ({kept.id.hex()}) is kept: the window is over"),
        (
            "ERROR",
            f"job test.job ({dead.id.hex()}) is dead: nobody to keep it for: the window is over; "
            "see `wxbot jobs list`",
        ),
    ]


def test_expired_message_that_is_kept_is_logged(
    ledger: Ledger, records: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "wxbot.jobs")
    id = records.enqueue("message", within_seconds=55)
    records.shift(id, expires_at=-1)

    assert Runner(ledger, {"message": Work(call=fail, is_kept=True)}.get).run(id)

    assert records.job(id).state == "dead"
    assert [line.levelname for line in caplog.records] == ["ERROR"] and "is dead" in caplog.text


def test_a_job_that_was_taken_over_commits_nothing(
    ledger: Ledger, records: Any, notes: Any, caplog: pytest.LogCaptureFixture
) -> None:
    id = records.enqueue()

    def call(_claimed: Claimed, unit: UnitOfWork) -> None:
        records.shift(id, lease_until=-1)
        assert ledger.claim(id) is not None
        write(unit, "mine")

    Runner(ledger, {"test.job": Work(call=call)}.get).run(id)

    assert notes() == [] and records.job(id).state == "running"
    assert "somebody else's" in caplog.text


def test_a_job_that_runs_for_too_long_loses_its_lease_and_its_work(
    ledger: Ledger, records: Any, notes: Any
) -> None:
    id = records.enqueue()
    seen = []

    def call(_claimed: Claimed, unit: UnitOfWork) -> None:
        write(unit, "late")
        time.sleep(0.05)
        runner.renew()
        seen.append(runner.stuck)

    runner = Runner(ledger, {"test.job": Work(call=call, longest_seconds=0.01)}.get)
    runner.run(id)

    assert seen == [1] and runner.stuck == 0
    assert notes() == [] and records.job(id).state == "waiting"


def test_leases_of_running_jobs_are_renewed(ledger: Ledger, records: Any) -> None:
    id = records.enqueue()
    left = []

    def call(*_: object) -> None:
        records.shift(id, lease_until=1)
        before = time.time()
        runner.renew()
        left.append(records.job(id).lease_until - before)

    runner = Runner(ledger, {"test.job": Work(call=call)}.get)
    runner.run(id)

    assert left[0] > 8 and records.job(id).state == "done"


def test_an_interrupt_is_no_failure_of_the_job(ledger: Ledger, records: Any) -> None:
    id = records.enqueue()

    with pytest.raises(KeyboardInterrupt):
        Runner(ledger, {"test.job": Work(call=raising(KeyboardInterrupt()))}.get).run(id)

    assert records.job(id).state == "running"


def test_a_database_that_is_gone_leaves_the_job_to_the_sweep(
    engine: Engine, records: Any, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    id = records.enqueue()
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE jobs RENAME TO away"))

    assert not Runner(ledger, {"test.job": Work(call=fail)}.get).run(id)

    assert "the database does not answer" in caplog.text
