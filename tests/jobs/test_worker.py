"""Workers: what is due gets done, whatever is killed, deleted or in its way."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from wxbot.db.models import heartbeats
from wxbot.jobs.ledger import Ledger
from wxbot.jobs.queue import Queue
from wxbot.jobs.work import Later, Work
from wxbot.jobs.worker import Schedule, Worker


class Doing:
    """Worker processes (doing.py), and what they noted."""

    def __init__(self, url: str, carrier: str, notes: Path) -> None:
        self._arguments = (url, carrier, str(notes))
        self._notes = notes
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, threads: int = 2) -> subprocess.Popen[bytes]:
        """Start one and wait until it is ready."""
        before = self.count("ready")
        program = str(Path(__file__).with_name("doing.py"))
        process = subprocess.Popen([sys.executable, program, *self._arguments, str(threads)])
        self.processes.append(process)
        self.wait_for("ready", before + 1)
        return process

    def count(self, word: str) -> int:
        """Return how many lines begin with a word."""
        lines = self._notes.read_text().splitlines() if self._notes.exists() else []
        return sum(line.startswith(word) for line in lines)

    def wait_for(self, word: str, count: int, *, seconds: float = 90) -> None:
        """Wait for so many lines that begin with a word."""
        give_up_at = time.monotonic() + seconds
        while self.count(word) < count:
            assert time.monotonic() < give_up_at, self._notes.read_text()
            time.sleep(0.02)


@pytest.fixture
def doing(url: str, carrier: str, tmp_path: Path) -> Iterator[Doing]:
    """Return what starts workers that can be killed."""
    doing = Doing(url, carrier, tmp_path / "notes.txt")
    yield doing
    for process in doing.processes:
        process.kill()
        process.wait()


@pytest.fixture
def make(ledger: Ledger, queue: Queue) -> Callable[..., Worker]:
    """Return what makes a worker of this process."""

    def make(works: dict[str, Work] | None = None, **options: Any) -> Worker:
        return Worker(ledger=ledger, find=(works or {}).get, queue=queue, **options)

    return make


@pytest.fixture
def running() -> Iterator[Callable[[Worker], list[bool]]]:
    """Return what runs a worker on a thread beside the test."""
    started: list[tuple[Worker, threading.Thread]] = []

    def run(worker: Worker) -> list[bool]:
        ended: list[bool] = []
        thread = threading.Thread(target=lambda: ended.append(worker.run()))
        started.append((worker, thread))
        thread.start()
        return ended

    yield run
    for worker, thread in started:
        worker.stop()
        thread.join(10)
        assert not thread.is_alive()


def test_a_killed_workers_jobs_are_done_by_another(
    doing: Doing, records: Any, queue: Queue, tmp_path: Path
) -> None:
    killed = tmp_path / "killed"
    ids = [records.enqueue("test.slow", arguments={"until": str(killed)}) for _ in range(4)]
    once = records.enqueue("test.once", arguments={"seconds": 30})
    victim = doing.start(threads=3)
    queue.dispatch([once, *ids])
    doing.wait_for("begin", 3)

    victim.send_signal(signal.SIGKILL)
    victim.wait()
    killed.touch()
    doing.start()
    doing.wait_for("end", 4)

    assert doing.count("begin") > 5
    give_up_at = time.monotonic() + 60
    states = [records.job(id).state for id in (once, *ids)]
    while states != ["unknown", "done", "done", "done", "done"]:
        assert time.monotonic() < give_up_at, states
        time.sleep(0.05)
        states = [records.job(id).state for id in (once, *ids)]
    assert doing.count(f"begin {once.hex()}") == 1


def test_a_worker_that_is_told_to_end_finishes_what_runs(doing: Doing, records: Any, queue: Queue) -> None:
    # Longer than its lease: that is renewed to the end.
    id = records.enqueue("test.slow", arguments={"seconds": 6})
    process = doing.start()
    queue.dispatch([id])
    doing.wait_for("begin", 1)

    process.send_signal(signal.SIGTERM)

    assert process.wait(60) == 0
    assert (doing.count("end"), doing.count("ended"), records.job(id).state) == (2, 1, "done")


def test_what_nobody_dispatched_is_found(
    make: Any, running: Any, records: Any, ledger: Ledger, wait: Any
) -> None:
    id, fresh = records.enqueue(), records.enqueue()
    records.shift(id, run_at=-11, dispatched_at=-11)

    running(make({"test.job": Work(call=lambda *_: None)}))

    wait(lambda: records.job(id).state == "done", "the sweep")
    assert records.job(fresh).state == "waiting"


@pytest.fixture
def no_queue(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the queue out of reach."""

    def refuse(*_: object) -> int:
        raise OSError("no route")

    for name in ("queue_size", "enqueue", "dequeue", "read_schedule", "add_to_schedule"):
        monkeypatch.setattr(queue.engine.storage, name, refuse)


@pytest.mark.usefixtures("no_queue")
def test_without_the_queue_jobs_are_done_all_the_same(
    make: Any, running: Any, records: Any, wait: Any
) -> None:
    ids = [records.enqueue() for _ in range(3)]
    for id in ids:
        records.shift(id, dispatched_at=-11)

    running(make({"test.job": Work(call=lambda *_: None)}))

    wait(lambda: all(records.job(id).state == "done" for id in ids), "the jobs")


