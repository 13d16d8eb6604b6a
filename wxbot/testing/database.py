"""The tables of a test's database: made once by each process, and copied for each test."""

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from wxbot.db import migrate


@cache
def migrated_file() -> Path:
    """Return an SQLite file with all tables and nothing in them, to be copied; it goes with the process.

    To make the tables takes five times as long as all the rest of a bot.
    """
    folder = Path(tempfile.mkdtemp(prefix="wxbot-tables-"))
    atexit.register(_forget, folder, os.getpid())
    file = folder / "wxbot.db"
    migrate.upgrade(f"sqlite:///{file}")
    return file


def _forget(folder: Path, maker: int) -> None:
    """Take the tables away, unless this is a forked child that ends before the process that made them."""
    if os.getpid() == maker:
        shutil.rmtree(folder, ignore_errors=True)
