"""The PostgreSQL connection (psycopg): waits for nothing without end, and survives its handler."""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

import psycopg
from sqlalchemy import URL

from wxbot.db.guard import FENCED, refusal, stripped

_CANCEL_SECONDS = 1.0

# A transaction that nobody ends, because its machine is gone, holds its locks this long; hung handlers lose
# theirs before (`handlers.give_up_seconds`).
_IDLE_SECONDS = 300

_REFUSED = re.compile(
    # What ends the transaction, and what would outlive the handler.
    r"(BEGIN|START|COMMIT|END|ABORT|PREPARE\s+TRANSACTION|ROLLBACK(?!\s+((WORK|TRANSACTION)\s+)?TO\b)"
    r"|SET(?!\s+(LOCAL|CONSTRAINTS)\b)|RESET|DISCARD|LISTEN|LOAD"
    r"|CREATE\s+(OR\s+REPLACE\s+)?((LOCAL|GLOBAL)\s+)?TEMP(ORARY)?)\b",
    re.IGNORECASE,
)

# What may leave a lock, a setting, a table or a cursor behind that no end of a transaction takes away.
_LEAVING = re.compile(r"advisory_lock|set_config|pg_settings|pg_temp|\btemp(orary)?\b", re.IGNORECASE)
_LEAVES = re.compile(r"(DO|CALL|PREPARE|DECLARE)\b", re.IGNORECASE)


def connect_arguments(url: URL, *, lock_seconds: float) -> dict[str, Any]:
    """Return what psycopg is told beside the URL."""
    settings = {
        "lock_timeout": round(lock_seconds * 1000),
        "idle_in_transaction_session_timeout": _IDLE_SECONDS * 1000,
        "default_transaction_isolation": r"read\ committed",
    }
    ours = " ".join(f"-c {name}={value}" for name, value in settings.items())
    return {
        "options": f"{url.query.get('options', '')} {ours}".strip(),
        "connect_timeout": 2,
        # A server that vanished without a word is noticed after seconds, not after hours.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
    }


class GuardedCursor(psycopg.Cursor[Any]):
    """A cursor whose statements pass through its connection's guard."""

    def execute(self, query: Any, *arguments: Any, **options: Any) -> "GuardedCursor":
        """Run one statement as psycopg does, unless a handler may not."""
        if ";" in self._guard().check(query):
            # To be prepared, it has to be one statement; of several, sent as they are, each is run.
            options["prepare"] = True
        super().execute(query, *arguments, **options)
        return self

    def executemany(self, query: Any, *arguments: Any, **options: Any) -> None:
        """Run one statement for many rows as psycopg does, unless a handler may not."""
        self._guard().check(query)
        super().executemany(query, *arguments, **options)

    def _guard(self) -> "GuardedConnection":
        connection = self.connection
        assert isinstance(connection, GuardedConnection)
        return connection


class GuardedConnection(psycopg.Connection[Any]):
    """A connection whose every wait has an end, except while it is lent: then abandon() is that end."""

    usual_patience_seconds = 10.0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.cursor_factory = GuardedCursor
        self.patience_seconds = self.usual_patience_seconds
        self.is_fenced = False
        self._is_lent = False
        self._is_left_with = False
        self._wiped = 0

    def lend(self, write_seconds: float) -> None:
        """Lend the connection to a handler; the server's row locks need no watchdog."""
        self._is_lent = True

    def take_back(self) -> None:
        """End the lending: from now on the transaction can be ended."""
        self._is_lent = False

    def abandon(self) -> str | None:
        """Hang up while another thread uses the connection: the server rolls back when it notices."""
        self.is_fenced = True
        with suppress(psycopg.Error, OSError):
            # A server that works or waits for a lock does not look whether somebody still listens.
            self.cancel_safe(timeout=_CANCEL_SECONDS)
        with suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(self.pgconn.socket)) as ours:
            ours.shutdown(socket.SHUT_RDWR)
        return None

    def commit(self) -> None:
        """Commit, unless a handler asks for it."""
        self._refuse_if_lent("commit()")
        super().commit()

    def rollback(self) -> None:
        """Roll back, unless a handler asks for it."""
        if not self.is_fenced:
            self._refuse_if_lent("rollback()")
            super().rollback()

    def wipe(self) -> None:
        """Let go of locks and settings that a handler took for its session, which is the next one's too."""
        if self._is_left_with and not self.is_fenced:
            self._wiped += 1
            with self.alone():
                # New to psycopg each time: only then it reads the answer, and forgets what is prepared.
                self.execute(f"DISCARD ALL -- {self._wiped}")
            self._is_left_with = False

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let each statement stand for itself meanwhile: no BEGIN goes before it.

        Psycopg's setter takes a lock and goes through a wait for something that no server has to be told.
        """
        self._autocommit = True
        try:
            yield
        finally:
            self._autocommit = False

    def check(self, query: Any) -> str:
        """Refuse what a handler must not do; return what it does, and nothing of what we do."""
        if not self._is_lent:
            return ""
        sql = query.decode(errors="replace") if isinstance(query, bytes) else query
        text = stripped(sql if isinstance(sql, str) else sql.as_string(self), nests=True)
        if _REFUSED.match(text):
            raise psycopg.ProgrammingError(refusal(text.split(None, 1)[0].upper()))
        if _LEAVING.search(text) or _LEAVES.match(text):
            self._is_left_with = True
        return text

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait as psycopg does, but not for ever; a server that does not answer is given up."""
        if self.is_fenced:
            self._raise(FENCED)
        limit = None if self._is_lent else self.patience_seconds
        try:
            return super().wait(gen, interval, limit if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:
            if timeout is not None:
                raise
            self.close()
            self._raise(f"the database did not answer within {limit} s")

    def _raise(self, message: str) -> NoReturn:
        raise psycopg.OperationalError(message, pgconn=self.pgconn)

    def _refuse_if_lent(self, call: str) -> None:
        if self._is_lent:
            raise psycopg.ProgrammingError(refusal(f"{call} of the connection"))


open_connection = GuardedConnection.connect
