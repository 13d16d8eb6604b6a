"""Turns of writers to one SQLite file, among the threads of a process and among processes."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from wxbot.db import turns as turning
from wxbot.db.engine import open_engine
from wxbot.db.faults import is_locked_out
from wxbot.db.guard import be_patient, guarded
from wxbot.db.turns import Turns

pytestmark = pytest.mark.sqlite_only

SECONDS = 30.0
_HOLD = """
import sys
from wxbot.db.turns import Turns
turns = Turns(sys.argv[1])
assert turns.take(30)
print("mine", flush=True)
sys.stdin.readline()
turns.give()
print("given", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "wxbot.db"
    path.touch(mode=0o640)
    return path


class Other:
    """Another process whose turn it is."""

    def __init__(self, database: Path) -> None:
        command = [sys.executable, "-c", _HOLD, str(database)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout and self.process.stdout.readline() == "mine\n"

    def give(self) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "given\n"


@pytest.fixture
def other(database: Path) -> Iterator[Other]:
    other = Other(database)
    yield other
    other.process.kill()
    other.process.communicate()


def is_free(database: Path) -> bool:
    """Say whether another process could take the lock now."""
    with Path(f"{database}-turn").open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def wait_until(holds: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < give_up_at
        time.sleep(0.005)


def taking(turns: Turns, seconds: float = SECONDS) -> tuple[threading.Thread, list[bool]]:
    """Wait for a turn on another thread."""
    taken: list[bool] = []
    thread = threading.Thread(target=lambda: taken.append(turns.take(seconds)))
    thread.start()
    return thread, taken


def test_lock_lies_beside_the_database_for_those_who_may_use_that(database: Path) -> None:
    turns = Turns(str(database))

    assert turns.take(0)
    assert not is_free(database)
    turns.give()

    assert is_free(database)
    lock = Path(f"{database}-turn")
    assert (lock.stat().st_mode & 0o777, lock.stat().st_size) == (0o640, 0)


def test_lock_stays_beside_the_database_wherever_the_process_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    engine = open_engine("sqlite:///bot.db")
    monkeypatch.chdir(tmp_path / "elsewhere")

    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE notes (word TEXT)")
    engine.dispose()

    assert {file.name for file in tmp_path.glob("*")} >= {"bot.db", "bot.db-turn"}
    assert not list((tmp_path / "elsewhere").glob("*"))


def test_second_thread_waits_for_the_first(database: Path) -> None:
    turns = Turns(str(database))
    assert turns.take(0)
    assert not turns.take(0.01)

    thread, taken = taking(turns)
    turns.give()
    thread.join()

    assert taken == [True]


def test_waiting_ends_when_another_process_gives_its_turn(database: Path, other: Other) -> None:
    turns = Turns(str(database))
    thread, taken = taking(turns)
    wait_until(lambda: turns._is_waiting)

    other.give()
    thread.join()

    assert taken == [True] and not is_free(database)
    turns.give()
    assert is_free(database)


def test_waiting_ends_when_another_process_is_killed(database: Path, other: Other) -> None:
    turns = Turns(str(database))
    thread, taken = taking(turns)
    wait_until(lambda: turns._is_waiting)

    other.process.kill()
    thread.join()

    assert taken == [True] and not is_free(database)


def test_frozen_process_keeps_one_writer_and_only_for_a_while(database: Path, other: Other) -> None:
    other.process.send_signal(signal.SIGSTOP)
    turns = Turns(str(database))

    assert turns.take(0.05)  # SQLite has to say whether it may write
    turns.give()
    for _ in range(3):
        assert turns.take(3600)  # and nobody else waits
        turns.give()

    other.process.send_signal(signal.SIGCONT)
    other.give()
    # Who has waited in vain leaves no lock behind when it comes at last.
    wait_until(lambda: not turns._is_waiting and is_free(database))
    assert turns.take(3600) and not is_free(database)


def test_whoever_could_wait_for_long_does_not_do_so_for_a_frozen_process(
    database: Path, other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wxbot.db.turns.LONGEST_SECONDS", 0.05)
    other.process.send_signal(signal.SIGSTOP)

    assert Turns(str(database)).take(3600)  # as a process that starts would, for a migration to end


def test_interrupted_writer_leaves_the_turn_to_others(
    database: Path, other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = Turns(str(database))

    def interrupt(file: int) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(turns, "_is_free", interrupt)
    with pytest.raises(KeyboardInterrupt):
        turns.take(1)
    monkeypatch.undo()
    other.give()

    assert turns.take(1) and not is_free(database)


@pytest.mark.parametrize("trap", ["link", "pipe"])
def test_trap_beside_the_database_is_not_walked_into(database: Path, tmp_path: Path, trap: str) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    precious.chmod(0o600)
    if trap == "link":
        Path(f"{database}-turn").symlink_to(precious)
    else:
        os.mkfifo(f"{database}-turn")
    turns = Turns(str(database))

    assert turns.take(1)
    turns.give()

    assert precious.stat().st_mode & 0o777 == 0o600


def test_without_work_the_thread_that_waits_ends(
    database: Path, other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turning, "_IDLE_SECONDS", 0.02)
    turns = Turns(str(database))
    thread, _ = taking(turns)
    wait_until(lambda: turns._is_waiting)
    other.give()
    thread.join()

    wait_until(lambda: turns._doorman is None)


def test_child_of_a_writer_takes_its_own_turn(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/forked.db")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE notes (word TEXT)"))
    with engine.connect() as connection:
        guarded(connection).begin_write()  # type: ignore[attr-defined]
        child = os.fork()
        if not child:
            status = 1
            try:
                with engine.connect() as own:
                    be_patient(own, 0.05)
                    own.execute(text("INSERT INTO notes VALUES ('x')"))
            except OperationalError as error:
                status = 0 if is_locked_out(error) else 2
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)

        assert os.waitstatus_to_exitcode(status) == 0
        assert not is_free(tmp_path / "forked.db")  # the child has closed its copy, and taken nothing away
    engine.dispose()


@pytest.mark.parametrize("path", [None, "missing/wxbot.db"])
def test_where_no_file_can_be_there_is_no_waiting_for_others(path: str | None, tmp_path: Path) -> None:
    turns = Turns(path and str(tmp_path / path))

    assert turns.take(0)
    assert not turns.take(0)
    turns.give()
    assert turns.take(0)


def test_writers_of_two_processes_both_come_to_write(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shared.db"
    engines = [open_engine(url), open_engine(url)]  # with a lock each, as two processes have
    with engines[0].begin() as connection:
        # As migrations do: without it who opens a connection waits for writers, and perhaps in vain.
        connection.execute(text("PRAGMA journal_mode=WAL"))
        connection.execute(text("CREATE TABLE notes (word TEXT)"))

    def write(number: int) -> None:
        for _ in range(50):
            with engines[number].begin() as connection:
                connection.execute(text("INSERT INTO notes VALUES ('x')"))

    threads = [threading.Thread(target=write, args=(number % 2,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with engines[0].connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM notes")).scalar_one() == 200
    for engine in engines:
        engine.dispose()
