"""Migrations, run by the program itself: at the first start, and at every start after an upgrade."""

import logging
import os
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from wxbot.db import sqlite
from wxbot.db.durability import durability_faults
from wxbot.db.engine import LOCK_SECONDS, is_file, new_engine
from wxbot.db.faults import is_busy
from wxbot.db.fit import Fit, fit_of, newer, revision_at, too_new
from wxbot.db.guard import be_patient
from wxbot.errors import ConfigurationError, WxbotError

# Several processes may start at once: the first migrates, the others wait this long for it.
WAIT_SECONDS = 60
_PAUSE_SECONDS = 0.05
_LONGEST_SECONDS = 3600  # for one step on a large table
_LOCK_NUMBER = 0x7778626F74  # "wxbot"

log = logging.getLogger(__name__)


def require_usable(url: str) -> None:
    """Raise ConfigurationError when an SQLite file cannot be there or cannot be written; changes nothing.

    Of a server it only asks that its driver is installed.
    """
    if not is_file(url):
        new_engine(url)
        return
    file = Path(make_url(url).database or "")
    folder = next(parent for parent in file.absolute().parents if parent.exists())
    if file.is_dir() or not folder.is_dir():
        raise ConfigurationError(f"[database] url: {file} cannot be a file; name one in a folder")
    for path in (folder, file):
        if path.exists() and not os.access(path, os.W_OK):
            raise ConfigurationError(f"[database] url: {path} cannot be written; give this user the right to")


def upgrade(url: str, *, revision: str = "head") -> None:
    """Bring the database at `url` up to `revision`; harmless when it is there already.

    Safe when several processes call it at once: one migrates, the others wait and find nothing to do. Where
    there is nothing to do nobody waits for a lock. What a newer wxbot has added to is left as it is. Raises
    ConfigurationError when it cannot be used for that reason, and when the server is set up to forget what
    it has confirmed.
    """
    if revision not in ("head", head()) or not _is_done(url):
        _move(url, lambda connection: _upgrade(connection, revision))


def downgrade(url: str, *, revision: str) -> None:
    """Take the database at `url` back to `revision` (`base`: everything away)."""
    _move(url, lambda connection: _run("downgrade", connection, revision))


def current(engine: Engine) -> str | None:
    """Return the revision the database is at, None for an empty one."""
    with engine.connect() as connection:
        return revision_at(connection)


def fit(engine: Engine) -> Fit:
    """Return how the database fits this program."""
    with engine.connect() as connection:
        return fit_of(connection, head())


@cache
def head() -> str:
    """Return the newest revision this program knows; they are numbered (0001_first_tables.py)."""
    return max(file.name.partition("_")[0] for file in _scripts().glob("versions/[0-9]*_*.py"))


def require_fit(engine: Engine) -> None:
    """Raise ConfigurationError when this program cannot use the database as it is."""
    found = fit(engine)
    if found is Fit.TOO_NEW:
        raise ConfigurationError((too_new(current(engine), head()),))
    if found is Fit.OLDER:
        at = current(engine)
        raise ConfigurationError(
            (f"[database] is at revision {at}, this wxbot needs {head()}. Run `wxbot db upgrade`.",)
        )


def _is_done(url: str) -> bool:
    """Look without a lock: whoever holds one, a handler or a frozen process, keeps nobody from starting."""
    require_usable(url)
    if is_file(url) and not Path(make_url(url).database or "").exists():
        return False
    try:
        with new_engine(url, poolclass=NullPool).connect() as connection:
            found = fit_of(connection, head())
            if found not in (Fit.EXACT, Fit.NEWER) or durability_faults(connection):
                return False
            if is_file(url) and connection.exec_driver_sql("PRAGMA journal_mode").scalar() != "wal":
                return False
            if found is Fit.NEWER:
                log.warning("%s", newer(revision_at(connection), head()))
            return True
    except OperationalError as error:
        if is_busy(error):
            return False
        raise


def _move(url: str, step: Callable[[Connection], None]) -> None:
    require_usable(url)
    if is_file(url):
        Path(make_url(url).database or "").parent.mkdir(parents=True, exist_ok=True)
    # No pool: a connection kept after the run would keep its lock as well. Whoever changes a table waits for
    # its readers, and everybody else for whoever waits: so briefly, and several times.
    engine = new_engine(url, poolclass=NullPool)
    if is_file(url):
        _use_wal(engine)
    give_up_at = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return _move_once(engine, step)
        except OperationalError as error:
            if not is_busy(error) or time.monotonic() > give_up_at:
                raise
        time.sleep(_PAUSE_SECONDS)


def _move_once(engine: Engine, step: Callable[[Connection], None]) -> None:
    with engine.connect() as connection, connection.begin():
        # Before the version is read: who comes second waits here, and then finds nothing to do.
        _queue(connection)
        if faults := durability_faults(connection):
            raise ConfigurationError(faults)
        step(connection)


def _upgrade(connection: Connection, revision: str) -> None:
    found = fit_of(connection, head())
    if found is Fit.TOO_NEW:
        raise ConfigurationError((too_new(revision_at(connection), head()),))
    if found is Fit.NEWER:
        log.warning("%s", newer(revision_at(connection), head()))
        return
    if found is Fit.EXACT and revision in ("head", head()):
        return
    _run("upgrade", connection, revision)


def _run(direction: Literal["upgrade", "downgrade"], connection: Connection, revision: str) -> None:
    """Let Alembic take the steps to `revision`."""
    # Alembic is large, and nearly every start finds nothing to do.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_scripts()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    (command.upgrade if direction == "upgrade" else command.downgrade)(config, revision)


def _queue(connection: Connection) -> None:
    """Wait until no other process migrates, and keep others out until the connection is closed."""
    is_sqlite = connection.dialect.name == "sqlite"
    be_patient(connection, WAIT_SECONDS if is_sqlite else _LONGEST_SECONDS)
    if is_sqlite:
        sqlite.guarded(connection).begin_write()
    elif connection.dialect.name == "postgresql":
        connection.execute(text(f"SET LOCAL lock_timeout = '{WAIT_SECONDS}s'"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK_NUMBER})"))
        connection.execute(text(f"SET LOCAL lock_timeout = '{round(LOCK_SECONDS)}s'"))
    else:
        # The names of these locks are the whole server's.
        lock = f"GET_LOCK(CONCAT('wxbot ', MD5(DATABASE())), {WAIT_SECONDS})"
        if connection.scalar(text(f"SELECT {lock}")) != 1:
            raise WxbotError(
                f"[database] another process has been migrating it for {WAIT_SECONDS} s; try again later"
            )


def _use_wal(engine: Engine) -> None:
    """Switch the file to WAL; SQLite does not wait for the lock this needs, so we do."""
    give_up_at = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            return
        except OperationalError as error:
            if not is_busy(error) or time.monotonic() > give_up_at:
                raise
            time.sleep(_PAUSE_SECONDS)


def _scripts() -> Path:
    """Return the folder of migrations: inside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "_migrations"
    return inside if inside.is_dir() else package.parent / "migrations"
