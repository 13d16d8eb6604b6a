"""The engine: how the database is reached, whichever of the three it is."""

import os
from importlib import import_module
from pathlib import Path
from typing import Any
from weakref import WeakSet

from sqlalchemy import URL, Engine, create_engine, event, make_url

from wxbot.db.guard import PATIENCE_SECONDS
from wxbot.db.sqlite import GuardedConnection
from wxbot.db.turns import Turns
from wxbot.errors import ConfigurationError

# How long a server lets a statement wait for a row that somebody else is writing.
LOCK_SECONDS = 1.0

# Servers, and whatever stands between, hang up on connections that are idle for hours.
_RECYCLE_SECONDS = 1800

_EXTRAS = {"postgresql": ("postgres", "psycopg"), "mysql": ("mysql", "pymysql")}


def open_engine(url: str, *, connections: int = 32) -> Engine:
    """Return an engine; an SQLite file's folder is made when it is missing.

    `connections` is the most that are open at once; a caller waits one second for a free one. Transactions
    are READ COMMITTED. Raises ConfigurationError when the database's driver is not installed.
    """
    database = make_url(url)
    if is_file(url) and database.database:
        Path(database.database).parent.mkdir(parents=True, exist_ok=True)
    engine = new_engine(url, pool_size=connections, max_overflow=0, pool_timeout=1.0)
    if is_file(url):
        event.listen(engine, "connect", _prepare)
    event.listen(engine, "checkin", _restore_patience)
    _engines.add(engine)
    return engine


def new_engine(url: str, *, lock_seconds: float = LOCK_SECONDS, **options: Any) -> Engine:
    """Return an engine whose connections are guarded; `options` are those of `create_engine`.

    `lock_seconds` is how long a server lets a statement wait for a lock; on SQLite, how long reads wait.
    """
    database = make_url(url)
    # Parameters are people's data, and exceptions end up in logs.
    # The recall joins rows that may not be there by their keys alone, which the linter takes for a mistake.
    options |= {"hide_parameters": True, "enable_from_linting": False}
    if "pool_size" in options:
        # SQLite's pages are kept by each connection: the one that was used last knows most of them.
        options["pool_use_lifo"] = True
    if is_file(url):
        factory = _guarded_connections(database)
        arguments = {"factory": factory, "isolation_level": None, "timeout": PATIENCE_SECONDS}
        return create_engine(database, connect_args=arguments | {"check_same_thread": False}, **options)
    driver = _driver(database)
    if database.get_backend_name() == "postgresql":
        arguments = driver.connect_arguments(database, lock_seconds=lock_seconds)
    else:
        arguments = driver.connect_arguments(lock_seconds=lock_seconds)
        options |= {"isolation_level": "READ COMMITTED"}
    engine = create_engine(database, connect_args=arguments, pool_recycle=_RECYCLE_SECONDS, **options)
    event.listen(engine, "do_connect", _connects_with(driver.open_connection))
    return engine


def retire(engine: Engine) -> None:
    """Dispose of an engine while connections may be out: each is closed when it comes back."""
    former = engine.pool
    engine.dispose()
    for pool in (former, engine.pool):
        event.listen(pool, "checkin", _close)


def is_file(url: str) -> bool:
    """Say whether the database is a file on this machine (SQLite) rather than a server."""
    return make_url(url).get_backend_name() == "sqlite"


def is_missing(url: str) -> bool:
    """Say whether the database is a file that has not been made yet."""
    path = make_url(url).database
    return is_file(url) and bool(path) and not Path(str(path)).exists()


def shown(url: str) -> str:
    """Return the database's address without password and options, to be read by people."""
    database = make_url(url)
    if is_file(url):
        return url
    name = database.get_backend_name()
    return str(URL.create(name, database.username, None, database.host, database.port, database.database))


def _driver(database: URL) -> Any:
    """Return our module for the database's driver, which may not be installed."""
    backend = database.get_backend_name()
    extra, package = _EXTRAS[backend]
    try:
        return import_module(f"wxbot.db.{backend}")
    except ImportError as error:
        if (error.name or package).partition(".")[0] not in (package, f"{package}_binary"):
            raise
        raise ConfigurationError(
            f"[database] url names {backend}, whose driver {package} is missing: pip install 'wxbot[{extra}]'"
        ) from error


def _connects_with(open_connection: Any) -> Any:
    def connect(_dialect: object, _record: object, arguments: Any, options: Any) -> Any:
        return open_connection(*arguments, **options)

    return connect


def _guarded_connections(database: URL) -> type[GuardedConnection]:
    """Return the class of an engine's connections: those that queue for the same write lock."""
    file = database.database
    is_beside = file and file != ":memory:" and not file.startswith("file:")
    # As of now, like the database's own: a handler may change the directory.
    path = str(Path(str(file)).absolute()) if is_beside else None

    class QueuedConnection(GuardedConnection):
        turns = Turns(path)

    _queues.add(QueuedConnection)
    return QueuedConnection


def _prepare(connection: Any, _record: object) -> None:
    """WAL, set by the migrations, and `synchronous=FULL`: what is committed survives a power cut.

    What is deleted is overwritten: many builds of SQLite leave it in the file, where a person could be found.
    """
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _close(connection: Any, _record: object) -> None:
    if connection is not None:
        connection.close()


def _restore_patience(connection: Any, _record: object) -> None:
    if connection is not None:
        connection.patience_seconds = connection.usual_patience_seconds


_engines: WeakSet[Engine] = WeakSet()
_queues: WeakSet[type[GuardedConnection]] = WeakSet()


def _forget_connections() -> None:
    """After a fork: the connections, and SQLite's queue for the write lock, are the parent's."""
    for engine in list(_engines):
        engine.dispose(close=False)
    for queue in list(_queues):
        queue.turns.close()
        queue.turns = Turns(queue.turns.path)


os.register_at_fork(after_in_child=_forget_connections)
