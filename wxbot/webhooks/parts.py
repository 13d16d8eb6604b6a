"""The parts of webhooks, put together for one process."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from wxbot import clock
from wxbot.db.database import Database
from wxbot.jobs.work import Work
from wxbot.settings import Settings
from wxbot.webhooks.addresses import Rules
from wxbot.webhooks.deliveries import Deliveries
from wxbot.webhooks.delivering import Delivering
from wxbot.webhooks.pace import Pace
from wxbot.webhooks.publishing import DELIVER, Publisher
from wxbot.webhooks.sending import Sender
from wxbot.webhooks.store import Webhooks
from wxbot.webhooks.telling import EventListener, Teller


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """What makes webhooks, publishes to them, delivers, and keeps the log."""

    webhooks: Webhooks
    deliveries: Deliveries
    publisher: Publisher
    delivering: Delivering
    listener: EventListener
    teller: Teller

    def find(self, name: str) -> Work | None:
        """Return how jobs of this name are done, if they are ours."""
        return self.delivering.work() if name == DELIVER else None


def hooks_of(
    configured: Settings,
    database: Database,
    *,
    keys: Sequence[str],
    now: Callable[[], datetime] = clock.now,
) -> Hooks:
    """Return the webhooks of the settings; if their database is there, they are known from the start."""
    wanted = configured.webhooks
    rules = Rules(allow_private=wanted.allow_private, ports=frozenset(wanted.ports))
    # Half of a worker's threads are always there for other work than one webhook's.
    most = max(1, configured.jobs.threads // 2)
    hooks = build_hooks(database.engine, keys=keys, rules=rules, most=most, now=now)
    if database.is_prepared:
        hooks.publisher.look()
    return hooks


def build_hooks(
    engine: Engine,
    *,
    keys: Sequence[str],
    rules: Rules,
    most: int = 2,
    sender: Sender | None = None,
    now: Callable[[], datetime] = clock.now,
) -> Hooks:
    """Return the parts; nothing is read yet. `most` attempts at one webhook are under way at a time."""
    publisher = Publisher(engine)
    webhooks = Webhooks(engine, keys=keys, rules=rules, changed=publisher.forget)
    deliveries = Deliveries(engine)
    return Hooks(
        webhooks=webhooks,
        deliveries=deliveries,
        publisher=publisher,
        delivering=Delivering(
            engine=engine,
            webhooks=webhooks,
            deliveries=deliveries,
            sender=sender or Sender(rules),
            pace=Pace(most),
            now=now,
        ),
        listener=EventListener(publisher),
        teller=Teller(publisher),
    )
