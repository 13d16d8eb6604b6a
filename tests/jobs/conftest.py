"""A ledger on an empty database, and what looks into it."""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, update

from tests.services import Redis, fresh_database_url
from wxbot.db.engine import open_engine, retire
from wxbot.db.models import followers, jobs
from wxbot.db.statements import database_now
from wxbot.jobs.ledger import Ledger
from wxbot.jobs.outbox import Job, enqueue
from wxbot.jobs.queue import Queue, open_queue

PERSON = b"p" * 16
SECRET = "0123456789abcdef0123456789abcdef"
# Redis has sixteen; a test begins with an empty one.
_DATABASES = itertools.cycle(range(16))


class Records:
    """The tables as a test sees them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def enqueue(self, name: str = "test.job", **options: Any) -> bytes:
        """Write one job and return its id."""
        with self.engine.begin() as connection:
            [id] = enqueue(connection, [Job(account="default", name=name, **options)])
        return id

    def job(self, id: bytes) -> Any:
        """Return a job's row."""
        with self.engine.connect() as connection:
            return connection.execute(select(jobs).where(jobs.c.id == id)).one()

    def shift(self, id: bytes, **seconds: int) -> None:
        """Move a job's times from now: `shift(id, run_at=-60)` makes it due a minute ago."""
        values = {column: database_now() + shift for column, shift in seconds.items()}
        with self.engine.begin() as connection:
            connection.execute(update(jobs).where(jobs.c.id == id).values(values))

    def move(self, id: bytes, seconds: int, *columns: str) -> None:
        """Let some of a job's times be so much later, as if a clock that was ahead had written them."""
        values = {column: jobs.c[column] + seconds for column in columns}
        with self.engine.begin() as connection:
            connection.execute(update(jobs).where(jobs.c.id == id).values(values))

    def follow(self) -> None:
        """Write the follower whom messages are kept for."""
        row: Mapping[str, object] = {
            "account": "default",
            "person": PERSON,
            "openid": "o",
            "first_seen_at": 1,
            "follows": 1,
        }
        with self.engine.begin() as connection:
            connection.execute(insert(followers).values(row))

    def kept_messages(self) -> int:
        """Return how many messages wait for the follower."""
        with self.engine.connect() as connection:
            return int(connection.execute(select(followers.c.kept_messages)).scalar_one())


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Return the URL of an empty database of the newest revision."""
    return fresh_database_url(tmp_path)


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """Return an engine on it."""
    engine = open_engine(url, connections=8)
    yield engine
    retire(engine)


@pytest.fixture
def records(engine: Engine) -> Records:
    """Return what writes jobs and looks at them."""
    return Records(engine)


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    """Return the ledger of the database."""
    return Ledger(engine)


@pytest.fixture
def finish(engine: Engine, ledger: Ledger) -> Callable[[Any], bool]:
    """Return what marks a claimed job as done in a transaction of its own."""

    def finish(claimed: Any) -> bool:
        with engine.begin() as connection:
            return ledger.finish(connection, claimed)

    return finish


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    """Return a Redis server of this session's own."""
    with Redis() as server:
        yield server


@pytest.fixture
def carrier(store: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where the queue is: a file beside SQLite, Redis beside the servers."""
    wanted = getattr(request, "param", "file" if store == "sqlite" else "redis")
    if wanted == "redis":
        server: Redis = request.getfixturevalue("redis_server")
        return server.url(next(_DATABASES))
    return str(tmp_path / "jobs" / "queue.db")


@pytest.fixture
def slow_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give Redis time: it may stand still for a moment, like every program of a busy machine."""
    for limit in ("_CONNECT_SECONDS", "_ANSWER_SECONDS"):
        monkeypatch.setattr(f"wxbot.jobs.engine.{limit}", 20.0)


@pytest.fixture
def queue(carrier: str, slow_redis: None) -> Iterator[Queue]:
    """Return a queue there."""
    queue = open_at(carrier)
    yield queue
    queue.close()


def open_at(carrier: str, *, secret_key: str = SECRET) -> Queue:
    """Open another queue at the same place, as another process would."""
    backend = "redis" if carrier.startswith("redis:") else "sqlite"
    return open_queue(backend=backend, path=carrier, redis_url=carrier, secret_key=secret_key)


def wait_for(has_come: Callable[[], object], what: str, *, seconds: float = 60) -> None:
    """Wait until something is so."""
    give_up_at = time.monotonic() + seconds
    while not has_come():
        assert time.monotonic() < give_up_at, f"waited {seconds} s in vain for: {what}"
        time.sleep(0.02)


@pytest.fixture
def wait() -> Callable[..., None]:
    """Return what waits until something is so."""
    return wait_for


@pytest.fixture
def open_another(carrier: str, slow_redis: None) -> Callable[..., Queue]:
    """Return what opens the test's queue as another process would."""

    def open_another(secret_key: str = SECRET) -> Queue:
        return open_at(carrier, secret_key=secret_key)

    return open_another
