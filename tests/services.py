"""Private servers from the system's binaries, and a fresh database for each test on any of the three.

A server runs in a folder of its own, in memory where the machine has room, and ends with the tests. Tests
that stop, kill or pause a server start one for themselves: `with PostgreSQL() as server:`.
"""

import atexit
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import pymysql
import pytest
import redis
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from tests.processes import end_with_parent, family, is_stopped
from tests.recycling import Recycling
from wxbot.db import migrate
from wxbot.testing.database import migrated_file

STORES = ("sqlite", "postgresql", "mariadb")
PASSWORD = "pass%word@x"  # what has to be quoted in a URL
QUOTED_PASSWORD = "pass%25word%40x"
_USER = "wxbot"
_PATIENCE_SECONDS = 120.0
_PREFIX = "wxbot-test-"


class Server(ABC):
    """One server: a folder, a port and, while it runs, processes."""

    user = ""  # who runs it when the tests are root's, which some servers refuse to be
    package = ""

    def __init__(self, parent: Path | None = None) -> None:
        if reason := self.missing():
            pytest.skip(reason)
        self.folder = _folder(parent)
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._own(self.folder)
        atexit.register(self.close)
        self.prepare()
        self._start_first()

    @classmethod
    @abstractmethod
    def binary(cls) -> str | None:
        """Return the path of the server's program, None when this machine lacks it."""

    @classmethod
    def missing(cls) -> str | None:
        """Return why the server cannot run here, None when it can."""
        return None if cls.binary() else f"needs {cls.__name__}: install the package {cls.package}"

    @abstractmethod
    def prepare(self) -> None:
        """Make the files a server starts from."""

    @abstractmethod
    def command(self) -> list[str]:
        """Return the command that serves in the foreground."""

    @abstractmethod
    def ask(self) -> None:
        """Raise when the server does not answer."""

    def start(self) -> None:
        """Start, and wait until the server answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = self.popen(self.command(), stdout=log, stderr=log, start_new_session=True)
        give_up_at = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return self.ask()
            except Exception:
                if self._process.poll() is not None or time.monotonic() > give_up_at:
                    raise AssertionError(f"{type(self).__name__} does not start:\n{self.log()}") from None
            time.sleep(0.02)

    def _start_first(self) -> None:
        """Start; on another port when somebody was faster to take the one that was free."""
        for _ in range(3):
            try:
                return self.start()
            except AssertionError:
                if "ddress already in use" not in self.log():
                    raise
            self.port = free_port()
        return self.start()

    def stop(self) -> None:
        """Stop in good order, and wait until it is down."""
        self._end(self.stop_signal())

    def kill(self) -> None:
        """Kill all its processes at once, as a power cut would."""
        self._signal(signal.SIGKILL)
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Let it hang: connections stay open, nothing is answered."""
        self._signal(signal.SIGSTOP)
        give_up_at = time.monotonic() + _PATIENCE_SECONDS
        while not all(is_stopped(pid) for pid in self.processes()):
            assert time.monotonic() < give_up_at, "the server does not stop"
            time.sleep(0.002)

    def resume(self) -> None:
        """End a pause."""
        self._signal(signal.SIGCONT)

    def processes(self) -> list[int]:
        """Return the ids of its processes, the first one first."""
        return [] if self._process is None else family(self._process.pid)

    def log(self) -> str:
        """Return the end of what the server printed."""
        return (self.folder / "log").read_text(errors="replace")[-3000:]

    def stop_signal(self) -> signal.Signals:
        """Return the signal that stops it in good order."""
        return signal.SIGTERM

    def close(self) -> None:
        """Kill what runs and remove the folder."""
        atexit.unregister(self.close)
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def popen(self, command: list[str], **options: Any) -> "subprocess.Popen[bytes]":
        """Start a program as the user that the server needs."""
        if self.user and os.geteuid() == 0:
            group = pwd.getpwnam(self.user).pw_gid
            options |= {"user": self.user, "group": group, "extra_groups": []}
        # A MariaDB that starts deletes what looks like temporary tables, also those of others in use.
        options |= {"env": {**os.environ, "TMPDIR": str(self.folder)}}
        # It only makes one system call, so that threads do not matter.
        options |= {"preexec_fn": end_with_parent}
        return subprocess.Popen(command, cwd=self.folder, **options)

    def run(self, command: list[str]) -> None:
        """Run a program that has to succeed."""
        process = self.popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output = process.communicate(timeout=_PATIENCE_SECONDS)[0]
        assert process.returncode == 0, output.decode(errors="replace")

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _own(self, path: Path) -> None:
        if self.user and os.geteuid() == 0:
            shutil.chown(path, self.user)

    def _signal(self, number: signal.Signals) -> None:
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self.resume()
            with suppress(ProcessLookupError):
                self._process.send_signal(number)
            self._process.wait(timeout=_PATIENCE_SECONDS)
            self._process = None


