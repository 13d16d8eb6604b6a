"""The queue: it carries the ids of jobs to workers. It may lose them; the ledger knows what is to do."""

import hmac
import logging
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from wxbot import clock

if TYPE_CHECKING:
    from huey.consumer import Consumer

    from wxbot.jobs.engine import Engine
    from wxbot.settings import Settings

log = logging.getLogger(__name__)

# What does not fit is found by the sweep when there is room.
MOST_PENDING = 10_000
# After a failure nobody waits for the engine again so soon; the sweep goes on without it.
_PAUSE_SECONDS = 5.0
# What runs when a worker is told to end may go on for so long.
STOP_SECONDS = 30


class Queue:
    """What hands jobs to the workers of all processes. Only ids travel, signed."""

    def __init__(self, open_engine: "Callable[[Queue], Engine]") -> None:
        self._open_engine = open_engine
        self._opened: Engine | None = None
        self._opening = threading.Lock()
        self._blocked_until = 0.0
        self._run: Callable[[bytes], object] = lambda _id: None

    @property
    def engine(self) -> "Engine":
        """What carries the ids, made when it is used first: many processes make no jobs."""
        with self._opening:
            if self._opened is None:
                self._opened = self._open_engine(self)
            return self._opened

    def dispatch(self, ids: Iterable[bytes]) -> bool:
        """Hand jobs over, after the commit that made them. Never raises; False: the sweep must do it."""
        wanted = list(ids)
        if not wanted:
            return True
        if clock.monotonic() < self._blocked_until:
            return False
        try:
            room = MOST_PENDING - self.engine.pending()
            for id in wanted[: max(0, room)]:
                self.engine.send(id)
        except Exception as error:  # a file or a server, each with errors of its own
            self._blocked_until = clock.monotonic() + _PAUSE_SECONDS
            log.warning("jobs wait for the next sweep: the queue is out of reach (%s)", type(error).__name__)
            return False
        return True

    def pending(self) -> int | None:
        """Return how many ids wait in the queue, None when it is out of reach."""
        try:
            return self.engine.pending()
        except Exception:
            return None

    def consumer(self, *, threads: int, run: Callable[[bytes], object]) -> "Consumer":
        """Return what takes from the queue: it calls `run` with ids."""
        self._run = run
        return self.engine.consumer(threads=threads, stop_seconds=STOP_SECONDS)

    def close(self) -> None:
        """Let go of files and connections."""
        if self._opened is not None:
            self._opened.storage.close()

    def receive(self, id: bytes) -> None:
        """Do what a worker does with an id that it took."""
        self._run(id)


def queue_of(configured: "Settings") -> Queue:
    """Return the queue that the settings ask for, as `open_queue` does."""
    return open_queue(
        backend=configured.jobs.backend,
        path=configured.jobs.path,
        redis_url=configured.redis.url.get_secret_value(),
        secret_key=configured.secret_key.get_secret_value(),
    )


def open_queue(*, backend: str, path: str, redis_url: str, secret_key: str) -> Queue:
    """Return the queue of the settings. Nothing has to be reachable yet.

    Raises ConfigurationError when the Redis client is not installed, or cannot read the URL.
    """
    key = hmac.digest(secret_key.encode(), b"wxbot jobs", "sha256")
    place = redis_url if backend == "redis" else str(Path(path).absolute())  # a handler may change the folder

    def open_engine(queue: Queue) -> "Engine":
        # Huey imports every client of a server that is installed.
        from wxbot.jobs import engine  # noqa: PLC0415

        return engine.open_engine(backend, place, key=key, queue=queue)

    queue = Queue(open_engine)
    if backend == "redis":
        _ = queue.engine  # whether its client is installed is known now
    return queue
