"""A unit of work: the session a handler writes through, committed with its event or not at all."""

import threading
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from wxbot.db.guard import FENCED, Guard, guarded

WRITE_SECONDS = 1.0  # how long a handler may keep others from writing, on SQLite


class AbandonedError(SQLAlchemyError):
    """The unit of work was taken away from a handler that did not return."""


class UnitOfWork:
    """One attempt's session on its own connection; nothing is opened until somebody asks.

    The outer transaction is ours. A handler's `session.commit()` and `session.rollback()` act on a
    savepoint inside it, so they can neither commit early nor undo the event's record. Used by one thread,
    but for `abandon()`. `caused` are the ids of the jobs written in it, to be told after the commit.
    """

    def __init__(self, engine: Engine, *, write_seconds: float | None = None) -> None:
        self._engine = engine
        self._write_seconds = WRITE_SECONDS if write_seconds is None else write_seconds
        self._connection: Connection | None = None
        self._session: Session | None = None
        self._guard: Guard | None = None
        self._lock = threading.Lock()
        self._is_abandoned = False
        self.caused: list[bytes] = []

    def session(self) -> Session:
        """Return the session of this attempt, always the same one."""
        if self._session is None:
            self._session = Session(
                bind=self._open(), join_transaction_mode="create_savepoint", expire_on_commit=False
            )
        return self._session

    def flush(self) -> None:
        """Send what the handler left pending, so that its errors appear while it can still be blamed.

        Where nothing is pending, the session's listeners are not told of a commit once more.
        """
        if self._session is not None and self._session.in_transaction():
            self._session.commit()

    def commit(self, last: Callable[[Connection], bool]) -> bool:
        """Run `last` as the transaction's last statement and commit; False from it rolls everything back."""
        self.flush()
        connection = self._open()
        guarded(connection).take_back()
        if last(connection):
            connection.commit()
            self.close()
            return True
        self.close()
        return False

    def close(self) -> None:
        """Roll back what is not committed and give the connection back. The next session is a new one."""
        session, connection = self._session, self._connection
        with self._lock:
            self._session = self._connection = self._guard = None
        try:
            if session is not None:
                # What it would roll back may be gone already, with the connection or by a deadlock; and its
                # listeners are code of the handler's, which has ended.
                with suppress(Exception):
                    session.close()
        finally:
            if connection is not None:
                _release(connection)

    def abandon(self) -> None:
        """Take the connection away from a thread that does not return: what it wrote is undone, its locks go.

        To be called from another thread, and returns at once or after a second. Nothing of this unit can be
        committed afterwards; a commit that is under way may still succeed.
        """
        with self._lock:
            self._is_abandoned = True
            guard = self._guard
            statement = guard.abandon() if guard is not None else None
        if statement is not None:
            with suppress(SQLAlchemyError), self._engine.connect() as connection:
                connection.exec_driver_sql(statement)

    def _open(self) -> Connection:
        if self._connection is not None:
            return self._connection
        self._refuse_if_abandoned()
        self._connection = connection = self._engine.connect()
        connection.begin()
        with self._lock:
            self._guard = guarded(connection)
        self._guard.lend(self._write_seconds)
        self._refuse_if_abandoned()  # meanwhile
        return connection

    def _refuse_if_abandoned(self) -> None:
        if self._is_abandoned:
            raise AbandonedError(FENCED)


def _release(connection: Connection) -> None:
    if not connection.closed and not connection.invalidated:
        driver = guarded(connection)
        driver.take_back()
        try:
            # By hand: after a commit() that was refused, SQLAlchemy believes there is nothing left to undo.
            driver.rollback()
            driver.wipe()
        except Exception:  # a connection that broke; which class of error depends on the driver
            connection.invalidate()
        if driver.is_fenced:
            connection.invalidate()
    connection.close()