class Database(Server):
    """A server of databases; `url()` names the one called wxbot, which is empty."""

    scheme = ""
    home = ""  # the database that is always there

    def url(self, name: str = "wxbot") -> str:
        """Return the address of a database."""
        return f"{self.scheme}://{_USER}:{QUOTED_PASSWORD}@127.0.0.1:{self.port}/{name}"

    def __init__(self, parent: Path | None = None) -> None:
        super().__init__(parent)
        self.execute("CREATE DATABASE wxbot")

    def execute(self, *statements: str, name: str | None = None) -> None:
        """Run statements, each for itself, on a new connection."""
        url = make_url(self.url(self.home if name is None else name))
        options = {"connect_timeout": 30}
        engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=options)
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))

    def ask(self) -> None:
        """Raise when the server does not answer."""
        self.execute("SELECT 1")

    @abstractmethod
    def copy(self, template: str, name: str) -> None:
        """Make a database like another one, which nobody uses."""


class PostgreSQL(Database):
    """A PostgreSQL of one's own."""

    user = "postgres"
    package = "postgresql"
    scheme = "postgresql+psycopg"
    home = "postgres"

    @classmethod
    def binary(cls) -> str | None:
        """Return the newest version's program: Debian has them out of the path."""
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=_version)
        return str(found[-1]) if found else shutil.which("postgres")

    def prepare(self) -> None:
        """Make the cluster."""
        words = self.folder / "password"
        words.write_text(PASSWORD)
        self._own(words)
        initdb = str(Path(self.binary() or "").with_name("initdb"))
        options = ["--auth=password", f"--pwfile={words}", "--encoding=UTF8", "--locale=C", "--no-sync"]
        self.run([initdb, f"--pgdata={self.folder / 'data'}", f"--username={_USER}", *options])

    def command(self) -> list[str]:
        """Return the command that serves in the foreground."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": 300,
            "shared_buffers": "64MB",
            "dynamic_shared_memory_type": "mmap",  # in the folder, so that it goes with it
        }
        given = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [self.binary() or "", "-D", str(self.folder / "data"), *given]

    def stop_signal(self) -> signal.Signals:
        """Do not wait for clients: a fast shutdown."""
        return signal.SIGINT

    def copy(self, template: str, name: str) -> None:
        """Make a database like another one, which nobody uses."""
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")


class MariaDB(Database):
    """A MariaDB of one's own."""

    user = "mysql"
    package = "mariadb-server"
    scheme = "mysql+pymysql"

    @classmethod
    def binary(cls) -> str | None:
        """Return the program's path."""
        return shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")

    def prepare(self) -> None:
        """Make the system's tables and the user."""
        sql = self.folder / "user.sql"
        sql.write_text(
            f"CREATE USER IF NOT EXISTS {_USER}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
            f"GRANT ALL ON *.* TO {_USER}@'127.0.0.1' WITH GRANT OPTION;\n"
        )
        self._own(sql)
        options = ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
        data = f"--datadir={self.folder / 'data'}"
        self.run(["mariadb-install-db", "--no-defaults", data, *options])

    def command(self) -> list[str]:
        """Return the command that serves in the foreground."""
        settings = {
            "datadir": self.folder / "data",
            "socket": self.folder / "socket",
            "init-file": self.folder / "user.sql",
            "pid-file": self.folder / "pid",
            "port": self.port,
            "bind-address": "127.0.0.1",
            "max-connections": 300,
            "innodb-buffer-pool-size": "64M",
            "innodb-log-file-size": "32M",
        }
        given = [f"--{name}={value}" for name, value in settings.items()]
        return [self.binary() or "", "--no-defaults", "--skip-name-resolve", *given]

    def copy(self, template: str, name: str) -> None:
        """Make a database like another one."""
        with self._connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
            cursor.execute(f"SHOW TABLES FROM {template}")
            for (table,) in cursor.fetchall():
                cursor.execute(f"CREATE TABLE {name}.{table} LIKE {template}.{table}")
            for table in ("alembic_version", "compatibility"):
                cursor.execute(f"INSERT INTO {name}.{table} SELECT * FROM {template}.{table}")

    def _connect(self) -> Any:
        # Else PyMySQL reads all certificates of the machine, and looks at none of them.
        given = {"user": _USER, "password": PASSWORD, "ssl_disabled": True}
        return pymysql.connect(host="127.0.0.1", port=self.port, autocommit=True, **given)


SERVERS: dict[str, type[Database]] = {"postgresql": PostgreSQL, "mariadb": MariaDB}


class Redis(Server):
    """A Redis of one's own; it keeps nothing on disk."""

    package = "redis-server"

    @classmethod
    def binary(cls) -> str | None:
        """Return the program's path."""
        return shutil.which("redis-server")

    def url(self, number: int = 0) -> str:
        """Return the address of one of its databases."""
        return f"redis://127.0.0.1:{self.port}/{number}"

    def prepare(self) -> None:
        """Nothing is needed."""

    def command(self) -> list[str]:
        """Return the command that serves in the foreground."""
        port = str(self.port)
        return [
            self.binary() or "",
            "--port",
            port,
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]

    def ask(self) -> None:
        """Raise when the server does not answer."""
        with redis.Redis(port=self.port, socket_timeout=5) as client:
            client.ping()


class Databases:
    """Gives out fresh databases on one store; folders name them, so that two bots may share one."""

    # So many are left alone: fixtures of whole modules and handlers that hang use theirs after a test.
    _KEPT = 40

    def __init__(self) -> None:
        self._given: dict[tuple[str, Path], str] = {}
        self._names: deque[tuple[Database, str]] = deque()
        self._recycling: dict[str, Recycling] = {}
        self._count = 0

    def url(self, store: str, file: Path, *, migrated: bool) -> str:
        """Return the address of this folder's database on a store, made when it is asked for first."""
        key = (store, file)
        if key not in self._given:
            self._given[key] = (
                self._file(file, migrated=migrated)
                if store == "sqlite"
                else self._on_server(server_of(store), migrated=migrated)
            )
        return self._given[key]

    def _file(self, file: Path, *, migrated: bool) -> str:
        file.parent.mkdir(parents=True, exist_ok=True)
        if migrated and not file.exists():
            shutil.copyfile(migrated_file(), file)
        return f"sqlite:///{file}"

    def _on_server(self, server: Database, *, migrated: bool) -> str:
        if migrated:
            return server.url(self._used_before(server) or self._copied(server))
        name = self._new_name()
        server.execute(f"CREATE DATABASE {name}")
        return server.url(name)

    def _new_name(self) -> str:
        self._count += 1
        return f"test_{self._count}"

    def _copied(self, server: Database) -> str:
        name = self._new_name()
        if server.scheme not in self._recycling:
            server.execute(f"CREATE DATABASE {_TEMPLATE}")
            migrate.upgrade(server.url(_TEMPLATE))
            self._recycling[server.scheme] = Recycling(server.url(_TEMPLATE))
        server.copy(_TEMPLATE, name)
        self._names.append((server, name))
        return name

    def _used_before(self, server: Database) -> str | None:
        """Return the database that was given away longest ago, empty again; None if there is none."""
        mine = [name for each, name in self._names if each is server]
        if len(mine) < self._KEPT:
            return None
        self._names.remove((server, mine[0]))
        if not self._recycling[server.scheme].empty(server.url(mine[0])):
            # Whoever is connected may be about to go; PostgreSQL refuses to drop it until then.
            with suppress(Exception):
                server.execute(f"DROP DATABASE {mine[0]}")
            return None
        self._names.append((server, mine[0]))
        return mine[0]


_TEMPLATE = "template_wxbot"
_databases = Databases()
_current = [os.environ.get("WXBOT_TEST_DATABASE") or "sqlite"]


def current_store() -> str:
    """Return the store that databases are made on now: sqlite, postgresql or mariadb."""
    return _current[-1]


@contextmanager
def on_store(store: str) -> Iterator[None]:
    """Make databases on a store meanwhile; skips the test where it is missing."""
    assert store in STORES, f"WXBOT_TEST_DATABASE: there is no store {store!r}"
    if store != "sqlite":
        server_of(store)
    _current.append(store)
    try:
        yield
    finally:
        _current.remove(store)


def fresh_database_url(folder: Path, *, name: str = "wxbot.db", migrated: bool = True) -> str:
    """Return the address of a database of one's own: on SQLite the file `name` in the folder.

    The same folder and name get the same database. With `migrated=False` it is empty.
    """
    return _databases.url(current_store(), folder / name, migrated=migrated)


@cache
def server_of(store: str) -> Database:
    """Return the server that the tests of this process share; skips where it is missing."""
    return SERVERS[store]()


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _folder(parent: Path | None = None) -> Path:
    """Make a folder that the server's user can reach, which pytest's folders are not."""
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**31
    parent = parent or (memory if has_room else Path(tempfile.gettempdir()))
    for left in parent.glob(f"{_PREFIX}*-*"):
        # Of tests that were killed.
        if not Path("/proc", left.name.removeprefix(_PREFIX).partition("-")[0]).exists():
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))


def _version(path: Path) -> float:
    return float(path.parent.parent.name)
