"""While the database is out of reach one thread asks for it, and closing it calls the import."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from wxbot.events.gate import PROBE_SECONDS, DatabaseGate

pytestmark = pytest.mark.sqlite_only  # no database is in play: once is enough

QUICK = 0.02


class Database:
    """One that can be switched off, and counts who asks."""

    def __init__(self) -> None:
        self.is_up = True
        self.probed_at: list[float] = []
        self.imports = 0
        self.threads: set[str] = set()

    @property
    def probes(self) -> int:
        return len(self.probed_at)

    def probe(self) -> None:
        self.probed_at.append(time.monotonic())
        self.threads.add(threading.current_thread().name)
        if not self.is_up:
            raise ConnectionRefusedError

    def take_in(self) -> None:
        self.threads.add(threading.current_thread().name)
        self.imports += 1


@pytest.fixture
def database() -> Iterator[Database]:
    """Return a database; afterwards it is up, so that no thread of a gate stays."""
    database = Database()
    yield database
    database.is_up = True
    until(lambda: not watchers())


def watchers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "database-gate"]


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.005)


def test_gate_is_closed_and_silent_while_all_is_well(database: Database) -> None:
    gate = DatabaseGate(database.probe, on_close=database.take_in, probe_seconds=QUICK)

    gate.succeeded()
    time.sleep(3 * QUICK)

    assert not gate.is_open
    assert not watchers()
    assert (database.probes, database.imports) == (0, 0)


def test_gate_closes_when_a_probe_succeeds(database: Database) -> None:
    gate = DatabaseGate(database.probe, on_close=database.take_in, probe_seconds=QUICK)
    database.is_up = False

    gate.failed("gone")
    until(lambda: database.probes >= 3)
    assert gate.is_open
    assert database.imports == 0
    database.is_up = True

    until(lambda: not gate.is_open)
    until(lambda: database.imports == 1)
    assert database.threads == {"database-gate"}
    until(lambda: not watchers())


def test_gate_closes_at_once_when_somebody_succeeds(database: Database) -> None:
    gate = DatabaseGate(database.probe, on_close=database.take_in, probe_seconds=30)
    gate.failed("gone")

    gate.succeeded()

    assert not gate.is_open
    until(lambda: database.imports == 1)
    assert database.probes == 0


def test_gate_has_one_prober_however_many_fail(database: Database) -> None:
    gate = DatabaseGate(database.probe, probe_seconds=QUICK)
    database.is_up = False
    failing = [threading.Thread(target=gate.failed, args=("gone",)) for _ in range(20)]

    for thread in failing:
        thread.start()
    for thread in failing:
        thread.join()

    assert len(watchers()) == 1


def test_gate_asks_once_a_second(database: Database) -> None:
    gate = DatabaseGate(database.probe)
    database.is_up = False
    failed_at = time.monotonic()

    gate.failed("gone")
    until(lambda: database.probes >= 3)

    times = [failed_at, *database.probed_at]
    assert PROBE_SECONDS == 1.0
    assert all(later - earlier >= 0.9 for earlier, later in pairwise(times))


def test_gate_opens_again_while_the_import_runs(database: Database) -> None:
    def fail_again() -> None:
        database.take_in()
        if database.imports == 1:
            database.is_up = False
            gate.failed("gone")
            raise ConnectionResetError

    gate = DatabaseGate(database.probe, on_close=fail_again, probe_seconds=QUICK)
    gate.failed("gone")
    until(lambda: database.imports == 1 and database.probes >= 3)

    assert gate.is_open
    database.is_up = True

    until(lambda: database.imports == 2)
    assert not gate.is_open


def test_gate_opens_anew_after_it_closed(database: Database) -> None:
    gate = DatabaseGate(database.probe, on_close=database.take_in, probe_seconds=QUICK)

    for round_ in range(1, 4):
        gate.failed("gone")
        until(lambda: not gate.is_open)
        until(lambda wanted=round_: database.imports == wanted)  # type: ignore[misc]
        until(lambda: not watchers())


def test_gate_stays_closed_when_no_thread_can_be_started(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    gate = DatabaseGate(database.probe)
    monkeypatch.setattr(threading.Thread, "start", no_thread)

    with pytest.raises(RuntimeError):
        gate.failed("gone")

    assert not gate.is_open


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # forked although it has threads
def test_gate_probes_also_in_a_forked_process(database: Database) -> None:
    importing, go_on = threading.Event(), threading.Event()

    def take_in() -> None:
        importing.set()
        go_on.wait(30)

    gate = DatabaseGate(database.probe, on_close=take_in, probe_seconds=QUICK)
    gate.failed("gone")
    assert importing.wait(30)

    child = os.fork()
    if child == 0:
        gate.failed("gone")
        give_up_at = time.monotonic() + 30
        while gate.is_open and time.monotonic() < give_up_at:
            time.sleep(QUICK)
        os._exit(gate.is_open)

    assert os.waitpid(child, 0)[1] == 0
    go_on.set()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # forked although it has threads
def test_gate_that_was_open_at_the_fork_closes_in_the_forked_process_too(database: Database) -> None:
    """As with gunicorn's --preload and a database that is away at the start."""
    gate = DatabaseGate(database.probe, on_close=database.take_in, probe_seconds=QUICK)
    database.is_up = False
    gate.failed("gone")
    until(lambda: database.probes >= 2)

    with gate._lock:  # of another thread, which the child does not have
        child = os.fork()
    if child == 0:
        database.is_up = True
        give_up_at = time.monotonic() + 5
        while not database.imports and time.monotonic() < give_up_at:
            time.sleep(QUICK)
        os._exit(gate.is_open or database.imports != 1)

    assert os.waitpid(child, 0)[1] == 0
    assert gate.is_open


def test_gate_tells_how_long_the_database_was_away(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    times = iter([100.0, 161.0])
    gate = DatabaseGate(database.probe, lambda: next(times), probe_seconds=30)

    gate.failed("gone")
    gate.succeeded()

    assert "answers again after 61 s" in caplog.text
