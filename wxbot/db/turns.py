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
        self._doorman: threading.Thread | None = None

    def take(self, seconds: float) -> bool:
        """Wait for so long at most; False: another thread of this process is at it. `give` must follow.

        Who has waited for another process in vain goes on, and hears from SQLite.
        """
        give_up_at = time.monotonic() + seconds
        if not self._mine.acquire(timeout=max(seconds, 0)):
            return False
        file = self._opened()
        if file is not None and not self._is_free(file):
            self._wait(file, give_up_at - time.monotonic())
        return True

    def give(self) -> None:
        """Let the next one have its turn."""
        if self._file is not None:
            _unlock(self._file)
        self._mine.release()

    def __del__(self) -> None:
        """Close the file. After a fork the child makes turns of its own: the lock stays with the parent."""
        if self._file is not None:
            os.close(self._file)

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
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks
            return True
        return True

    def _wait(self, file: int, seconds: float) -> None:
        """Have the doorman wait: flock() itself waits for ever."""
        gate = threading.Lock()
        gate.acquire()
        with self._lock:
            self._gate = gate
            if not self._is_waiting and self._has_doorman(file):
                self._is_waiting = True
                self._asked.release()
        gate.acquire(timeout=max(seconds, 0) if self._is_waiting else 0)
        with self._lock:
            self._gate = None

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
            with suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX)
            with self._lock:
                self._is_waiting = False
                if self._gate is None:
                    _unlock(file)  # nobody waits any more
                else:
                    self._gate.release()


def _open_beside(database: str) -> int:
    """Open the file that is locked, which belongs to whom the database belongs to."""
    owner = Path(database).stat()
    file = os.open(f"{database}-turn", os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, owner.st_mode & 0o666)
    if os.geteuid() == 0:
        with suppress(OSError):
            os.fchown(file, owner.st_uid, owner.st_gid)
    return file


def _unlock(file: int) -> None:
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_UN)
