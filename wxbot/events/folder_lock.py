"""The lock of a folder that several processes write to."""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Under it a line is written and fsynced.
_LOCK_SECONDS = 2.0
_LOCK_PAUSE_SECONDS = 0.005
_GIVE_WAY_SECONDS = 2 * _LOCK_PAUSE_SECONDS


@contextmanager
def locked(folder: Path) -> Iterator[int]:
    """Hold a folder alone among all processes; yields its descriptor.

    Raises TimeoutError when somebody else has held it for too long: a process that stands still, or its disk.
    flock() would wait without end, and the thread of a request with it.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _lock(descriptor)
        try:
            yield descriptor
        finally:
            # Closing would not unlock while a child that was forked meanwhile has the descriptor too.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def give_way() -> None:
    """Leave a folder alone for long enough that whoever waits in another process finds it unlocked.

    For who has just unlocked it and is to lock it again: others ask now and then, and the kernel puts nobody
    in a queue who does not wait for ever.
    """
    time.sleep(_GIVE_WAY_SECONDS)


def _lock(descriptor: int) -> None:
    give_up_at = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > give_up_at:
                held = f"another process has kept it locked for {_LOCK_SECONDS:g} s; is one of them frozen?"
                raise TimeoutError(errno.ETIMEDOUT, held) from None
        time.sleep(_LOCK_PAUSE_SECONDS)
