"""The write lock is taken from a handler in the midst of a fetch: its process lives on.

In a process of its own each time, which a fault of this kind would end without a word, or keep for ever.
"""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from wxbot.db.sqlite import FencedError, GuardedConnection

pytestmark = pytest.mark.sqlite_only

# Rows that each take a while: what is interrupted is a fetch, not the statement's beginning.
_SCRIPT = """
import sqlite3, sys
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from wxbot.db.engine import open_engine
from wxbot.db.session import UnitOfWork

engine = open_engine(f"sqlite:///{sys.argv[1]}")
with engine.begin() as connection:
    connection.execute(text("CREATE TABLE notes (word TEXT)"))
slow = text(
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c WHERE x % 20000 = 0"
)
for _ in range(12):
    unit = UnitOfWork(engine, write_seconds=0.02)
    session = unit.session()
    session.execute(text("INSERT INTO notes VALUES ('never')"))
    try:
        result = session.connection().connection.cursor()
        result.execute(str(slow))
        FETCH
    except sqlite3.OperationalError:
        pass
    else:
        raise SystemExit("it was not fenced")
    unit.close()
with engine.begin() as connection:
    print(connection.execute(text("SELECT count(*) FROM notes")).scalar_one(), "left")
"""
_FETCHES = {
    "iterated": "for _ in result: pass",
    "one": "while result.fetchone(): pass",
    "many": "while result.fetchmany(3): pass",
    "all": "result.fetchall()",
}


@pytest.mark.parametrize("how", _FETCHES)
def test_a_fetch_may_be_interrupted_by_the_fence(tmp_path: Path, how: str) -> None:
    script = _SCRIPT.replace("FETCH", _FETCHES[how])

    ended = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", script, str(tmp_path / "notes.db")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (0, "0 left\n"), ended.stderr


def test_what_is_fetched_after_the_fence_is_refused(engine: Engine) -> None:
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, GuardedConnection)
        cursor = driver.execute("SELECT 1 UNION SELECT 2")
        cursor.fetchone()
        driver.abandon()

        for fetch in (cursor.fetchone, cursor.fetchall, cursor.fetchmany, lambda: next(cursor)):
            with pytest.raises(FencedError):
                fetch()
        connection.invalidate()


def test_the_shortcuts_of_a_connection_pass_the_guard_as_well(engine: Engine) -> None:
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, GuardedConnection)
        driver.lend(1.0)

        for call in (lambda: driver.execute("COMMIT"), lambda: driver.executemany("COMMIT", [()])):
            with pytest.raises(sqlite3.ProgrammingError, match="refused"):
                call()
        with pytest.raises(sqlite3.ProgrammingError, match="commits what was written"):
            driver.executescript("INSERT INTO notes VALUES ('never')")
        driver.execute("INSERT INTO notes VALUES (?)", ("never",))
        driver.take_back()
        driver.rollback()

    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM notes")).scalar_one() == 0