@pytest.mark.usefixtures("no_queue")
def test_without_the_queue_a_job_that_hangs_keeps_no_other_from_being_done(
    make: Any, running: Any, records: Any, wait: Any
) -> None:
    begun, released = threading.Event(), threading.Event()
    hung, other = records.enqueue("test.hung"), records.enqueue()
    for shift, id in enumerate((hung, other)):
        records.shift(id, run_at=shift - 11, dispatched_at=-11)

    def hang(*_: object) -> None:
        begun.set()
        released.wait(60)

    running(make({"test.hung": Work(call=hang), "test.job": Work(call=lambda *_: begun.wait(60))}))

    wait(lambda: records.job(other).state == "done", "the job behind")
    assert records.job(hung).state == "running"
    released.set()
    wait(lambda: records.job(hung).state == "done", "the job that hung")


@pytest.mark.usefixtures("no_queue")
def test_without_the_queue_what_runs_is_finished_when_the_worker_ends(
    make: Any, running: Any, records: Any, wait: Any
) -> None:
    begun = threading.Event()

    def slow(*_: object) -> None:
        begun.set()
        time.sleep(1)

    id = records.enqueue()
    records.shift(id, dispatched_at=-11)
    worker = make({"test.job": Work(call=slow)})
    ended = running(worker)
    wait(begun.is_set, "the job")

    worker.stop()
    wait(lambda: ended, "the end")

    assert ended == [True] and records.job(id).state == "done"


@pytest.mark.usefixtures("no_queue")
def test_without_the_queue_periodic_work_is_done(
    make: Any, running: Any, wait: Any, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[int] = []

    running(make(schedules=[Schedule(name="hourly", every_seconds=3600, function=lambda: done.append(1))]))
    wait(lambda: done == [1], "the first time")
    time.sleep(1.5)

    assert len([record for record in caplog.records if record.exc_info]) == 0


def test_run_due_does_everything_that_is_due_here_and_now(make: Any, records: Any) -> None:
    here: list[str] = []
    threads = set()

    def first(*_: object) -> None:
        threads.add(threading.current_thread())
        here.append("first")
        records.enqueue("second")

    def again(*_: object) -> None:
        here.append("again")
        raise Later(0)

    worker = make(
        {
            "first": Work(call=first),
            "second": Work(call=lambda *_: here.append("second")),
            "again": Work(call=again),
        }
    )
    records.enqueue("first")
    records.enqueue("second", delay_seconds=60)
    records.enqueue("again")

    assert worker.run_due() == 3
    assert sorted(here) == ["again", "first", "second"] and threads == {threading.current_thread()}
    assert worker.run_due() == 1


def test_sweeps_are_called_whatever_one_of_them_does(
    make: Any, running: Any, wait: Any, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[int] = []

    def broken() -> None:
        raise ValueError("broken")

    running(make(sweeps=[broken, lambda: calls.append(1)]))

    wait(lambda: len(calls) >= 2, "two sweeps")
    assert "broken failed" in caplog.text


def test_periodic_work_is_done_once_by_all_workers(make: Any, engine: Engine) -> None:
    done: list[str] = []
    schedules = [Schedule(name="daily", every_seconds=86_400, function=lambda: done.append("daily"))]
    workers = [make(schedules=schedules) for _ in range(3)]

    for worker in workers * 2:
        worker.run_schedules()
    assert done == ["daily"]

    with engine.begin() as connection:
        connection.execute(text("UPDATE schedules SET next_at = next_at - 90000"))
    for worker in workers:
        worker.run_schedules()
    assert done == ["daily", "daily"]


def test_periodic_work_begins_by_itself(make: Any, running: Any, wait: Any) -> None:
    done: list[int] = []

    running(make(schedules=[Schedule(name="hourly", every_seconds=3600, function=lambda: done.append(1))]))

    wait(lambda: done == [1], "the first time")


def test_a_worker_says_that_it_lives_until_it_ends(
    make: Any, running: Any, engine: Engine, wait: Any
) -> None:
    def lines() -> list[Any]:
        with engine.connect() as connection:
            return list(connection.execute(select(heartbeats)))

    worker = make()
    ended = running(worker)

    wait(lines, "its line")
    [line] = lines()
    assert (line.kind, line.pid) == ("worker", os.getpid())
    with engine.begin() as connection:
        connection.execute(text("UPDATE heartbeats SET seen_at = seen_at - 60"))
    wait(lambda: lines()[0].seen_at >= line.seen_at, "its next sign of life")

    worker.stop()
    wait(lambda: ended == [True], "its end")
    assert lines() == []


def test_a_worker_whose_threads_all_hang_ends_to_be_replaced(
    make: Any, running: Any, queue: Queue, records: Any, wait: Any
) -> None:
    release = threading.Event()
    id = records.enqueue()
    worker = make({"test.job": Work(call=lambda *_: release.wait(20), longest_seconds=0.1)}, threads=1)
    ended = running(worker)

    queue.dispatch([id])

    wait(lambda: ended == [False], "its end")
    release.set()


INTERRUPTED = """
import signal, sys
from types import SimpleNamespace
from wxbot.jobs.worker import Worker

worker = Worker(ledger=None, find=None, queue=SimpleNamespace(dispatch=None))
signal.signal(signal.SIGHUP, lambda *_: worker.stop())

def interrupt(*_):
    signal.raise_signal(signal.SIGHUP)
    return interrupt

sys.settrace(interrupt)
worker.stop()
sys.settrace(None)
print("stopped")
"""


@pytest.mark.sqlite_only
def test_a_signal_during_a_signal_hangs_no_worker() -> None:
    """One comes at every line of what the handler of another calls."""
    told = subprocess.check_output([sys.executable, "-c", INTERRUPTED], text=True, timeout=60)

    assert told == "stopped\n"
