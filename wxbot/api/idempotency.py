"""Requests that carry an `Idempotency-Key`: carried out once, however often they are sent.

A request is written down before it is carried out. Its answer is written in the transaction of what it does,
so that there are both or neither; while it is carried out, the same request is told to wait.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256

from sqlalchemy import ColumnElement, Connection, Engine, RowMapping, and_, delete, select, update

from wxbot.clock import DAY_SECONDS
from wxbot.db.business import idempotent_requests as requests
from wxbot.db.patience import BATCH, in_batches, patiently
from wxbot.db.statements import database_now, insert_first
from wxbot.errors import WxbotError
from wxbot.wechat.sealing import Seal

KEPT_SECONDS = DAY_SECONDS
# Longer than any request takes. After that its process is lost, and the same request carries it out.
LEASE_SECONDS = 60
_PATIENCE_SECONDS = 5.0
_TRIES = 5


class MismatchError(WxbotError):
    """The key came with another request before."""


class StillRunningError(WxbotError):
    """The first request with this key is still being carried out."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the first request was answered."""

    status: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as it was sent: who sent it under which key, and the digest of all that it says."""

    api_key: str
    key: bytes
    request: bytes


def asked(api_key: str, key: str, *parts: bytes) -> Asked:
    """Return a request by what tells it from others: method, address, body."""
    whole = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return Asked(
        api_key=api_key,
        key=sha256(key.encode("utf-8", "surrogatepass")).digest()[:16],
        request=sha256(whole).digest(),
    )


class Attempt:
    """One attempt to carry out a request, which it alone may do until it is lost.

    `reached` is what an attempt that was lost before this one had noted, None for the first.
    """

    def __init__(
        self, engine: Engine, seal: Seal, asked: Asked, *, since: int, reached: str | None = None
    ) -> None:
        self._engine = engine
        self._seal = seal
        self._asked = asked
        self._since = since
        self.reached = reached
        self.is_finished = False

    def note(self, connection: Connection, reached: str) -> None:
        """Write in the caller's transaction how far it has come, for the attempt that follows a crash."""
        self._write(connection, status=None, text=reached)
        self.reached = reached

    def finish(self, connection: Connection, answer: Answer) -> None:
        """Write the answer in the transaction of what the request does."""
        self._write(connection, status=answer.status, text=answer.text)

    def finish_alone(self, answer: Answer) -> None:
        """Write the answer after something that is no transaction was done."""
        patiently(self._engine, lambda connection: self.finish(connection, answer), seconds=_PATIENCE_SECONDS)
        self.is_finished = True

    def give_up(self) -> None:
        """Let the same request be tried again at once: nothing was done, or only what is noted."""
        patiently(self._engine, self._give_up, seconds=_PATIENCE_SECONDS)

    def _give_up(self, connection: Connection) -> None:
        if self.reached is None:
            connection.execute(delete(requests).where(self._mine()))
        else:
            connection.execute(
                update(requests).where(self._mine()).values(created_at=self._since - LEASE_SECONDS)
            )

    def _write(self, connection: Connection, *, status: int | None, text: str) -> None:
        body = self._seal.close(text, about=_about(self._asked))
        mine = update(requests).where(self._mine()).values(status=status, body=body)
        if connection.execute(mine).rowcount != 1:
            # Somebody took it for lost: what this transaction did must not be.
            raise StillRunningError("the request took so long that it was begun anew; ask again")

    def _mine(self) -> ColumnElement[bool]:
        return and_(_is(self._asked), requests.c.status.is_(None), requests.c.created_at == self._since)


class Book:
    """All requests with a key of their own. Safe to use from any thread and any number of processes."""

    def __init__(self, engine: Engine, *, secret_keys: Sequence[str]) -> None:
        """Answers hold texts of codes and secrets: they are sealed with a key made from these."""
        self._engine = engine
        self._seal = Seal(secret_keys, purpose="idempotent requests")

    def begin(self, asked: Asked) -> Attempt | Answer:
        """Begin a request, or return the answer that it got before.

        Raises MismatchError when the key came with something else, StillRunningError while it is carried out.
        """
        for _ in range(_TRIES):
            # Each try is a transaction of its own: after a row that was there first, MySQL has a lock on it.
            begun = patiently(self._engine, partial(self._begin, asked=asked), seconds=_PATIENCE_SECONDS)
            if begun is not None:
                return begun
        raise StillRunningError("the request was begun elsewhere at the same moment; ask again")

    def _begin(self, connection: Connection, *, asked: Asked) -> Attempt | Answer | None:
        is_lost = (requests.c.created_at <= database_now() - LEASE_SECONDS).label("is_lost")
        found = connection.execute(select(requests, is_lost).where(_is(asked)))
        row = found.mappings().first()
        if row is not None:
            return self._met(connection, row, asked)
        new: dict[str, object] = {"api_key": asked.api_key, "key": asked.key, "request": asked.request}
        if not insert_first(connection, requests, new | {"created_at": database_now()}):
            return None
        return self._attempt(connection, asked)

    def _met(self, connection: Connection, row: RowMapping, asked: Asked) -> Attempt | Answer | None:
        if row["request"] != asked.request:
            raise MismatchError("this Idempotency-Key came with another request before; take a new key")
        text = None if row["body"] is None else self._seal.open(row["body"], about=_about(asked))
        if row["status"] is not None:
            if text is None:  # sealed with a secret_key that is gone
                raise MismatchError("the answer that belongs to this Idempotency-Key cannot be read any more")
            return Answer(status=row["status"], text=text)
        since = requests.c.created_at == row["created_at"]
        lost = update(requests).where(_is(asked), requests.c.status.is_(None), since)
        # Not a word to the database unless it is lost: on SQLite, others hold the lock meanwhile.
        if not row["is_lost"] or connection.execute(lost.values(created_at=database_now())).rowcount != 1:
            raise StillRunningError("the first request with this Idempotency-Key is still being carried out")
        return self._attempt(connection, asked, reached=text)

    def _attempt(self, connection: Connection, asked: Asked, *, reached: str | None = None) -> Attempt:
        since = connection.execute(select(requests.c.created_at).where(_is(asked))).scalar_one()
        return Attempt(self._engine, self._seal, asked, since=since, reached=reached)


def canonical(body: bytes) -> bytes:
    """Return the same bytes for the same JSON, however it was spaced and ordered."""
    try:
        return json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        return body


def forget_answered(engine: Engine) -> int:
    """Delete requests after a day, whether they were answered or not; return how many."""
    return in_batches(engine, _forget)


def _forget(connection: Connection) -> int:
    old = requests.c.created_at < database_now() - KEPT_SECONDS
    found = connection.execute(select(requests.c.api_key, requests.c.key).where(old).limit(BATCH)).all()
    for api_key, key in found:
        connection.execute(delete(requests).where(requests.c.api_key == api_key, requests.c.key == key, old))
    return len(found)


def _is(asked: Asked) -> ColumnElement[bool]:
    return and_(requests.c.api_key == asked.api_key, requests.c.key == asked.key)


def _about(asked: Asked) -> str:
    return f"{asked.api_key} {asked.key.hex()}"
