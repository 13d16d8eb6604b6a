"""What a database's error means, on each of the three, and how it is told."""

import re
import sqlite3

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from wxbot.db.engine import shown

_SQLITE_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
# Lock not available, deadlock, serialization failure.
_POSTGRESQL_BUSY = {"55P03", "40P01", "40001"}
# Lock wait timeout, deadlock, and MariaDB's "record has changed since last read".
_MYSQL_BUSY = {1205, 1213, 1020}
_DRIVERS = {"sqlite3", "psycopg", "pymysql"}

# Connection exceptions, shutdown, crash, starting up; too many connections.
_POSTGRESQL_GONE = ("08", "57P0", "53300")
# Cannot connect, gone away, lost; too many connections, shutdown, killed.
_MYSQL_GONE = {2002, 2003, 2006, 2013, 2055, 1040, 1053, 1927, 1203}


def is_busy(error: BaseException) -> bool:
    """Say whether others held what the statement needed, so that another try may succeed."""
    cause = _drivers_own(error)
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        return (code & 0xFF) in _SQLITE_BUSY
    return _sqlstate(cause) in _POSTGRESQL_BUSY or _number(cause) in _MYSQL_BUSY


def is_locked_out(error: BaseException) -> bool:
    """Say whether another process kept SQLite's write lock for as long as the statement could wait."""
    cause = _drivers_own(error)
    return ((getattr(cause, "sqlite_errorcode", None) or 0) & 0xFF) == sqlite3.SQLITE_BUSY


def is_disconnect(error: BaseException) -> bool:
    """Say whether the database was not reached, or the connection to it broke; never so for a file."""
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    cause = error.orig
    if type(cause).__module__.startswith("psycopg") and isinstance(error.orig, Exception):
        state = _sqlstate(cause)
        # libpq's own errors, as of a connection that was refused, have no state.
        return state.startswith(_POSTGRESQL_GONE) if state else type(cause).__name__.endswith(_NO_STATE)
    return _number(cause) in _MYSQL_GONE


def is_refusal(error: BaseException) -> bool:
    """Say whether PostgreSQL answered and let us not in (password, name), which time alone does not mend.

    Until a connection is there, psycopg has no code for its errors, only the server's words.
    """
    said = str(error.orig) if isinstance(error, DBAPIError) else ""
    return "FATAL" in said and not any(words in said for words in _POSTGRESQL_NOT_NOW)


_POSTGRESQL_NOT_NOW = ("starting up", "shutting down", "recovery", "too many", "remaining connection slots")
_LONG_PASSWORD = 8
_NO_STATE = ("OperationalError", "ConnectionTimeout")


def kind(error: BaseException) -> str:
    """Return what kind of error it is, with its number at the database: the words may hold what is stored."""
    cause = _drivers_own(error)
    code = getattr(cause, "sqlite_errorname", None) or _sqlstate(cause) or _number(cause)
    name = type(cause or error).__name__
    return f"{name} {code}" if code else name


def in_words(error: BaseException, url: str) -> str:
    """Return one line that says what is wrong with the database at `url`, without its password."""
    return f"the database {shown(url)} cannot be used: {_reason(error, url)}"


def in_chinese(error: BaseException, url: str) -> str:
    """Return the same in Chinese; what the database itself says stands as it is."""
    return f"数据库 {shown(url)} 无法使用：{_reason(error, url)}"


def _reason(error: BaseException, url: str) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    number = _number(cause)
    text = str(cause.args[1]) if number and len(cause.args) > 1 else str(cause)
    line = (text.strip().splitlines() or [type(cause).__name__])[0]
    return _without(str(make_url(url).password or ""), line)


def _without(password: str, line: str) -> str:
    """Hide a password where one stands, and a long one wherever it stands: a short one may be in any word."""
    if len(password) >= _LONG_PASSWORD:
        return line.replace(password, "***")
    hidden = re.escape(password)
    return re.sub(rf"(:|password=['\"]?){hidden}(?=@|['\"]|\s|$)", r"\1***", line) if password else line


def _drivers_own(error: BaseException) -> BaseException | None:
    """Return the driver's error; None for anybody else's, whose numbers mean something else."""
    if isinstance(error, DBAPIError):
        return error.orig
    modules = {str(each.__module__).partition(".")[0] for each in type(error).__mro__}
    return error if modules & _DRIVERS else None


def _sqlstate(cause: BaseException | None) -> str:
    return str(getattr(cause, "sqlstate", None) or "")


def _number(cause: BaseException | None) -> int:
    number = cause.args[0] if cause is not None and cause.args else 0
    return number if isinstance(number, int) else 0
