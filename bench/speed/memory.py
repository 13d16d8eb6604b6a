"""The memory of the processes of one program, whatever else runs on the machine."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


def megabytes(family: Sequence[int]) -> list[float]:
    """Return how much memory each process has; what several of them share is divided among these.

    The kernel's own proportional figure (PSS) divides the pages of a library among all programs that have it
    loaded, and would tell the less of each the more of them run at the same time.
    """
    files = [_files(pid) for pid in family]
    users = Counter(file for each in files for file in each)
    return [
        (_anonymous(pid) + sum(size / users[file] for file, size in each.items())) / 1024
        for pid, each in zip(family, files, strict=True)
    ]


def _anonymous(pid: int) -> int:
    """Return the kB that are of no file: shared, if at all, with the processes that it was forked from."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss_Anon:"):
                return int(line.split()[1])
    return 0


def _files(pid: int) -> Counter[str]:
    """Return the kB of each file that a process has in its memory."""
    found: Counter[str] = Counter()
    file = ""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
            name, *words = line.split()
            if not name.endswith(":"):
                file = words[4] if len(words) > 4 and words[4].startswith("/") else ""
            elif file and name in ("Rss:", "Anonymous:"):
                found[file] += int(words[0]) * (1 if name == "Rss:" else -1)
    return found
