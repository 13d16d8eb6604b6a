"""What the spool's last lines say was answered, by whichever process of the machine."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from wxbot import clock
from wxbot.errors import MalformedError
from wxbot.events.recent import KEPT_SECONDS, RecentAnswers
from wxbot.events.spooled import LINE_START, Spooled, from_line
from wxbot.wechat import replies
from wxbot.wechat.parse import parse_event
from wxbot.wechat.replies import Acknowledgement, Reply

# About a minute of a busy machine. It is read under the lock of the folder, for which others wait.
_TAIL_BYTES = 2 << 20


class Said:
    """The answers to events that were spooled within the last minute. What cannot be read is not known.

    To be used by one thread at a time, which holds the lock of the folder: so nobody is within a line, and
    what is read is on disk, but for what a process left that was killed (see `find`).
    """

    def __init__(self, folder: Path, current: str) -> None:
        self._folder = folder
        self._current = current
        self._answers = RecentAnswers()
        # Kept open: an import may rename and remove the file, and its last lines are read all the same.
        self._file: int | None = None
        self._offset = 0
        # Of the files that wait for their import, to which nobody adds: those that were read to their end.
        self._read: set[str] = set()

    def find(self, event: bytes) -> Reply | Acknowledgement | None:
        """Return what the first line about an event says, None if there is none or it may not be on disk."""
        answer = self._answers.find(event)
        if answer is not None and self._file is not None:
            try:
                os.fsync(self._file)  # who wrote the line may have been killed before
            except OSError:
                return None
        return answer

    def catch_up(self) -> None:
        """Read what was written since the last time, be it only the end of it."""
        with suppress(OSError):
            self._read_on()
        if self._is_current():
            return
        # What was written while nobody looked, and is being imported. Read twice it does no harm, but takes
        # time: what was read to its end is left out, also the file that we have open and that has a new name.
        known = None if self._file is None else os.fstat(self._file)
        waiting = sorted(self._folder.glob("import-*.jsonl"))
        self._read.intersection_update(path.name for path in waiting)
        for path in [*waiting, self._folder / self._current]:
            if path.name not in self._read:
                with suppress(OSError):
                    self._read_new(path, known)

    def close(self) -> None:
        """Let go of the file, whose room is free only then."""
        self._read.clear()
        self._release()

    def _read_new(self, path: Path, known: os.stat_result | None) -> None:
        there = path.stat()
        is_known = known is not None and os.path.samestat(there, known)
        if not is_known and there.st_mtime > clock.now().timestamp() - KEPT_SECONDS:
            self._open(path)
            self._read_on()
        if path.name != self._current:
            self._read.add(path.name)

    def _release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _is_current(self) -> bool:
        if self._file is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._file), (self._folder / self._current).stat())
        except OSError:
            return False

    def _open(self, path: Path) -> None:
        self._release()
        self._file, self._offset = os.open(path, os.O_RDONLY | os.O_CLOEXEC), 0

    def _read_on(self) -> None:
        if self._file is None:
            return
        size = os.fstat(self._file).st_size
        start = max(self._offset, size - _TAIL_BYTES)
        data = os.pread(self._file, size - start, start) if size > start else b""
        whole = data[: data.rfind(b"\n") + 1]  # the next writer ends a torn line
        self._offset = start + len(whole)
        for entry in _entries(whole):
            self._note(entry)

    def _note(self, entry: Spooled) -> None:
        if entry.reply is None or entry.arrived_at < clock.now().timestamp() - KEPT_SECONDS:
            return
        with suppress(MalformedError, LookupError, TypeError, ValueError):  # as a newer version may write it
            key = entry.malformed_key or parse_event(entry.body, account=entry.account).digest
            if self._answers.find(key) is None:
                self._answers.note(key, replies.from_data(entry.reply))


def _entries(lines: bytes) -> Iterator[Spooled]:
    for line in lines.splitlines(keepends=True):
        entry = from_line(line[max(0, line.rfind(LINE_START)) :])
        if entry is not None:
            yield entry
