"""The engine: how the database is reached."""

import threading
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url

from wxbot.db.sqlite import PATIENCE_SECONDS, GuardedConnection


def open_engine(url: str, *, connections: int = 32) -> Engine:
    """Return an engine on an SQLite file; its folder is made when it is missing.

    `connections` is the most that are open at once; a caller waits one second for a free one. WAL and
    `synchronous=FULL` together mean that what is committed survives a power cut.
    """
    database = make_url(url).database
    if database:
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        connect_args={
            "factory": guarded_connections(),
            "isolation_level": None,
            "timeout": PATIENCE_SECONDS,
            "check_same_thread": False,
        },
        pool_size=connections,
        max_overflow=0,
        pool_timeout=1.0,
        hide_parameters=True,  # they are people's data, and exceptions end up in logs
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "checkin", _restore)
    return engine


def guarded_connections() -> type[GuardedConnection]:
    """Return the class of an engine's connections: those that queue for the same write lock."""

    class QueuedConnection(GuardedConnection):
        writers = threading.Lock()

    return QueuedConnection


def _prepare(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _restore(connection: Any, _record: object) -> None:
    if connection is not None:
        connection.patience_seconds = PATIENCE_SECONDS
