"""A unit of work: the session a handler writes through, committed with its event or not at all."""

from collections.abc import Callable

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from wxbot.db.sqlite import guarded

WRITE_SECONDS = 1.0


class UnitOfWork:
    """One attempt's session on its own connection; nothing is opened until somebody asks.

    The outer transaction is ours. A handler's `session.commit()` and `session.rollback()` act on a
    savepoint inside it, so they can neither commit early nor undo the event's record. Used by one thread.
    """

    def __init__(self, engine: Engine, *, write_seconds: float = WRITE_SECONDS) -> None:
        self._engine = engine
        self._write_seconds = write_seconds
        self._connection: Connection | None = None
        self._session: Session | None = None

    def session(self) -> Session:
        """Return the session of this attempt, always the same one."""
        if self._session is None:
            self._session = Session(
                bind=self._open(), join_transaction_mode="create_savepoint", expire_on_commit=False
            )
        return self._session

    def flush(self) -> None:
        """Send what the handler left pending, so that its errors appear while it can still be blamed."""
        if self._session is not None:
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
        self._session = self._connection = None
        try:
            if session is not None:
                session.close()
        finally:
            if connection is not None:
                _release(connection)

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
            self._connection.begin()
            guarded(self._connection).lend(self._write_seconds)
        return self._connection


def _release(connection: Connection) -> None:
    if not connection.closed and not connection.invalidated:
        driver = guarded(connection)
        driver.take_back()
        # By hand: after a commit() that was refused, SQLAlchemy believes there is nothing left to undo.
        driver.rollback()
        if driver.is_fenced:
            connection.invalidate()
    connection.close()
