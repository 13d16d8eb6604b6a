"""Whose turn it is to write to an SQLite file: whoever waits is woken at once, in its process and in others.

SQLite itself lets a writer sleep and ask again, up to a tenth of a second apart. This decides about nothing
but the order: who may write is still SQLite's to say, so that without the lock beside the file, or when its
owner is frozen, everything goes on as if there were none (docs/decisions/0018-turns.md).
"""

import fcntl
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

# Nobody who works writes for longer: SQLite has to say whether there is a writer at all.
LONGEST_SECONDS = 2.0
# After so long without work the thread that waits for other processes ends.
_IDLE_SECONDS = 10.0


class Turns:
    """The writers of one process to one file; `path` is that of the database, None for one in memory."""

    def __init__(self, path: str | None) -> None:
        self.path = path
        self._mine = threading.Lock()
        self._lock = threading.Lock()
        self._file: int | None = None
        self._gate: threading.Lock | None = None
        self._asked = threading.Semaphore(0)
        self._is_waiting = False  # the doorman, for the lock of the file
        self._is_stuck = False  # somebody has waited in vain for what the doorman still waits for
        self._is_locked = False  # by the writer whose turn it is
        self._doorman: threading.Thread | None = None

    def take(self, seconds: float) -> bool:
        """Wait for so long at most; False: another thread of this process is at it. `give` must follow.

        Who has waited half of it for another process in vain, or two seconds, goes on, and hears from SQLite.
        """
        give_up_at = time.monotonic() + seconds
        if not self._mine.acquire(timeout=max(seconds, 0)):
            return False
        try:
            file = self._opened()
            if file is not None:
                seconds = min((give_up_at - time.monotonic()) / 2, LONGEST_SECONDS)
                self._is_locked = self._is_free(file) or self._has_waited(file, seconds)
        except BaseException:
            self.give()
            raise
        return True

    def give(self) -> None:
        """Let the next one have its turn."""
        if self._is_locked and self._file is not None:
            self._is_locked = False
            _unlock(self._file)
        self._mine.release()

    def close(self) -> None:
        """Close the file, in the child of a fork: the lock stays the parent's."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def __del__(self) -> None:
        self.close()

    def _opened(self) -> int | None:
        if self._file is None and self.path is not None:
            with suppress(OSError):  # a folder that cannot be written, a database that is not there
                self._file = _open_beside(self.path)
        return self._file

    def _is_free(self, file: int) -> bool:
        """Take the lock if nobody has it."""
        if self._is_waiting:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # most often that somebody has it
            return False
        return True

    def _has_waited(self, file: int, seconds: float) -> bool:
        """Have the doorman wait, as flock() itself waits for ever; False: in vain."""
        gate = threading.Lock()
        gate.acquire()
        with self._lock:
            if self._is_stuck or not self._has_doorman(file):
                return False
            self._gate = gate
            if not self._is_waiting:
                self._is_waiting = True
                self._asked.release()
        has_come = False
        try:
            has_come = gate.acquire(timeout=max(seconds, 0))
        finally:
            with self._lock:
                self._gate = None
                has_come = has_come or gate.acquire(blocking=False)
                self._is_stuck = self._is_waiting and not has_come
                self._is_locked = has_come  # also when we are interrupted here: `give` is called
        return has_come

    def _has_doorman(self, file: int) -> bool:
        if self._doorman is None:
            doorman = threading.Thread(target=self._wait_for_others, args=(file,), name="turns", daemon=True)
            try:
                doorman.start()
            except RuntimeError:  # the machine has no thread to give: SQLite's own way of waiting is left
                return False
            self._doorman = doorman
        return True

    def _wait_for_others(self, file: int) -> None:
        while True:
            if not self._asked.acquire(timeout=_IDLE_SECONDS):
                with self._lock:
                    if not self._is_waiting:
                        self._doorman = None
                        return
                continue
            with suppress(OSError):  # a file system without locks: then everybody's turn comes at once
                fcntl.flock(file, fcntl.LOCK_EX)
            with self._lock:
                if self._gate is None:
                    _unlock(file)  # nobody waits any more
                else:
                    self._gate.release()
                self._is_waiting = self._is_stuck = False


def _open_beside(database: str) -> int:
    """Open the file that is locked, which belongs to whom the database belongs to."""
    owner, path = Path(database).stat(), f"{database}-turn"
    # What stands there may be a trap for root, who migrates: a link, or a pipe that keeps whoever opens it.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        file = os.open(path, flags | os.O_CREAT | os.O_EXCL, owner.st_mode & 0o666)
    except FileExistsError:
        return os.open(path, flags)
    with suppress(OSError):
        os.fchmod(file, owner.st_mode & 0o666)
        os.fchown(file, owner.st_uid, owner.st_gid)
    return file


def _unlock(file: int) -> None:
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_UN)
