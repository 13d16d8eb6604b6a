"""The SQLite connection: the write lock is taken late, held briefly, and can be taken away.

SQLite has one write lock for the whole file. Python's own transaction control would take a read
snapshot first and fail when it becomes a writer; SQLAlchemy's savepoints would open that snapshot by
themselves. So statements pass through here: reads run in autocommit, `BEGIN IMMEDIATE` comes before the
first write, and savepoints asked for until then are made at that moment.

A connection that is lent to a handler can do less: it cannot end the transaction, attach files, make
temporary tables or change settings, because all of that would outlive the handler.
"""

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar, TypeVar
from weakref import WeakSet

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from wxbot.db.guard import FENCED, PATIENCE_SECONDS, refusal
from wxbot.db.turns import Turns

Fetched = TypeVar("Fetched")

_READS = frozenset({"SELECT", "PRAGMA", "EXPLAIN", "VALUES"})
_ENDINGS = frozenset({"BEGIN", "COMMIT", "END"})
_READING_PRAGMAS = frozenset(
    {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo", "foreign_key_list"}
)
_LASTING = frozenset(
    {
        sqlite3.SQLITE_ATTACH,
        sqlite3.SQLITE_DETACH,
        sqlite3.SQLITE_CREATE_TEMP_TABLE,
        sqlite3.SQLITE_CREATE_TEMP_VIEW,
        sqlite3.SQLITE_CREATE_TEMP_TRIGGER,
        sqlite3.SQLITE_CREATE_TEMP_INDEX,
    }
)


_SAME_SECONDS = 0.05

_HELD_TOO_LONG = (
    "the session held SQLite's only write lock for too long; its work was rolled back. "
    "Write at the end of the handler, after the slow part."
)


class FencedError(sqlite3.OperationalError):
    """The connection held the write lock for too long; its work was rolled back and it is unusable."""


class GuardedCursor(sqlite3.Cursor):
    """A cursor whose statements pass through its connection's guard.

    Its fetches too: SQLite works on while rows are fetched, and a connection that another thread fences in
    the midst of it would end the process, or stand still for ever.
    """

    def execute(self, sql: str, parameters: Any = (), /) -> "GuardedCursor":
        """Run one statement as `sqlite3` does; raises FencedError when the connection was fenced."""
        self._guard().run(self, lambda: sqlite3.Cursor.execute(self, sql, parameters), sql)
        return self

    def executemany(self, sql: str, parameters: Any, /) -> "GuardedCursor":
        """Run one statement for many rows as `sqlite3` does; raises FencedError like `execute`."""
        self._guard().run(self, lambda: sqlite3.Cursor.executemany(self, sql, parameters), sql)
        return self

    def executescript(self, sql_script: str, /) -> "GuardedCursor":
        """Refuse: `sqlite3` commits before a script, which would tear a unit of work in two."""
        raise sqlite3.ProgrammingError("executescript() commits what was written so far; use execute()")

    def fetchone(self) -> Any:
        """Fetch as `sqlite3` does; raises FencedError when the connection was fenced."""
        return self._fetched(super().fetchone)

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """Fetch as `sqlite3` does; raises FencedError when the connection was fenced."""
        fetch = super().fetchmany
        return self._fetched(lambda: fetch(self.arraysize if size is None else size))

    def fetchall(self) -> list[Any]:
        """Fetch as `sqlite3` does; raises FencedError when the connection was fenced."""
        return self._fetched(super().fetchall)

    def __next__(self) -> Any:
        """Fetch as `sqlite3` does; raises FencedError when the connection was fenced."""
        return self._fetched(super().__next__)

    def close(self) -> None:
        """Close as `sqlite3` does."""
        with self._guard().lock:
            super().close()

    def _fetched(self, fetch: Callable[[], Fetched]) -> Fetched:
        guard = self._guard()
        with guard.lock:
            guard.refuse_if_fenced()
            return fetch()

    def _guard(self) -> "GuardedConnection":
        connection = self.connection
        assert isinstance(connection, GuardedConnection)
        return connection


class GuardedConnection(sqlite3.Connection):
    """A connection that begins at its first write.

    `patience_seconds` is how long that waits for the write lock. Subclasses made for one engine share its
    `turns`.
    """

    usual_patience_seconds = PATIENCE_SECONDS
    turns: ClassVar[Turns]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.patience_seconds = self.usual_patience_seconds
        self.is_fenced = False
        self._fenced_because = _HELD_TOO_LONG
        self._write_seconds: float | None = None  # given: the connection is lent to a handler
        # Whoever has SQLite work here holds it; again, where a result is closed in the midst of that.
        self.lock = threading.RLock()
        self._is_writer = False
        self._is_ours = False
        self._busy_seconds = PATIENCE_SECONDS  # as the engine asks for it
        self._savepoints: list[str] = []
        self._cursors: WeakSet[GuardedCursor] = WeakSet()
        self._watchdog: threading.Timer | None = None
        self.set_authorizer(self._authorize)

    def cursor(self, factory: Any = None) -> GuardedCursor:  # type: ignore[override]
        """Return a guarded cursor; other cursor classes would go past the guard."""
        cursor = super().cursor(GuardedCursor)
        self._cursors.add(cursor)
        return cursor

    def execute(self, sql: str, parameters: Any = (), /) -> GuardedCursor:
        """Run one statement on a cursor of its own; `sqlite3` would take one that passes the guard by."""
        return self.cursor().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Any, /) -> GuardedCursor:
        """Run one statement for many rows, as `execute`."""
        return self.cursor().executemany(sql, parameters)

    def executescript(self, sql_script: str, /) -> GuardedCursor:
        """Refuse, as the cursor does."""
        return self.cursor().executescript(sql_script)

    def lend(self, write_seconds: float) -> None:
        """Lend the connection to a handler, which may hold the write lock for this long."""
        self._write_seconds = write_seconds

    def take_back(self) -> None:
        """End the lending: from now on the transaction can be ended."""
        self._write_seconds = None

    def abandon(self) -> str | None:
        """Roll back what another thread has written here, and refuse whatever it does next."""
        with suppress(sqlite3.ProgrammingError):  # closed meanwhile
            self.interrupt()
        with self.lock, suppress(sqlite3.ProgrammingError):
            self._fenced_because = FENCED
            self._fence()
        return None

    def run(self, cursor: GuardedCursor, execute: Callable[[], object], sql: str) -> None:
        """Run a cursor's statement under the guard."""
        with self.lock:
            verb = sql.split(None, 1)[0].upper() if sql.strip() else ""
            if self._watchdog is not None and not self.in_transaction:
                # The interrupted statement has rolled everything back, and we are here before the fence.
                self._fence()
            if self.is_fenced and verb == "ROLLBACK":
                return  # it is rolled back already; an error here would hide the first one
            self.refuse_if_fenced()
            if verb in _ENDINGS or (self._write_seconds is not None and _is_ours(sql)):
                raise sqlite3.ProgrammingError(refusal(verb))
            if not self.in_transaction and not self._begin(verb, sql):
                return
            if verb == "RELEASE":
                self._close_results(but=cursor)
            execute()

    def commit(self) -> None:
        """Commit what was written; raises FencedError when the watchdog has rolled it back."""
        with self.lock:
            self._refuse_if_lent("commit()")
            self.refuse_if_fenced()
            self._end("COMMIT")

    def rollback(self) -> None:
        """Roll back what was written; harmless on a fenced connection."""
        with self.lock:
            if not self.is_fenced:
                self._refuse_if_lent("rollback()")
            self._end("ROLLBACK")

    def wipe(self) -> None:
        """Do nothing: what a statement could leave beside the transaction is refused here."""

    def close(self) -> None:
        """Close, and let the next writer go on."""
        self._forget()
        super().close()
        self._release()

    def begin_write(self) -> None:
        """Take the write lock now rather than at the first write."""
        with self.lock:
            self._begin_immediate()

    def empty_log(self) -> None:
        """Write SQLite's log into the file and cut it off, unless others read from it all the while."""
        with self.lock:
            if not self.turns.take(self.patience_seconds):
                return
            try:
                self._wait_for(self.patience_seconds)
                self._do("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                self.turns.give()

    def fence(self, watchdog: threading.Timer) -> None:
        """Take the write lock away from a connection that another thread is using.

        Rolled back rather than closed: closing while a statement of another thread is alive leaves the
        lock in place until that statement is collected.
        """
        if self._watchdog is not watchdog:
            return
        with suppress(sqlite3.ProgrammingError):  # closed meanwhile
            self.interrupt()
        with self.lock, suppress(sqlite3.ProgrammingError):
            # Also when the interrupted statement has rolled everything back by itself: what the handler
            # writes afterwards must not be committed without what it wrote before.
            if self._watchdog is watchdog:
                self._fence()

    def _fence(self) -> None:
        self.is_fenced = True
        self._end("ROLLBACK")

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
        if self._write_seconds is not None:
            watchdog = threading.Timer(self._write_seconds, lambda: self.fence(watchdog))
            watchdog.daemon = True
            self._watchdog = watchdog
            watchdog.start()
        return True

    def _begin_immediate(self) -> None:
        give_up_at = time.monotonic() + self.patience_seconds
        if not self.turns.take(self.patience_seconds):
            busy = sqlite3.OperationalError("database is locked by another writer of this process")
            busy.sqlite_errorcode = sqlite3.SQLITE_LOCKED  # what SQLite calls it within one process
            raise busy
        self._is_writer = True
        try:
            self._wait_for(give_up_at - time.monotonic())
            self._do("BEGIN IMMEDIATE")
            for savepoint in self._savepoints:
                self._do(savepoint)
        except BaseException:
            self._release()
            raise

    def _wait_for(self, seconds: float) -> None:
        """Let SQLite wait for so long; telling it takes as long as a statement, and mostly changes little."""
        if abs(seconds - self._busy_seconds) > _SAME_SECONDS:
            self._do(f"PRAGMA busy_timeout={max(0, int(seconds * 1000))}")
            self._busy_seconds = seconds

    def _do(self, sql: str) -> None:
        """Run a statement of our own. Unlike commit() and rollback(), it is kept prepared."""
        cursor = super().cursor()
        self._is_ours = True
        try:
            cursor.execute(sql)
        finally:
            self._is_ours = False
            cursor.close()

    def _end(self, verb: str) -> None:
        """Commit or roll back; an open result would keep the transaction, or its snapshot, alive."""
        self._forget()
        self._close_results()
        try:
            if self.in_transaction:
                self._do(verb)
        finally:
            if not self.in_transaction:
                self._release()

    def _close_results(self, *, but: GuardedCursor | None = None) -> None:
        if not len(self._cursors):
            return
        for cursor in list(self._cursors):
            if cursor is not but:
                cursor.close()

    def _end_savepoint(self, verb: str, name: str) -> None:
        names = [savepoint.split()[-1] for savepoint in self._savepoints]
        if name in names:
            keep = names.index(name) + (1 if verb == "ROLLBACK" else 0)
            del self._savepoints[keep:]

    def _authorize(self, action: int, first: str | None, second: str | None, *_: Any) -> int:
        """Refuse what a handler must not do, however it is spelled."""
        if self._is_ours or self._write_seconds is None:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_PRAGMA:
            is_reading = second is None or (first or "").lower() in _READING_PRAGMAS
            return sqlite3.SQLITE_OK if is_reading else sqlite3.SQLITE_DENY
        is_refused = action == sqlite3.SQLITE_TRANSACTION or action in _LASTING
        return sqlite3.SQLITE_DENY if is_refused else sqlite3.SQLITE_OK

    def refuse_if_fenced(self) -> None:
        """Raise FencedError when the connection was fenced."""
        if self.is_fenced:
            raise FencedError(self._fenced_because)

    def _refuse_if_lent(self, call: str) -> None:
        if self._write_seconds is not None:
            raise sqlite3.ProgrammingError(refusal(f"{call} of the connection"))

    def _forget(self) -> None:
        self._savepoints.clear()
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None

    def _release(self) -> None:
        if self._is_writer:
            self._is_writer = False
            self.turns.give()


def _is_ours(sql: str) -> bool:
    """Say whether we run this ourselves: kept prepared, it would pass a handler by the authorizer."""
    return sql == "ROLLBACK" or sql.startswith("PRAGMA busy_timeout=")


def begin_write(connection: Connection) -> None:
    """On SQLite, wait for the write lock now rather than at the first write; nothing on a server.

    Raises SQLAlchemy's OperationalError when others keep it for longer than the connection is patient, and
    what else the driver says as SQLAlchemy's, too.
    """
    if connection.dialect.name != "sqlite":
        return
    try:
        guarded(connection).begin_write()
    except sqlite3.Error as error:
        raise DBAPIError.instance("BEGIN IMMEDIATE", None, error, sqlite3.Error) from error


def guarded(connection: Connection) -> GuardedConnection:
    """Return the guard behind SQLAlchemy's connection to SQLite."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, GuardedConnection)
    return driver
