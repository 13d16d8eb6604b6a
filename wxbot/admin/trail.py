"""The audit log: who changed what, and when. Lines are added, never changed, and old ones deleted."""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, delete, insert, select

from wxbot import clock
from wxbot.admin.sessions import PATIENCE_SECONDS
from wxbot.admin.users import User
from wxbot.db.administration import audit
from wxbot.db.patience import BATCH, in_batches, patiently

COMMAND_LINE = "wxbot"
_LONGEST_SUBJECT = 255


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One change. `at` is seconds since 1970 in UTC; `user` is empty for somebody at the command line."""

    id: bytes
    at: int
    user: str | None
    name: str
    account: str | None
    action: str
    subject: str
    detail: Mapping[str, Any]


class Trail:
    """The audit log, as it is kept in the database."""

    def __init__(self, engine: Engine, *, now: Callable[[], datetime] = clock.now) -> None:
        self._engine = engine
        self._now = now

    def add(
        self, action: str, subject: str, *, user: User | None, account: str | None = None, **detail: object
    ) -> None:
        """Write that something was changed; `detail` must not hold secrets, and no person's openid."""
        at = self._now().timestamp()
        row = {
            "id": _time_in_id(at) + secrets.token_bytes(8),
            "at": int(at),
            "user": None if user is None else user.id,
            "name": COMMAND_LINE if user is None else user.name,
            "account": account,
            "action": action,
            "subject": subject[:_LONGEST_SUBJECT],
            "detail": json.dumps(detail, ensure_ascii=False),
        }
        patiently(
            self._engine, lambda connection: connection.execute(insert(audit), row), seconds=PATIENCE_SECONDS
        )

    def newest(self, limit: int, *, before: bytes | None = None, user: str | None = None) -> Sequence[Entry]:
        """Return entries, the newest first: those before an id, by a user's id."""
        query = select(audit).order_by(audit.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(audit.c.id < before)
        if user is not None:
            query = query.where(audit.c.user == user)
        with self._engine.connect() as connection:
            return [_entry(row) for row in connection.execute(query).mappings()]

    def forget_old(self, days: int) -> int:
        """Delete what is older than so many days; returns how many lines that were."""
        end = _time_in_id(self._now().timestamp() - days * clock.DAY_SECONDS)
        oldest = select(audit.c.id).where(audit.c.id < end).order_by(audit.c.id).limit(BATCH)

        def work(connection: Connection) -> int:
            ids = connection.execute(oldest).scalars().all()
            connection.execute(delete(audit).where(audit.c.id.in_(ids)))
            return len(ids)

        return in_batches(self._engine, work)


def _time_in_id(at: float) -> bytes:
    """Return how ids begin at a time: the newest and the oldest are found without another index."""
    return int(at * 1_000_000).to_bytes(8, "big")


def _entry(row: RowMapping) -> Entry:
    values = dict(row)
    return Entry(**values | {"id": bytes(values["id"]), "detail": json.loads(values["detail"])})
