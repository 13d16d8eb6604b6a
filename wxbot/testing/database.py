"""The tables of a test's database: made once by each process, and copied for each test."""

import atexit
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
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = folder / "wxbot.db"
    migrate.upgrade(f"sqlite:///{file}")
    return file
