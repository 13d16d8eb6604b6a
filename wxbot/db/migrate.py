"""Migrations, run by the program itself: at the first start, and at every start after an upgrade."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from wxbot.db.engine import guarded_connections
from wxbot.db.sqlite import guarded
from wxbot.errors import ConfigurationError

# Several processes may start at once: the first migrates, the others wait this long for it.
WAIT_SECONDS = 60


def require_usable(url: str) -> None:
    """Raise ConfigurationError when the file cannot be there or cannot be written; changes nothing."""
    file = Path(make_url(url).database or "")
    folder = next(parent for parent in file.absolute().parents if parent.exists())
    if file.is_dir() or not folder.is_dir():
        raise ConfigurationError(f"[database] url: {file} cannot be a file; name one in a folder")
    for path in (folder, file):
        if path.exists() and not os.access(path, os.W_OK):
            raise ConfigurationError(f"[database] url: {path} cannot be written; give this user the right to")


def upgrade(url: str, *, revision: str = "head") -> None:
    """Bring the database at `url` up to `revision`; harmless when it is there already.

    Safe when several processes call it at once: the whole upgrade is one write transaction.
    """
    _move(url, lambda config: command.upgrade(config, revision))


def downgrade(url: str, *, revision: str) -> None:
    """Take the database at `url` back to `revision` (`base`: everything away)."""
    _move(url, lambda config: command.downgrade(config, revision))


def current(engine: Engine) -> str | None:
    """Return the revision the database is at, None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """Return the newest revision this program knows."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None
    return revision


def require_head(engine: Engine) -> None:
    """Raise ConfigurationError when the database was made by a newer or an older wxbot."""
    at = current(engine)
    if at != head():
        raise ConfigurationError(
            (f"[database] is at revision {at}, this wxbot needs {head()}. Run `wxbot db upgrade`.",)
        )


def _move(url: str, step: Callable[[Config], None]) -> None:
    require_usable(url)
    Path(make_url(url).database or "").parent.mkdir(parents=True, exist_ok=True)
    # No pool: a connection kept after the run would keep its lock as well.
    engine = create_engine(
        url,
        connect_args={
            "factory": guarded_connections(),
            "isolation_level": None,
            "timeout": WAIT_SECONDS,
        },
        poolclass=NullPool,
    )
    _use_wal(engine)
    config = _config()
    with engine.connect() as connection, connection.begin():
        # Before Alembic reads the version: who comes second waits here, and then finds nothing to do.
        guarded(connection).patience_seconds = WAIT_SECONDS
        guarded(connection).begin_write()
        config.attributes["connection"] = connection
        step(config)


def _use_wal(engine: Engine) -> None:
    """Switch the file to WAL; SQLite does not wait for the lock this needs, so we do."""
    give_up_at = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            return
        except OperationalError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.05)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_scripts()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _scripts() -> Path:
    """Return the folder of migrations: inside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "_migrations"
    return inside if inside.is_dir() else package.parent / "migrations"
