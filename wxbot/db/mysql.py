"""The MySQL and MariaDB connection (pymysql): waits for nothing without end, and survives its handler."""

import re
import socket
import ssl
from contextlib import suppress
from functools import cache
from typing import Any

from pymysql.connections import Connection
from pymysql.err import OperationalError, ProgrammingError

from wxbot.db.guard import FENCED, refusal, stripped

_ANSWER_SECONDS = 10.0

# As PostgreSQL's idle_in_transaction_session_timeout; of the two only MariaDB has it, and reads `/*M!`.
_IDLE_SECONDS = 300
# Longer than the pool keeps a connection. The server's own is 8 hours, for which it would keep the locks of a
# machine that lost its power, where nothing else ends the transaction.
_SESSION_SECONDS = 2100

_CR_SERVER_LOST = 2013
_ER_LOCK_DEADLOCK = 1213

_DEADLOCK = (
    "a deadlock has rolled back all that was written before; nothing more can be written with this session"
)

# Everything else ends the transaction (all that changes tables does here, and a procedure may), or would
# outlive the handler.
_ALLOWED = re.compile(
    r"\(|(SELECT|INSERT|UPDATE|DELETE|REPLACE|WITH|VALUES|TABLE|SHOW|DESC|DESCRIBE|EXPLAIN|DO|SAVEPOINT"
    r"|RELEASE|ROLLBACK\s+(WORK\s+)?TO)\b",
    re.IGNORECASE,
)

# What leaves a lock or a variable behind that no end of a transaction takes away; not in people's words,
# which stand in the statement here.
_LEAVES = re.compile(r"\bget_lock\b|:=|\binto\s+@", re.IGNORECASE)
_WORDS = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)


def connect_arguments(*, lock_seconds: float) -> dict[str, Any]:
    """Return what pymysql is told beside the URL."""
    seconds = max(1, round(lock_seconds))
    return {
        "charset": "utf8mb4",
        "connect_timeout": 2,
        "read_timeout": _ANSWER_SECONDS,
        "write_timeout": _ANSWER_SECONDS,
        # Refuse what does not fit instead of clipping it.
        "sql_mode": "TRADITIONAL",
        "init_command": (
            f"SET SESSION innodb_lock_wait_timeout = {seconds}, lock_wait_timeout = {seconds},"
            f" wait_timeout = {_SESSION_SECONDS}"
            f" /*M!100300 , idle_write_transaction_timeout = {_IDLE_SECONDS} */"
        ),
    }


class GuardedConnection(Connection):  # type: ignore[misc]  # it has no types
    """A connection whose every wait has an end, except while it is lent: then abandon() is that end."""

    usual_patience_seconds = _ANSWER_SECONDS
    is_fenced = False
    _fenced_because = FENCED
    _is_lent = False
    _is_left_with = False
    _is_idle = False  # nothing was said since the last COMMIT or ROLLBACK
    _read_timeout: float | None

    def _get_patience(self) -> float:
        return float(self._read_timeout or _ANSWER_SECONDS)

    def _set_patience(self, seconds: float) -> None:
        self._read_timeout = max(0.001, seconds)

    patience_seconds = property(_get_patience, _set_patience, doc="How long an answer may take.")

    def connect(self, sock: Any = None) -> None:
        """Connect as pymysql does; a server that hangs may not greet."""
        self._read_timeout, usual = self.connect_timeout, self._read_timeout
        try:
            super().connect(sock)
        finally:
            self._read_timeout = usual

    def _create_ssl_ctx(self, sslp: Any) -> Any:
        """Return the context for TLS as pymysql does; where the URL names nothing, one for all connections.

        Then no certificate is looked at, and yet pymysql reads all of the machine's: for 20 ms each time.
        """
        return super()._create_ssl_ctx(sslp) if sslp else _tls_without_names()

    def lend(self, write_seconds: float) -> None:
        """Lend the connection to a handler; the server's row locks need no watchdog."""
        self._is_lent = True
        self._read_timeout = None

    def take_back(self) -> None:
        """End the lending: from now on the transaction can be ended."""
        self._is_lent = False
        self._read_timeout = _ANSWER_SECONDS

    def abandon(self) -> str | None:
        """Hang up while another thread uses the connection; a server that works does not notice by itself."""
        self.is_fenced = True
        sock = self._sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        return f"KILL {self.thread_id()}"

    def query(self, sql: Any, unbuffered: bool = False) -> Any:
        """Run one statement as pymysql does, unless the connection was fenced or a handler may not."""
        self._refuse_if_fenced()
        if self._is_lent:
            text = stripped(sql.decode(errors="replace") if isinstance(sql, bytes) else sql)
            if not _ALLOWED.match(text):
                raise ProgrammingError(0, refusal(text.split(None, 1)[0].upper() if text else "it"))
            if "@" in text or "get_lock" in text.lower():
                self._is_left_with = self._is_left_with or _LEAVES.search(_WORDS.sub("", text)) is not None
        self._is_idle = False
        try:
            return super().query(sql, unbuffered)
        except OperationalError as error:
            # It has rolled back the whole transaction: what the handler writes after catching this error must
            # not be committed without what it wrote before.
            if self._is_lent and error.args[0] == _ER_LOCK_DEADLOCK:
                self._fenced_because, self.is_fenced = _DEADLOCK, True
            raise

    def begin(self) -> None:
        """Begin, unless a handler asks for it."""
        self._refuse_if_lent("begin()")
        self._is_idle = False
        super().begin()

    def commit(self) -> None:
        """Commit, unless a handler asks for it."""
        self._refuse_if_lent("commit()")
        self._refuse_if_fenced()
        super().commit()
        self._is_idle = True

    def rollback(self) -> None:
        """Roll back, unless a handler asks for it or there is nothing.

        The pool asks for it whenever it gets a connection back, and pymysql would make the trip each time.
        """
        if not self.is_fenced:
            self._refuse_if_lent("rollback()")
            if not self._is_idle:
                super().rollback()
                self._is_idle = True

    def wipe(self) -> None:
        """Keep from the next one a session with a handler's locks or variables: both end."""
        self.is_fenced = self.is_fenced or self._is_left_with

    def _refuse_if_fenced(self) -> None:
        if self.is_fenced:
            raise OperationalError(_CR_SERVER_LOST, self._fenced_because)

    def _refuse_if_lent(self, call: str) -> None:
        if self._is_lent:
            raise ProgrammingError(0, refusal(f"{call} of the connection"))


@cache
def _tls_without_names() -> ssl.SSLContext:
    """Return what pymysql makes for a server whose certificate nobody looks at."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


open_connection = GuardedConnection
