"""The spool: a folder that keeps events while the database is out of reach, until they are imported.

1. append: lock the folder, look whether the event is there already (said.py), open `current.jsonl`, end a
   torn line, write, fsync, unlock.
2. import: what earlier imports left; then lock the folder, rename the file to `import-….jsonl`, unlock; line
   by line into the database.
3. drop: when all its lines are entered; those that cannot be read are set aside in `damaged-….jsonl`, those
   that cannot be entered in `refused.jsonl`.

Whoever is killed before 3 leaves a file that is imported once more: entering an event twice must do no harm.
"""

import fcntl
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple

from wxbot.errors import ConfigurationError, WxbotError
from wxbot.events.folder_lock import give_way, locked
from wxbot.events.reserve import Reserve
from wxbot.events.said import Said
from wxbot.events.spooled import LINE_START, Spooled, from_line, to_line
from wxbot.wechat.replies import Acknowledgement, Reply

PATIENCE_SECONDS = 2.0  # together with the wait for the database still in time for WeChat

_CURRENT = "current.jsonl"
_REFUSED = "refused.jsonl"
_RESERVE = "reserve"
_NO_FOLDER = "it is no folder"
_BATCH = 100
_LINE_BYTES = 1 << 20  # far beyond any callback; what is longer was never written by us

log = logging.getLogger(__name__)


class SpoolError(WxbotError):
    """The spool could not be written or read; what was to be appended counts as not kept."""


class SpoolSize(NamedTuple):
    """How much waits for import; damaged lines that were set aside do not count."""

    files: int
    bytes: int


@dataclass(eq=False)
class _Waiting:
    """A line that waits to be written, and what became of it."""

    line: bytes
    event: bytes | None
    known: Reply | Acknowledgement | None = None
    is_settled: bool = False
    failure: str = "the thread that wrote it was ended"


