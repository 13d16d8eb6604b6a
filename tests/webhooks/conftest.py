"""Webhooks on an empty database, a site that they tell, and a worker without a process of its own."""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from tests.certificates import certify
from tests.services import fresh_database_url
from tests.webhooks.receiver import Receiver
from wxbot.db.business import webhook_deliveries
from wxbot.db.engine import open_engine, retire
from wxbot.db.models import jobs
from wxbot.db.statements import database_now
from wxbot.jobs.ledger import Ledger
from wxbot.jobs.running import Runner
from wxbot.webhooks.addresses import Rules
from wxbot.webhooks.deliveries import Attempt, Delivery
from wxbot.webhooks.parts import Hooks, build_hooks
from wxbot.webhooks.publishing import News
from wxbot.webhooks.sending import Sender
from wxbot.webhooks.webhook import KINDS, Draft, NewSecret

KEY = "a secret key that is only good enough for tests"
ANYWHERE = Rules(allow_private=True)
# What the site gets, which may stand still for a moment like every program of a busy machine.
SECONDS = 20.0


class Post:
    """The webhooks of one database, and what does their jobs."""

    def __init__(
        self,
        engine: Engine,
        *,
        sender: Sender | None = None,
        key: str = KEY,
        answer_seconds: float = SECONDS,
    ) -> None:
        self.engine = engine
        sender = sender or Sender(ANYWHERE, connect_seconds=SECONDS, answer_seconds=answer_seconds)
        self.hooks: Hooks = build_hooks(engine, keys=[key], rules=ANYWHERE, sender=sender)
        self.ledger = Ledger(engine)
        self.runner = Runner(self.ledger, self.hooks.find)

    def add(self, url: str, *kinds: str, **options: Any) -> NewSecret:
        """Make a webhook."""
        return self.hooks.webhooks.add(Draft(url=url, kinds=kinds or KINDS, **options))

    def publish(self, kind: str = "follow", *, account: str = "default", **options: Any) -> list[bytes]:
        """Tell of something in a transaction of its own; return the ids of the deliveries."""
        data = {"account": account, "number": options.pop("number", 1)}
        with self.engine.begin() as connection:
            news = News(account=account, kind=kind, data=data, **options)
            return self.hooks.publisher.tell(connection, news)

    def work(self) -> int:
        """Do the jobs that are due, each of them once however long it takes; return how many there were."""
        done: set[bytes] = set()
        while ids := [id for id in self.ledger.take_due(1000, grace_seconds=0) if id not in done]:
            done.update(id for id in ids if self.runner.run(id))
        return len(done)

    def hasten(self) -> None:
        """Let what waits for its next attempt be due now."""
        with self.engine.begin() as connection:
            due = update(jobs).where(jobs.c.state == "waiting")
            connection.execute(due.values(run_at=database_now(), dispatched_at=None))

    def delivery(self, id: bytes) -> Delivery:
        """Return a delivery."""
        found = self.hooks.deliveries.find(id)
        assert found is not None
        return found

    def deliveries(self) -> list[Delivery]:
        """Return all deliveries, the oldest first."""
        query = select(webhook_deliveries.c.id).order_by(webhook_deliveries.c.created_at)
        with self.engine.connect() as connection:
            ids = connection.execute(query).scalars().all()
        return [self.delivery(id) for id in ids]

    def attempts(self, id: bytes) -> list[Attempt]:
        """Return the attempts at a delivery."""
        return self.hooks.deliveries.attempts(id)

    def job(self, id: bytes) -> Any:
        """Return the row of a delivery's job, and how many seconds from now it is due."""
        due_in = (jobs.c.run_at - database_now()).label("due_in")
        with self.engine.connect() as connection:
            return connection.execute(select(jobs, due_in).where(jobs.c.id == id)).one()

    def shift(self, table: Any, **seconds: int) -> None:
        """Move times of all rows of a table from now: `shift(jobs, run_at=-60)`."""
        values = {name: database_now() + shift for name, shift in seconds.items()}
        with self.engine.begin() as connection:
            connection.execute(update(table).values(values))


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
def post(engine: Engine) -> Post:
    """Return the webhooks of the database, which may go to this machine."""
    return Post(engine)


@pytest.fixture
def start_site() -> Iterator[Callable[..., Receiver]]:
    """Return what starts a site."""
    started: list[Receiver] = []

    def start(*arguments: Any) -> Receiver:
        started.append(Receiver(*arguments))
        return started[-1]

    yield start
    for receiver in started:
        receiver.close()


@pytest.fixture
def site(start_site: Callable[..., Receiver]) -> Receiver:
    """Return a site that takes what it is told."""
    return start_site()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return what a server at shop.example.com needs, and what a client needs that trusts it."""
    made = certify(tmp_path_factory.mktemp("tls"), "shop.example.com")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(made.file, made.key)
    return server, ssl.create_default_context(cafile=made.file)
