"""The webhooks that there are: made, changed, given new secrets, switched off and on, removed."""

import json
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import fields
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, RowMapping, delete, func, insert, select, update

from wxbot.db.business import webhook_attempts, webhook_deliveries, webhooks
from wxbot.db.patience import BATCH, in_batches, patiently
from wxbot.db.statements import database_now
from wxbot.webhooks.addresses import Rules, read_url
from wxbot.webhooks.signing import new_secret
from wxbot.webhooks.webhook import (
    LONGEST_REASON,
    MOST_WEBHOOKS,
    Draft,
    NewSecret,
    Webhook,
    WebhookError,
    check_description,
    check_kinds,
)
from wxbot.wechat.sealing import Seal

OVERLAP_SECONDS = 24 * 3600
LONGEST_OVERLAP_SECONDS = 7 * 24 * 3600
_SHOWN = [webhooks.c[each.name] for each in fields(Webhook)]

# Which accounts somebody may see; None for all, then also what belongs to no single one.
Accounts = Collection[str] | None
Result = TypeVar("Result")


class Webhooks:
    """All webhooks of a deployment. Safe to use from any thread.

    `keys` are the secret keys, newest first: the secrets of webhooks are kept sealed with them. Whoever may
    see some accounts only is told of others' webhooks as if they did not exist. `changed` is called after
    each change, so that this process knows of it at once.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        keys: Sequence[str],
        rules: Rules,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._engine = engine
        self._seal = Seal(keys, purpose="webhook")
        self._changed = changed
        self.rules = rules

    def add(self, draft: Draft, *, within: Connection | None = None) -> NewSecret:
        """Make a webhook; its secret is returned here and never again. Raises WebhookError.

        `within` is a connection whose transaction the caller commits.
        """
        url = read_url(draft.url, self.rules).url
        id, secret = f"wh_{secrets.token_hex(6)}", new_secret()
        row = {
            "id": id,
            "account": draft.account,
            "url": url,
            "kinds": json.dumps(draft.kinds),
            "secret": self._seal.close(secret, about=id),
            "description": draft.description,
            "made_by": draft.made_by,
        }

        def write(connection: Connection) -> Webhook:
            if connection.execute(select(func.count()).select_from(webhooks)).scalar_one() >= MOST_WEBHOOKS:
                raise WebhookError(f"there are {MOST_WEBHOOKS} webhooks, and no more are kept: remove one")
            connection.execute(insert(webhooks).values(**row, created_at=database_now()))
            return _one(connection, webhooks.c.id == id)

        return NewSecret(webhook=self._write(write, within), secret=secret)

    def all(self, accounts: Accounts = None) -> list[Webhook]:
        """Return every webhook, the oldest first, disabled ones as well."""
        query = select(*_SHOWN).where(*_seen_by(accounts)).order_by(webhooks.c.created_at, webhooks.c.id)
        with self._engine.connect() as connection:
            return [_webhook(row) for row in connection.execute(query).mappings()]

    def find(self, id: str, accounts: Accounts = None) -> Webhook | None:
        """Return a webhook, None when there is none of this id."""
        with self._engine.connect() as connection:
            return _find(connection, webhooks.c.id == id, *_seen_by(accounts))

    def change(
        self,
        id: str,
        *,
        url: str | None = None,
        kinds: Sequence[str] | None = None,
        description: str | None = None,
        accounts: Accounts = None,
    ) -> Webhook | None:
        """Change what is given; None when there is no such webhook. Raises WebhookError.

        What waits to be delivered goes to the new URL.
        """
        values: dict[str, object] = {}
        if url is not None:
            values["url"] = read_url(url, self.rules).url
        if kinds is not None:
            check_kinds(kinds)
            values["kinds"] = json.dumps(list(kinds))
        if description is not None:
            check_description(description)
            values["description"] = description
        if not values:
            return self.find(id, accounts)
        return self._change(id, accounts, values)

    def rotate(
        self,
        id: str,
        *,
        overlap_seconds: int = OVERLAP_SECONDS,
        accounts: Accounts = None,
        within: Connection | None = None,
    ) -> NewSecret | None:
        """Make a new secret; for so long the present one signs as well. None: there is no such webhook."""
        if not 0 <= overlap_seconds <= LONGEST_OVERLAP_SECONDS:
            raise WebhookError(f"both secrets are good for 0 to {LONGEST_OVERLAP_SECONDS} seconds")
        secret = new_secret()
        # The present one moves as it is: what it was sealed about, the webhook, stays the same.
        values = {
            "old_secret": webhooks.c.secret if overlap_seconds else None,
            "old_until": database_now() + overlap_seconds if overlap_seconds else None,
        }

        def write(connection: Connection) -> Webhook | None:
            mine = webhooks.c.id == id, *_seen_by(accounts)
            # In two statements: MySQL takes each value as those before it have left the row.
            if connection.execute(update(webhooks).where(*mine).values(values)).rowcount != 1:
                return None
            sealed = self._seal.close(secret, about=id)
            connection.execute(update(webhooks).where(*mine).values(secret=sealed))
            return _one(connection, webhooks.c.id == id)

        webhook = self._write(write, within)
        return None if webhook is None else NewSecret(webhook=webhook, secret=secret)

    def disable(self, id: str, because: str, *, accounts: Accounts = None) -> Webhook | None:
        """Send nothing to a webhook any more; the first reason stays. None: there is no such webhook."""
        with self._engine.connect() as connection:
            found = _find(connection, webhooks.c.id == id, *_seen_by(accounts))
        if found is None or not found.is_active:
            return found
        values: dict[str, object] = {"disabled_at": database_now()}
        values |= {"disabled_because": because[:LONGEST_REASON]}
        return self._change(id, accounts, values, webhooks.c.disabled_at.is_(None))

    def enable(self, id: str, *, accounts: Accounts = None) -> Webhook | None:
        """Send to a webhook again; what was given up meanwhile has to be resent. None: there is none."""
        values: dict[str, object] = {"disabled_at": None, "disabled_because": None}
        return self._change(id, accounts, values)

    def remove(self, id: str, *, accounts: Accounts = None) -> bool:
        """Delete a webhook and the log of its deliveries; what waits is not sent. False: there is none."""
        mine = webhooks.c.id == id, *_seen_by(accounts)
        # First, so that nothing is added to it meanwhile.
        if not self._write(lambda connection: connection.execute(delete(webhooks).where(*mine)).rowcount):
            return False
        in_batches(self._engine, lambda connection: _remove_deliveries(connection, id))
        return True

    def keys_of(self, id: str) -> list[str]:
        """Return the secrets that sign for a webhook now, the newest first.

        None of them when no secret key opens them: then the webhook needs a new secret.
        """
        query = select(webhooks.c.secret, webhooks.c.old_secret, webhooks.c.old_until > database_now())
        with self._engine.connect() as connection:
            row = connection.execute(query.where(webhooks.c.id == id)).one_or_none()
        if row is None:
            return []
        sealed = [row[0], row[1]] if row[1] is not None and row[2] else [row[0]]
        opened = [self._seal.open(each, about=id) for each in sealed]
        return [each for each in opened if each is not None]

    def _change(
        self, id: str, accounts: Accounts, values: dict[str, object], *conditions: ColumnElement[bool]
    ) -> Webhook | None:
        def write(connection: Connection) -> Webhook | None:
            mine = webhooks.c.id == id, *_seen_by(accounts)
            connection.execute(update(webhooks).where(*mine, *conditions).values(values))
            return _find(connection, *mine)

        return self._write(write)

    def _write(self, work: Callable[[Connection], Result], within: Connection | None = None) -> Result:
        result = patiently(self._engine, work) if within is None else work(within)
        self._changed()
        return result


def active(connection: Connection) -> list[Webhook]:
    """Return the webhooks to which something may be sent."""
    query = select(*_SHOWN).where(webhooks.c.disabled_at.is_(None))
    return [_webhook(row) for row in connection.execute(query).mappings()]


def _one(connection: Connection, *conditions: ColumnElement[bool]) -> Webhook:
    found = _find(connection, *conditions)
    assert found is not None
    return found


def _find(connection: Connection, *conditions: ColumnElement[bool]) -> Webhook | None:
    row = connection.execute(select(*_SHOWN).where(*conditions)).mappings().first()
    return None if row is None else _webhook(row)


def _webhook(row: RowMapping) -> Webhook:
    return Webhook(**{**row, "kinds": tuple(json.loads(row["kinds"]))})


def _seen_by(accounts: Accounts) -> list[ColumnElement[bool]]:
    return [] if accounts is None else [webhooks.c.account.in_(list(accounts))]


def _remove_deliveries(connection: Connection, webhook: str) -> int:
    table = webhook_deliveries.c
    query = select(table.id).where(table.webhook == webhook).limit(BATCH)
    return delete_deliveries(connection, connection.execute(query).scalars().all())


def delete_deliveries(connection: Connection, ids: Sequence[bytes]) -> int:
    """Delete deliveries and their attempts; return how many there were."""
    if ids:
        connection.execute(delete(webhook_attempts).where(webhook_attempts.c.delivery.in_(ids)))
        connection.execute(delete(webhook_deliveries).where(webhook_deliveries.c.id.in_(ids)))
    return len(ids)
