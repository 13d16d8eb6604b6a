"""What every driver's connection can do for us: be lent to a handler, be taken away, wait with an end."""

import re
from typing import Protocol, cast

from sqlalchemy import Connection

# On SQLite for the write lock: longer than a handler may hold it, so that who waits outlives the watchdog. On
# a server for the answer to one statement: longer than the server itself waits for a lock.
PATIENCE_SECONDS = 2.0

_LEAD = re.compile(r"\A(?:\s|;|/\*.*?\*/|--[^\n]*(?:\n|\Z)|#[^\n]*(?:\n|\Z))*", re.DOTALL)
_LINES = re.compile(r"\A(?:\s|;|--[^\n]*(?:\n|\Z))*")
_MARKS = re.compile(r"/\*|\*/")


class Guard(Protocol):
    """A driver's connection as units of work need it."""

    usual_patience_seconds: float
    patience_seconds: float
    is_fenced: bool

    def lend(self, write_seconds: float) -> None:
        """Lend the connection to a handler; on SQLite it may hold the write lock for this long."""

    def take_back(self) -> None:
        """End the lending: from now on the transaction can be ended."""

    def abandon(self) -> str | None:
        """Take everything away from a connection that another thread is using, so that its locks go.

        Returns the statement, if there is one, that another connection has to run for it.
        """

    def rollback(self) -> None:
        """Roll back what was written."""

    def wipe(self) -> None:
        """After the transaction: undo what a handler's statements have left beside it, or fence."""


def guarded(connection: Connection) -> Guard:
    """Return the guard behind SQLAlchemy's connection."""
    return cast(Guard, connection.connection.driver_connection)


def be_patient(connection: Connection, seconds: float) -> None:
    """Wait this long, and no longer, until the connection goes back to the pool.

    On SQLite for the write lock of each transaction, on a server for the answer to each statement.
    """
    guarded(connection).patience_seconds = seconds


def stripped(sql: str, *, nests: bool = False) -> str:
    """Return a statement without what may stand before its first word.

    `nests`: comments may stand within comments, as PostgreSQL has them.
    """
    if not nests:
        return _LEAD.sub("", sql, count=1)
    while (rest := _LINES.sub("", sql, count=1)).startswith("/*"):
        sql = _after_comment(rest)
    return rest


def _after_comment(sql: str) -> str:
    depth = 0
    for mark in _MARKS.finditer(sql):
        depth += 1 if mark[0] == "/*" else -1
        if not depth:
            return sql[mark.end() :]
    return ""


def refusal(call: str) -> str:
    """Return what a handler reads that tries to end our transaction."""
    return (
        f"{call} is refused: a handler's work is committed with the event. Use session.commit() and "
        "session.rollback(), which act on the handler's own part."
    )


FENCED = "the connection was taken away because its handler did not return; what it wrote was rolled back"
