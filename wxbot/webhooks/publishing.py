"""What happened, written down for every webhook that wants it, in the transaction in which it happened."""

import json
import logging
import secrets
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import SQLAlchemyError

from wxbot import clock
from wxbot.db.business import webhook_deliveries
from wxbot.db.statements import database_now, insert_first
from wxbot.jobs.outbox import Job, derived_id
from wxbot.jobs.telling import enqueue_and_tell
from wxbot.webhooks import store
from wxbot.webhooks.webhook import TEST, Webhook

# The name of our job, as it stands in the ledger; its id is the delivery's.
DELIVER = "wxbot.webhook"
# How long a process may go by what it knows of the webhooks. A web process reads them again every four; where
# that does not happen, an event has somebody ask anew.
STALE_SECONDS = 5.0
_EARLY_SECONDS = 4.5

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class News:
    """Something that happened: `at` that moment, by default now.

    `data` names no person but by the digest, as `person` does. What is told again under the same `key` is not
    written again.
    """

    account: str
    kind: str
    data: Mapping[str, object]
    person: bytes | None = None
    key: bytes | None = None
    at: datetime | None = None


class Publisher:
    """Knows which webhooks want what. Safe to use from any thread.

    The database is asked by `tell`, in the caller's transaction, and beside the answer path.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: tuple[float, list[Webhook]] | None = None
        self._lock = threading.Lock()
        self._is_looking = False

    def tell(self, connection: Connection, news: News) -> list[bytes]:
        """Write a delivery, and its job, for each webhook that wants this kind; return their ids.

        With the caller's transaction they are there or not; the workers learn of them when it has ended.
        """
        wanted = [each for each in self._fresh(connection) if each.wants(news.account, news.kind)]
        if not wanted:
            return []
        body = _body(connection, news)
        ids = [(webhook.id, _new_id(webhook.id, news)) for webhook in wanted]
        return [id for webhook, id in ids if _add(connection, webhook, id, news=news, body=body)]

    def publish_test(
        self, connection: Connection, webhook: Webhook, account: str, *, is_queued: bool
    ) -> bytes:
        """Write a delivery that says nothing, to one webhook, whatever it wants; return its id.

        Not queued: the caller delivers it at once.
        """
        id = secrets.token_bytes(16)
        news = News(account=account, kind=TEST, data={"account": account, "webhook": webhook.id})
        body = _body(connection, news)
        _add(connection, webhook.id, id, news=news, body=body, is_queued=is_queued)
        return id

    def wants(self, account: str, kinds: Iterable[str]) -> bool:
        """Say whether any of these kinds may be wanted; memory only, for the answer path.

        True as well when what is known is too old to tell: then `tell` looks.
        """
        known = self._known
        age = STALE_SECONDS if known is None else clock.monotonic() - known[0]
        if age >= _EARLY_SECONDS:
            self._look_aside()
        if known is None or age >= STALE_SECONDS:
            return True
        return any(each.wants(account, kind) for each in known[1] for kind in kinds)

    def forget(self) -> None:
        """Look anew at the next occasion: a webhook has changed."""
        self._known = None

    def look(self) -> None:
        """Read the webhooks that there are, so that the first event need not be told of for nothing."""
        with self._engine.connect() as connection:
            self._read(connection)

    def look_if_possible(self) -> None:
        """Do `look`, unless the database is away."""
        try:
            self.look()
        except SQLAlchemyError as error:
            log.warning("the webhooks could not be read (%s)", type(error).__name__)

    def _fresh(self, connection: Connection) -> list[Webhook]:
        known = self._known
        if known is not None and clock.monotonic() - known[0] < STALE_SECONDS:
            return known[1]
        return self._read(connection)

    def _read(self, connection: Connection) -> list[Webhook]:
        began = clock.monotonic()
        found = store.active(connection)
        self._known = (began, found)
        return found

    def _look_aside(self) -> None:
        with self._lock:
            if self._is_looking:
                return
            self._is_looking = True
        try:
            threading.Thread(target=self._look, name="webhooks", daemon=True).start()
        except RuntimeError as error:  # what the event does is not lost for it, and the next one tries again
            self._is_looking = False
            log.warning("the webhooks could not be read (%s)", error)

    def _look(self) -> None:
        try:
            self.look_if_possible()
        finally:
            self._is_looking = False


def _new_id(webhook: str, news: News) -> bytes:
    if news.key is None:
        return secrets.token_bytes(16)
    return derived_id(b"webhook", webhook.encode(), news.kind.encode(), news.key)


def _body(connection: Connection, news: News) -> str:
    seconds = connection.scalar(select(database_now())) if news.at is None else int(news.at.timestamp())
    # In ASCII: the same bytes from any database, and short enough for its column with any text.
    body = {"type": news.kind, "timestamp": clock.moment_or_none(seconds), "data": news.data}
    return json.dumps(body, separators=(",", ":"))


def _add(
    connection: Connection, webhook: str, id: bytes, *, news: News, body: str, is_queued: bool = True
) -> bool:
    row: dict[str, object] = {"id": id, "webhook": webhook, "account": news.account, "kind": news.kind}
    row |= {"person": news.person, "body": body, "state": "waiting", "attempts": 0}
    if not insert_first(connection, webhook_deliveries, {**row, "created_at": database_now()}):
        return False
    if is_queued:
        enqueue_and_tell(connection, [Job(account=news.account, name=DELIVER, id=id)])
    return True
