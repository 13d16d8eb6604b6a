"""A run of the benchmark with programs that go wrong: they get no credit for it, and the run goes on."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.speed import candidates, ground, rounds
from bench.speed.candidates import Candidate, Place, Start
from bench.speed.extras import MissingError
from bench.speed.ground import Ground
from bench.speed.memory import megabytes
from bench.speed.rounds import Plan, Run, run
from bench.speed.running import Running
from tests import services

SERVER = """
import socket, sys, time
port, kind = int(sys.argv[1]), sys.argv[2]
right = b"HTTP/1.1 200 OK\\r\\nContent-Length: 7\\r\\n\\r\\nsuccess"
wrong = b"HTTP/1.1 500 Oh\\r\\nContent-Length: 0\\r\\n\\r\\n"
number = 0
with socket.create_server(("127.0.0.1", port)) as listener:
    while kind != "gone" or number < 60:
        connection, _ = listener.accept()
        with connection:
            if not connection.recv(65536):
                continue
            number += 1
            is_wrong = {"half": number % 2 == 0, "lost": number > 60}.get(kind, False)
            time.sleep(0.002 * (kind == "half" and not is_wrong))
            connection.sendall(wrong if is_wrong else right)
"""


def program(name: str) -> Candidate:
    """Return a candidate that answers wrongly now and then, or from some answer on, or is gone then."""

    def start(place: Place) -> Start:
        return Start([sys.executable, "-S", "-c", SERVER, str(place.port), name], {})

    return Candidate(program=name, start=start, is_constant=True)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Run]]:
    monkeypatch.setattr(ground, "runs_folder", lambda: tmp_path)
    plan = Plan(connections=(2,), rounds=1, seconds=0.01)
    with Ground() as place:
        yield lambda *names: run([program(name) for name in names], place, plan, lambda _: None)


def test_wrong_answers_do_not_count_as_speed(measured: Callable[..., Run]) -> None:
    found = measured("half")

    (result,) = found.results
    (round_,) = result.rounds
    assert len(round_.wrong) == len(round_.latencies) == result.answers / 2
    assert round_.latency(0) > 0.002
    # One that answers after two milliseconds answers at most 500 a second.
    assert round_.rate < 500
    assert found.notes == [f"half: {len(round_.wrong)} of {result.answers} answers were wrong, as in: status"]


@pytest.mark.parametrize("name", ["gone", "lost"])
def test_who_goes_away_or_wrong_for_good_is_left_out_and_the_others_are_measured(
    measured: Callable[..., Run], name: str
) -> None:
    found = measured(name, "good")

    assert [each.candidate.name for each in found.results] == ["good"]
    (note,) = found.notes
    assert note.startswith(
        {"gone": "gone: no connection: ", "lost": "lost: none of 50 answers was right, as in: status"}[name]
    )


def test_who_has_a_floor_for_the_start_is_started_several_times(
    measured: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    start = Running._started

    def starting(self: Running) -> float:
        started.append(self.candidate.name)
        start(self)
        return float(len(started))

    monkeypatch.setattr(Running, "_started", starting)
    monkeypatch.setattr(rounds, "_HELD", ("good",))

    found = measured("good", "other")

    assert started == ["good", "good", "good", "other"]
    assert [each.start_seconds for each in found.results] == [2, 4]


def test_what_the_shell_says_of_servers_does_not_reach_candidates(
    measured: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names = ("WEB_CONCURRENCY", "WEB_PINNED", "GUNICORN_CMD_ARGS", "GRANIAN_WORKERS", "WXBOT_BIND")
    for name in names:
        monkeypatch.setenv(name, "1")
    seen = tmp_path / "seen"
    monkeypatch.setenv("SEEN", str(seen))
    told = 'import os; open(os.environ["SEEN"], "w").write("\\n".join(os.environ))'
    monkeypatch.setitem(globals(), "SERVER", f"{told}\n{SERVER}")

    measured("good")

    assert "SEEN" in seen.read_text().split()
    assert not set(names) & set(seen.read_text().split())


@contextmanager
def reading(file: Path) -> Iterator[int]:
    """Run a process that has a file of 32 MB in its memory; yields its id."""
    code = (
        "import mmap, sys; f = open(sys.argv[1], 'rb'); m = mmap.mmap(f.fileno(), 0, prot=1); sum(m[::4096])"
    )
    command = [sys.executable, "-c", code + "; print(flush=True); sys.stdin.read()", str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid


def test_memory_is_divided_among_the_processes_of_a_program_and_not_among_programs(tmp_path: Path) -> None:
    file = tmp_path / "library"
    file.write_bytes(bytes(32 << 20))

    with reading(file) as one, reading(file) as other, reading(file):
        (alone,) = megabytes([one])
        together = megabytes([one, other])

    assert 32 < alone < 60
    assert together[0] == pytest.approx(together[1], abs=2)
    assert 15 < alone - together[0] < 30


def test_a_table_that_cannot_be_made_leaves_its_candidate_out(tmp_path: Path) -> None:
    (naive,) = (each for each in candidates.CANDIDATES if each.name == "naive durable, SQLite")

    with pytest.raises(MissingError, match=r"its table cannot be made: .*unable to open database file"):
        naive.start(Place(tmp_path, 1, f"sqlite:///{tmp_path}/no/such/folder.db", "plain"))


@pytest.mark.parametrize(
    "error",
    [
        subprocess.CalledProcessError(1, "initdb"),
        AssertionError("PostgreSQL does not start"),
        FileNotFoundError("initdb"),
        KeyError("getpwnam(): name not found: 'postgres'"),
    ],
)
def test_a_server_that_cannot_be_started_leaves_its_candidates_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception
) -> None:
    def start(folder: Path) -> None:
        raise error

    start.missing = lambda: None  # type: ignore[attr-defined]
    monkeypatch.setitem(services.SERVERS, "postgresql", start)

    with Ground() as place, pytest.raises(MissingError, match="postgresql cannot be started: "):
        place.database("postgresql", tmp_path)