class Spool:
    """One folder, shared by all threads and processes of a machine. Safe to use from any of them.

    A file of `reserve_bytes` keeps room for the day when the disk is full; it then makes way for events.
    """

    def __init__(self, folder: Path, *, reserve_bytes: int = 0) -> None:
        # A handler may change the working directory.
        self.folder = folder.absolute()
        self.reserve = Reserve(self.folder / _RESERVE, reserve_bytes)
        self._said = Said(self.folder, _CURRENT)
        # One thread writes for all that wait, under one fsync; those that come meanwhile are its next batch.
        self._turn = threading.Condition()
        self._is_writing = False
        self._is_going_on = False  # more had come while the last batch was written
        self._queue: list[_Waiting] = []

    def check(self) -> None:
        """Make the folder if it is missing; raises ConfigurationError when it cannot be used."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            files = self._files()
            # Somebody who keeps it locked and stands still keeps nobody from starting.
            with suppress(TimeoutError), locked(self.folder):
                files = self._files()
                if not files:
                    self.reserve.make()
        except FileExistsError as error:
            raise self._unusable(self.folder, _NO_FOLDER) from error
        except OSError as error:
            raise self._unusable(self.folder, str(error.strerror)) from error
        self._require_rights(self.folder, *files)

    def look(self) -> None:
        """Raise ConfigurationError when `check` would, as far as can be seen; makes and changes nothing."""
        try:
            there = next(each for each in (self.folder, *self.folder.parents) if os.path.lexists(each))
            if not there.is_dir():
                raise self._unusable(there, _NO_FOLDER)
            files = self._files()
        except OSError as error:
            raise self._unusable(self.folder, str(error.strerror)) from error
        if there == self.folder:
            self._require_rights(there, *files)
        elif not os.access(there, os.W_OK):
            raise self._unusable(self.folder, f"there is none, and this user may not make it in {there}")

    def append(
        self, entry: Spooled, *, event: bytes | None = None, patience_seconds: float = PATIENCE_SECONDS
    ) -> Reply | Acknowledgement | None:
        """Keep an event; once this returns it survives a power cut.

        With the digest of the `event`: only if no process of this machine has kept it within the last minute;
        who is not the first gets what the first one answered.
        Raises SpoolError when it could not be kept, or not in time (then it may still be found later). The
        patience is with the threads of this process: who writes for them waits as long as the disk takes.
        """
        waiting = _Waiting(to_line(entry), event)
        if len(waiting.line) > _LINE_BYTES:
            raise SpoolError(f"the event is too large for the spool: {len(waiting.line)} bytes")
        if self._has_turn(waiting, patience_seconds):
            self._write_queue()
        if waiting.failure:
            raise SpoolError(
                f"an event could not be kept in the spool {self.folder}: {waiting.failure}. "
                "See to the disk; until then WeChat repeats the event."
            )
        return waiting.known

    def import_into(self, enter: Callable[[Sequence[Spooled]], None]) -> int:
        """Hand all events to `enter` in batches, in the order of their arrival here; return how many.

        A file is dropped once `enter` has returned for all of it. What `enter` raises ends the import, and
        the next one begins that file anew. Several importers share the files between them.

        The file that is appended to comes last: as long as `enter` raises, no more and more files are made,
        each of which every process would look at.
        """
        count = sum(_import_or_log(path, enter) for path in sorted(self.folder.glob("import-*.jsonl")))
        closed = self._close_current()
        return count + (_import_or_log(closed, enter) if closed else 0)

    def set_aside(self, entries: Iterable[Spooled]) -> None:
        """Keep events that were read but cannot be entered where no import looks; twice if asked twice.

        Raises SpoolError when that cannot be written.
        """
        try:
            with locked(self.folder) as folder:
                self._write(folder, _REFUSED, b"".join(map(to_line, entries)))
        except OSError as error:
            raise SpoolError(f"{self.folder / _REFUSED} could not be written: {error.strerror}") from error

    def rest(self) -> None:
        """Let go of what is kept open for the next `append`, which opens it again."""
        with self._turn:
            if not self._is_writing:
                self._said.close()

    def size(self) -> SpoolSize:
        """Return how many files, and bytes in them, wait for import."""
        # In this order, so that a file which gets its new name meanwhile is counted twice rather than never.
        sizes = [*_sizes([self.folder / _CURRENT]), *_sizes(self.folder.glob("import-*.jsonl"))]
        return SpoolSize(files=len(sizes), bytes=sum(sizes))

    def _files(self) -> list[Path]:
        current = self.folder / _CURRENT
        return [*([current] if current.exists() else []), *sorted(self.folder.glob("import-*.jsonl"))]

    def _has_turn(self, waiting: _Waiting, patience_seconds: float) -> bool:
        """Wait until another thread has written the line, or none is writing so that the caller must."""
        with self._turn:
            self._queue.append(waiting)
            if not self._turn.wait_for(
                lambda: waiting.is_settled or not self._is_writing, timeout=patience_seconds
            ):
                waiting.failure = f"the disk took longer than {patience_seconds:g} s"
                if waiting in self._queue:
                    self._queue.remove(waiting)
                return False
            if waiting.is_settled:
                return False
            self._is_writing = True
            return True

    def _write_queue(self) -> None:
        batch: list[_Waiting] = []
        failure = _Waiting.failure
        try:
            if self._is_going_on:
                give_way()
            with self._turn:
                batch, self._queue = self._queue, []
            self._write_new(batch)
            failure = ""
        except OSError as error:
            failure = str(error.strerror)
        finally:
            with self._turn:
                for waiting in batch:
                    waiting.is_settled, waiting.failure = True, failure if waiting.known is None else ""
                self._is_writing, self._is_going_on = False, bool(self._queue)
                self._turn.notify_all()

    def _write_new(self, batch: Sequence[_Waiting]) -> None:
        """Write what is not there yet, and look up the answers of what is, before others write."""
        with locked(self.folder) as folder:
            left = self._look_up(batch)
            first = {waiting.event or waiting: waiting for waiting in reversed(left)}
            new = [waiting for waiting in left if first[waiting.event or waiting] is waiting]
            if new:
                self._write(folder, _CURRENT, b"".join(waiting.line for waiting in new))
            if len(new) < len(left):
                self._look_up(left)

    def _look_up(self, batch: Sequence[_Waiting]) -> list[_Waiting]:
        """Give those whose event is in the spool what was answered to it; returns the others."""
        if any(waiting.event for waiting in batch):
            self._said.catch_up()
        for waiting in batch:
            waiting.known = self._said.find(waiting.event) if waiting.event else None
        return [waiting for waiting in batch if waiting.known is None]

    def _write(self, folder: int, name: str, lines: bytes) -> None:
        try:
            _append(folder, name, lines)
        except OSError as error:
            if not self.reserve.free_for(error):
                raise
            _append(folder, name, lines)

    def _close_current(self) -> Path | None:
        """Give the file that is appended to a name of its own; nobody writes into it from then on."""
        current = self.folder / _CURRENT
        try:
            if not current.exists():
                return None
            with locked(self.folder) as folder:
                if not current.exists() or not current.stat().st_size:
                    return None
                name = f"import-{time.time_ns():020d}-{secrets.token_hex(4)}.jsonl"
                closed = current.rename(self.folder / name)
                os.fsync(folder)
                return closed
        except OSError as error:
            raise SpoolError(f"the spool {self.folder} could not be imported: {error.strerror}.") from error

    def _require_rights(self, *paths: Path) -> None:
        for path in paths:
            if not os.access(path, os.R_OK | os.W_OK) and path.exists():  # else imported meanwhile
                raise self._unusable(path, "it cannot be written by this user, or the disk is read-only")

    def _unusable(self, path: Path, reason: str) -> ConfigurationError:
        return ConfigurationError(
            f"[spool] path: {path} cannot be used: {reason}. "
            "Give the user that runs wxbot all rights to it, or name another folder."
        )


def _sizes(files: Iterable[Path]) -> Iterator[int]:
    for path in files:
        with suppress(FileNotFoundError):  # imported meanwhile
            if size := path.stat().st_size:
                yield size


def _append(folder: int, name: str, lines: bytes) -> None:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    file = os.open(name, flags, 0o600, dir_fd=folder)
    try:
        if os.fstat(file).st_size == 0:
            os.fsync(folder)
        _append_whole(file, lines)
    finally:
        os.close(file)


def _append_whole(file: int, lines: bytes) -> None:
    """Write and fsync all or nothing."""
    size = os.fstat(file).st_size
    if size and os.pread(file, 1, size - 1) != b"\n":
        lines = b"\n" + lines  # a writer was killed within its line, which nobody relies on
    rest = memoryview(lines)
    try:
        while rest:
            rest = rest[os.write(file, rest) :]
        os.fsync(file)
    except OSError:
        with suppress(OSError):
            os.ftruncate(file, size)
        raise


def _import_or_log(path: Path, enter: Callable[[Sequence[Spooled]], None]) -> int:
    try:
        return _import(path, enter)
    except SpoolError as error:  # this file must not keep the others
        log.error("%s", error)
        return 0


def _import(path: Path, enter: Callable[[Sequence[Spooled]], None]) -> int:
    """Enter one file and drop it; 0 when another importer has it."""
    with _owned(path) as file:
        if file is None:
            return 0
        count = damaged = 0
        entries = (from_line(line) for line in _lines(file, path))
        while batch := list(islice(entries, _BATCH)):
            whole = [entry for entry in batch if entry is not None]
            if whole:
                enter(whole)
            count += len(whole)
            damaged += len(batch) - len(whole)
        try:
            if damaged:
                _set_aside(file, path, damaged)
            else:
                path.unlink()
        except OSError as error:
            raise SpoolError(
                f"{path} was imported but could not be removed: {error.strerror}. It will be imported again, "
                "which changes nothing; give the user that runs wxbot all rights to the folder."
            ) from error
    return count


@contextmanager
def _owned(path: Path) -> Iterator[IO[bytes] | None]:
    """Open a file that is to be imported, for one importer alone; None when it has another."""
    try:
        file = path.open("r+b")
    except FileNotFoundError:  # dropped by another importer just now
        yield None
        return
    except OSError as error:
        raise _unreadable(path, error) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        try:
            # Opened before another importer dropped it, locked afterwards.
            yield file if os.fstat(file.fileno()).st_nlink else None
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)


def _lines(file: IO[bytes], path: Path) -> Iterator[bytes]:
    try:
        while line := file.readline(_LINE_BYTES):
            start = max(0, line.rfind(LINE_START))
            if start:
                yield line[:start]  # damaged; what stands whole behind it was acknowledged
            yield line[start:]
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> SpoolError:
    return SpoolError(
        f"{path} could not be read: {error.strerror}. Its events are not in the database yet; "
        "the import tries again until it can be read."
    )


def _set_aside(file: IO[bytes], path: Path, damaged: int) -> None:
    """Keep the damaged lines of an imported file; all of it where even these find no space."""
    kept = path.with_name("damaged-" + path.name.removeprefix("import-"))
    file.seek(0)
    try:
        _write_new(kept, (line for line in _lines(file, path) if from_line(line) is None))
        path.unlink()
    except OSError:
        path.replace(kept)
    log.error(
        "%d damaged lines of the spool were set aside in %s; all others were imported. A line is torn when a "
        "process is killed while it writes: such an event was not acknowledged. Look at them, then delete.",
        damaged,
        kept,
    )


def _write_new(path: Path, lines: Iterable[bytes]) -> None:
    with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
