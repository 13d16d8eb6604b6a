"""A candidate: its start until its first right answer, its end, and what it takes of the machine."""

import ctypes
import os
import signal
import statistics
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from bench.faults.processes import children, free_port, kill_group
from bench.speed.candidates import Candidate, Place
from bench.speed.ground import Ground
from bench.speed.load import Load, NoAnswerError
from bench.speed.memory import megabytes
from bench.speed.pushes import Pushed, Supply, faults

READY_SECONDS = 60
_NOT_PASSED_ON = ("WXBOT_", "WEB_CONCURRENCY", "WEB_PINNED", "GUNICORN_", "GRANIAN_", "PROMETHEUS_")
_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl
_TICKS = os.sysconf("SC_CLK_TCK")


class Running:
    """One candidate in a place of its own."""

    def __init__(self, candidate: Candidate, ground: Ground) -> None:
        self.candidate = candidate
        self._ground = ground
        folder = ground.folder / candidate.name.replace(" ", "-").replace(",", "")
        folder.mkdir()
        self._database = ground.database(candidate.store, folder) if candidate.table else ""
        self.place = Place(folder, free_port(), self._database, candidate.mode)
        self.supply = Supply(candidate.mode, candidate.path)
        self.delivered = 0
        self.silence = ""  # how it ceased to answer
        self.start_seconds = 0.0
        self._start = candidate.start(self.place)
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, times: int = 1) -> None:
        """Start it, so often, and let it run; NoAnswerError with the end of its log if nothing answers."""
        taken = []
        for _ in range(times):
            self.stop()
            taken.append(self._started())
        self.start_seconds = statistics.median(taken)

    def _started(self) -> float:
        with self._log.open("wb") as log:
            began_at = time.perf_counter()
            self._process = subprocess.Popen(
                self._start.command,
                cwd=self.place.folder,
                env=_environment() | self._start.environment | self._ground.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                # It only makes one system call, so that threads do not matter.
                preexec_fn=_end_with_parent,  # noqa: PLW1509
            )
        try:
            self._wait_until_right(self._process)
        except BaseException:
            self.stop()
            raise
        return time.perf_counter() - began_at

    def _wait_until_right(self, process: "subprocess.Popen[bytes]") -> None:
        give_up_at = time.monotonic() + READY_SECONDS
        wrong: dict[int, str] = {}
        while time.monotonic() < give_up_at and process.poll() is None:
            pushed = self.supply.make(1)
            try:
                served = Load(self.place.port, [pushed[0].request]).deliver(1)
            except NoAnswerError:
                time.sleep(0.005)
                continue
            wrong = self.wrong(served.answers, pushed)
            if not wrong:
                self.delivered += 1
                return
            time.sleep(0.05)
        told = wrong.get(0, "no answer")
        raise NoAnswerError(f"{self.candidate.name} does not answer: {told}\n{self.log()}")

    def wrong(self, answers: list[bytes], pushed: list[Pushed]) -> dict[int, str]:
        """Return what is wrong with which answers."""
        return faults(answers, pushed, self.supply.sender, constant=self.candidate.is_constant)

    def log(self) -> str:
        """Return the end of what it has written."""
        return self._log.read_text(errors="replace")[-2000:]

    def cpu_seconds(self) -> tuple[float, float]:
        """Return the processor time that its processes, and those of its database, have taken so far."""
        database = self._ground.server_processes(self.candidate.store) if self.candidate.table else []
        return _cpu_seconds(self._family()), _cpu_seconds(database)

    def worker_megabytes(self) -> float:
        """Return the memory of one of the processes that answer, on average."""
        sizes = sorted(megabytes(self._family())[1:], reverse=True)[:2]
        return sum(sizes) / max(1, len(sizes))

    def check_record(self) -> None:
        """Raise AssertionError when what was answered is not on record."""
        recorded = self.candidate.recorded(self._database)
        if recorded is not None:
            assert recorded >= self.delivered, f"{self.delivered} answered, {recorded} on record"

    def stop(self) -> None:
        """End it and all that it has started, if it runs."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)
        kill_group(process.pid)
        process.wait()

    def _family(self) -> list[int]:
        """Return its processes, the first one first."""
        found = [] if self._process is None else [self._process.pid]
        for pid in found:
            found.extend(children(pid))
        return found


def _environment() -> dict[str, str]:
    """Return this process's own, without what would start candidates otherwise than they are told."""
    return {key: value for key, value in os.environ.items() if not key.startswith(_NOT_PASSED_ON)}


def _end_with_parent() -> None:
    """In a new process: end when the benchmark is killed, which could no longer end it itself."""
    _prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))


def _cpu_seconds(pids: Iterable[int]) -> float:
    ticks = 0
    for pid in pids:
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS
