"""The engine below the queue: Huey, with a file or with Redis."""

import logging
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from huey import Huey
from huey.consumer import Consumer
from huey.serializer import SignedSerializer
from huey.storage import RedisStorage, SqliteStorage

from wxbot import clock
from wxbot.errors import ConfigurationError

log = logging.getLogger(__name__)

_TELL_SECONDS = 60.0
_CONNECT_SECONDS = 1.0
# More than the second for which a worker waits for an id.
_ANSWER_SECONDS = 1.5


class Receiver(Protocol):
    """Who gets the ids that a worker takes."""

    def receive(self, id: bytes) -> None:
        """Take an id."""


def open_engine(backend: str, place: str, *, key: bytes, queue: Receiver) -> "Engine":
    """Return the engine with its ids at `place`: the address of a Redis, or a file.

    Raises ConfigurationError when the Redis client is not installed, or cannot read the URL.
    """
    # Two bots on one server must not take each other's ids.
    name = f"wxbot{key.hex()[:12]}"
    serializer = SignedSerializer(secret=key.hex(), salt="wxbot jobs")
    if backend == "redis":
        storage: dict[str, Any] = {"storage_class": RedisStorage, "connection_pool": _redis_pool(place)}
    else:
        storage = {"storage_class": _File, "filename": place, "timeout": 2, "create_tables": False}
    engine = Engine(name, serializer=serializer, results=False, **storage)
    engine.serve(queue)
    return engine


def ask_redis(url: str) -> None:
    """Return if a Redis does what it is asked; raises what its client or `open_engine` does."""
    pool = _redis_pool(url)
    try:
        RedisStorage(connection_pool=pool).conn.ping()
    finally:
        pool.disconnect()


class Engine(Huey):  # type: ignore[misc]
    """Huey, but calm while its file or its server is out of reach, and about what others put there."""

    _told_at = -math.inf
    _send: Callable[[str], object]

    def serve(self, queue: Receiver) -> None:
        """Bring what workers take from the queue to `queue`."""
        self._send = self.task(name="job")(lambda key: queue.receive(bytes.fromhex(key)))

    def send(self, id: bytes) -> None:
        """Put an id into the queue."""
        self._send(id.hex())

    def pending(self) -> int:
        """Return how many ids wait."""
        return int(self.storage.queue_size())

    def consumer(self, *, threads: int, stop_seconds: float) -> Consumer:
        """Return what takes ids and brings them to whom this engine serves."""
        return _Consumer(
            self,
            workers=threads,
            periodic=False,
            initial_delay=0.05,
            max_delay=0.5,
            shutdown_timeout=stop_seconds,
        )

    def read_schedule(self, timestamp: Any = None) -> list[Any]:
        """Nothing is ever put off here: the ledger knows when a job is due."""
        return []

    def dequeue(self) -> Any:
        """Take an id; calm, and a second late, when that fails."""
        try:
            return super().dequeue()
        except Exception as error:
            if clock.monotonic() - self._told_at > _TELL_SECONDS:
                self._told_at = clock.monotonic()
                log.error("nothing can be taken from the queue (%s)", type(error).__name__)
            time.sleep(1)
            return None


class _Consumer(Consumer):  # type: ignore[misc]
    """Leaves the signals of the process to whoever runs it, on whichever thread."""

    def _set_signal_handlers(self) -> None:
        return


class _File(SqliteStorage):  # type: ignore[misc]
    """A file that may be deleted at any time: looked for at every use, made when it is missing."""

    _conn: Any
    _identity: tuple[int, int] | None = None

    @property
    def conn(self) -> Any:
        if self._conn is not None and self._identity != _identity(self.filename):
            self._conn.close()
            self._conn = None
        return super().conn

    def _create_connection(self) -> Any:
        Path(self.filename).parent.mkdir(parents=True, exist_ok=True)
        connection = super()._create_connection()
        # What a power cut takes away here is found by the sweep.
        connection.execute("pragma synchronous=normal")
        connection.execute("begin immediate")
        for statement in self.ddl:
            connection.execute(statement)
        connection.execute("commit")
        self._identity = _identity(self.filename)
        return connection


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _redis_pool(url: str) -> Any:
    try:
        from redis import ConnectionPool  # noqa: PLC0415 (an extra that few deployments need)
        from redis.backoff import NoBackoff  # noqa: PLC0415
        from redis.retry import Retry  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError(
            '[jobs] backend: redis needs the Redis client; install it with: pip install "wxbot[redis]"'
        ) from None
    try:
        # Its own retries would hold up the answer to a scan for many seconds.
        return ConnectionPool.from_url(
            url,
            socket_connect_timeout=_CONNECT_SECONDS,
            socket_timeout=_ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError:  # its words may hold a part of the password
        raise ConfigurationError(
            "[redis] url: the Redis client cannot read it; "
            "write signs in the password such as / and # as %2F and %23"
        ) from None
