"""What figures depend on: the machine, its disk, what else it had to do, and the version measured."""

import os
import platform
import statistics
import subprocess
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from bench.speed.extras import ROOT

_PROBES = 200


class Watch:
    """Looks on from its making to `about`; the folder is on the disk that is written to."""

    def __init__(self, folder: Path) -> None:
        median, slow = _fsync_microseconds(folder)
        self._before: dict[str, object] = {
            "day": datetime.now(UTC).date().isoformat(),
            "commit": _commit(),
            "cores": len(Path("/proc/cpuinfo").read_text().split("processor\t")) - 1,
            "python": platform.python_version(),
            "kernel": platform.release(),
            "fsync_microseconds": round(median),
            "fsync_microseconds_p99": round(slow),
            "load_before": round(os.getloadavg()[0], 2),
        }
        self._ticks = _ticks()

    def about(self) -> dict[str, object]:
        """Return all that was seen, with the share of the processors' time that went to other machines."""
        spent = [after - before for before, after in zip(self._ticks, _ticks(), strict=True)]
        stolen = round(100 * spent[7] / max(1, sum(spent)), 1)
        return self._before | {"load_after": round(os.getloadavg()[0], 2), "steal_percent": stolen}


def told(about: Mapping[str, object]) -> str:
    """Return the line of it that stands below tables."""
    parts = [f"{about['day']}", f"commit {about['commit']}", f"{about['cores']} cores"]
    parts.append(f"Python {about['python']}")
    if "rounds" in about:
        parts.append(f"{about['rounds']} rounds of {about['seconds']} s")
    parts.append(f"fsync {about['fsync_microseconds']} µs (p99 {about['fsync_microseconds_p99']})")
    parts.append(f"load {about['load_before']} before and {about['load_after']} after")
    return ", ".join([*parts, f"steal {about['steal_percent']} %"])


def _fsync_microseconds(folder: Path) -> tuple[float, float]:
    """Return the median and the 99th percentile of writing 4 kB to a folder's disk."""
    taken = []
    probe = folder / f"probe-{os.getpid()}"
    with probe.open("wb", buffering=0) as file:
        for _ in range(_PROBES):
            file.write(bytes(4096))
            started = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append((time.perf_counter() - started) * 1e6)
    probe.unlink()
    return statistics.median(taken), sorted(taken)[int(_PROBES * 0.99)]


def _commit() -> str:
    """Return the version in the checkout, marked when it is changed; "unknown" outside of one."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return asked.stdout.strip()


def _ticks() -> list[int]:
    """Return the processors' time by kind since the machine started; the eighth is that of other machines."""
    return [int(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
