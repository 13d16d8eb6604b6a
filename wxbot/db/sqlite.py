"""The SQLite connection: the write lock is taken late, held briefly, and can be taken away.

SQLite has one write lock for the whole file. Python's own transaction control would take a read
snapshot first and fail when it becomes a writer; SQLAlchemy's savepoints would open that snapshot by
themselves. So statements pass through here: reads run in autocommit, `BEGIN IMMEDIATE` comes before the
first write, and savepoints asked for until then are made at that moment.
"""

import sqlite3
import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

LOCK_TIMEOUT_SECONDS = 1.0
_READS = frozenset({"SELECT", "PRAGMA", "EXPLAIN", "VALUES"})
_OURS = frozenset({"BEGIN", "COMMIT", "END"})


class FencedError(sqlite3.OperationalError):
    """The connection held the write lock for too long; its work was rolled back and it is unusable."""


class GuardedCursor(sqlite3.Cursor):
    """A cursor whose statements pass through its connection's guard."""

    def execute(self, sql: str, parameters: Any = (), /) -> "GuardedCursor":
        """Run one statement as `sqlite3` does; raises FencedError when the connection was fenced."""
        self._guard().run(lambda: sqlite3.Cursor.execute(self, sql, parameters), sql)
        return self

    def executemany(self, sql: str, parameters: Any, /) -> "GuardedCursor":
        """Run one statement for many rows as `sqlite3` does; raises FencedError like `execute`."""
        self._guard().run(lambda: sqlite3.Cursor.executemany(self, sql, parameters), sql)
        return self

    def executescript(self, sql_script: str, /) -> "GuardedCursor":
        """Refuse: `sqlite3` commits before a script, which would tear a unit of work in two."""
        raise sqlite3.ProgrammingError("executescript() commits what was written so far; use execute()")

    def _guard(self) -> "GuardedConnection":
        connection = self.connection
        assert isinstance(connection, GuardedConnection)
        return connection


class GuardedConnection(sqlite3.Connection):
    """A connection that begins at its first write; `write_seconds` limits how long it may hold the lock."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.write_seconds: float | None = None
        self.is_fenced = False
        self._lock = threading.Lock()
        self._savepoints: list[str] = []
        self._watchdog: threading.Timer | None = None

    def cursor(self, factory: Any = None) -> GuardedCursor:  # type: ignore[override]
        """Return a guarded cursor; other cursor classes would go past the guard."""
        return super().cursor(GuardedCursor)

    def run(self, execute: Callable[[], object], sql: str) -> None:
        """Run a cursor's statement under the guard."""
        with self._lock:
            verb = sql.split(None, 1)[0].upper() if sql.strip() else ""
            if self.is_fenced and verb == "ROLLBACK":
                return  # it is rolled back already; an error here would hide the first one
            self._refuse_if_fenced()
            if verb in _OURS:
                raise sqlite3.ProgrammingError(
                    f"{verb} is refused: a handler's work is committed with the event"
                )
            if not self.in_transaction and not self._begin(verb, sql):
                return
            execute()

    def commit(self) -> None:
        """Commit what was written; raises FencedError when the watchdog has rolled it back."""
        with self._lock:
            self._refuse_if_fenced()
            self._forget()
            super().commit()

    def rollback(self) -> None:
        """Roll back what was written; harmless on a fenced connection."""
        with self._lock:
            self._forget()
            super().rollback()

    def fence(self) -> None:
        """Take the write lock away from a connection that another thread is using.

        Rolled back rather than closed: closing while a statement of another thread is alive leaves the
        lock in place until that statement is collected.
        """
        self.interrupt()
        with self._lock:
            if self.in_transaction:
                self.is_fenced = True
                super().rollback()

    def begin_write(self) -> None:
        """Take the write lock now rather than at the first write."""
        with self._lock:
            self._begin_immediate()

    def _begin_immediate(self) -> None:
        begin = super().cursor()
        begin.execute("BEGIN IMMEDIATE")
        for savepoint in self._savepoints:
            begin.execute(savepoint)

    def _begin(self, verb: str, sql: str) -> bool:
        """Outside a transaction: begin before a write, keep savepoints for later; False: nothing to run."""
        if verb == "SAVEPOINT":
            self._savepoints.append(sql)
            return False
        if verb in {"ROLLBACK", "RELEASE"}:
            self._end_savepoint(verb, sql.rsplit(maxsplit=1)[-1])
            return False
        if verb in _READS:
            return True
        self._begin_immediate()
        if self.write_seconds is not None:
            self._watchdog = threading.Timer(self.write_seconds, self.fence)
            self._watchdog.daemon = True
            self._watchdog.start()
        return True

    def _end_savepoint(self, verb: str, name: str) -> None:
        names = [savepoint.split()[-1] for savepoint in self._savepoints]
        if name in names:
            keep = names.index(name) + (1 if verb == "ROLLBACK" else 0)
            del self._savepoints[keep:]

    def _refuse_if_fenced(self) -> None:
        if self.is_fenced:
            raise FencedError(
                f"the session held SQLite's only write lock for more than {self.write_seconds} s; "
                "its work was rolled back. Write at the end of the handler, after the slow part."
            )

    def _forget(self) -> None:
        self._savepoints.clear()
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None


def guarded(connection: Connection) -> GuardedConnection:
    """Return the guard behind SQLAlchemy's connection."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, GuardedConnection)
    return driver
