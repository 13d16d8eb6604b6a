"""Reads strace's log of a bot: did any reply leave before the record it stands for was on disk?

A reply carries a mark of its own, which is also in its record. The mark's first write to the write-ahead log
must be followed by an fdatasync of that file, begun after the write and ended before the reply is sent.
"""

import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_LINE = re.compile(rb"^(\d+) +(?:<\.\.\. )?(\w+)")
_MARK = re.compile(rb"mark-(\d{6})-(?=[0-9a-f]{4})")
_CALLS = "trace=pwrite64,fdatasync,fsync,sendto,sendmsg"


@dataclass
class Order:
    """What the log says: replies seen, and those that were too early."""

    replies: int = 0
    syncs: int = 0
    early: list[str] = field(default_factory=list)
    _written: dict[bytes, int] = field(default_factory=dict)
    _durable: set[bytes] = field(default_factory=set)
    _open_syncs: dict[bytes, int] = field(default_factory=dict)
    _clock: int = 0

    def read(self, lines: Iterable[bytes]) -> "Order":
        """Read a whole log."""
        for line in lines:
            if found := _LINE.match(line):
                self._clock += 1
                self._take(found[1], found[2], line)
        return self

    def _take(self, thread: bytes, call: bytes, line: bytes) -> None:
        if call in (b"fdatasync", b"fsync"):
            self._sync(thread, line)
        elif call == b"pwrite64" and b"-wal>" in line[:300]:
            for mark in _MARK.findall(line):
                self._written.setdefault(mark, self._clock)
        elif call in (b"sendto", b"sendmsg"):
            for mark in set(_MARK.findall(line)):
                self.replies += 1
                if mark not in self._durable:
                    self.early.append(mark.decode())

    def _sync(self, thread: bytes, line: bytes) -> None:
        """A sync covers what was written before it began, and counts when it has ended."""
        if b"resumed>" not in line:
            if b"-wal>" not in line:
                return
            self._open_syncs[thread] = self._clock
        if b"<unfinished" in line or thread not in self._open_syncs:
            return
        began = self._open_syncs.pop(thread)
        if b"= 0" in line:
            self.syncs += 1
            self._durable.update(mark for mark, at in self._written.items() if at < began)
            self._written = {mark: at for mark, at in self._written.items() if at >= began}


def command(log: Path, program: Sequence[str]) -> list[str]:
    """Return the program under strace, with whole pages in its log."""
    strace = shutil.which("strace")
    assert strace, "needs strace: install the package strace"
    # -D: the program keeps its place in the family, and signals reach it rather than strace.
    options = ["-D", "-f", "-y", "-qq", "--seccomp-bpf", "-s", "4400", "-e", _CALLS, "-e", "signal=none"]
    return [strace, *options, "-o", str(log), *program]
