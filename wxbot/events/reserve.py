"""A file that keeps room on a disk, and makes way when the disk is full."""

import errno
import logging
import os
import shutil
from contextlib import suppress
from pathlib import Path

# The longest document as a line of the spool; SQLite writes no more for a scan.
_EVENT_BYTES = 128 << 10

log = logging.getLogger(__name__)


def has_room(folder: Path) -> bool:
    """Tell whether an event finds room on the disk of a folder, as far as the disk says."""
    with suppress(OSError):
        disk = shutil.disk_usage(folder)
        return not disk.total or disk.free >= _EVENT_BYTES  # some file systems do not tell their size
    return True


class Reserve:
    """The reserve at `path`, of so many bytes; 0: none is kept. To be used by one process at a time."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._bytes = size

    def helps(self) -> bool:
        """Tell whether an event finds room, be it by giving up the reserve."""
        return self._path.exists() or has_room(self._path.parent)

    def make(self) -> None:
        """Set it aside, unless it is there or the disk has no room for it."""
        if not self._bytes or self._path.exists():
            return
        made = self._path.with_suffix(".new")
        try:
            with open(made, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                os.posix_fallocate(file.fileno(), 0, self._bytes)
            made.rename(self._path)
        except OSError as error:
            made.unlink(missing_ok=True)
            log.warning("no reserve for a full disk could be made in %s: %s", made.parent, error.strerror)

    def free_for(self, error: OSError) -> bool:
        """Give it up if the error says that the disk is full; False when that is of no use."""
        if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not self._path.exists():
            return False
        self._path.unlink()
        log.error("the disk of %s is full: the reserve was given up for events", self._path.parent)
        return True
