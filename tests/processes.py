"""Processes of servers that tests start: their families, and how they end."""

import ctypes
import signal
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl


def end_with_parent() -> None:
    """In a new process: end when the tests are killed."""
    _prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


def is_stopped(pid: int) -> bool:
    """Say whether no thread of a process runs any more; a signal takes a moment to reach them all."""
    threads = []
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(OSError):
            threads.append(stat.read_text().rpartition(")")[2].split()[0])
    return all(state in "TtZX" for state in threads)


def family(pid: int) -> list[int]:
    """Return a process and all below it."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found = [pid]
    for each in found:
        found.extend(children.get(each, []))
    return found
