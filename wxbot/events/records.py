"""The record of an event: one row under a 16-byte key, the truth about what was answered.

A row is `running` while a claimed handler works, `late` when the deadline passed first, `done` when it is
settled. Its reply never changes once it is `late` or `done`. Each change is one conditional statement
whose row count says whether it was ours to make.
"""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Integer,
    RowMapping,
    and_,
    bindparam,
    cast,
    func,
    insert,
    literal,
    select,
    update,
)

from wxbot import clock, followers
from wxbot.db import models
from wxbot.db.sqlite import PATIENCE_SECONDS, guarded
from wxbot.errors import ForbiddenError
from wxbot.followers import Follower
from wxbot.outcome import Outcome, Status
from wxbot.wechat import replies
from wxbot.wechat.events import Event, Scan
from wxbot.wechat.replies import Acknowledgement, Reply

LEASE_SECONDS = 10
_BODY_BYTES = 4096  # of a malformed body: enough to see what was wrong

# Time by the database's clock, so that processes on several machines agree about a lease.
_DATABASE_NOW: ColumnElement[int] = cast(func.strftime("%s", "now"), Integer)


class State(StrEnum):
    """Where the record of an event stands."""

    RUNNING = "running"
    LATE = "late"
    DONE = "done"


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One arrival of an event: the same event may be delivered several times.

    `signed_by` digests the signature in the modes where the signature does not cover the body, else None.
    """

    event: Event
    signed_by: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class Recalled:
    """What is on record about an event: its state, the reply if there is one, the follower before it."""

    state: State | None = None
    reply: Reply | Acknowledgement | None = None
    follower: Follower | None = None
    is_signature_known: bool = field(default=True)


class Records:
    """Reads and writes the records. Safe to use from any thread; each call is its own transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def recall(self, delivery: Delivery) -> Recalled:
        """Return what is known before a handler runs, in one statement.

        Raises ForbiddenError when the delivery's signature came with another event before: in plain mode
        the signature does not cover the body, so a captured one could carry anything.
        """
        event = delivery.event
        values = {
            "key": event.digest,
            "account": event.account,
            "person": followers.person(event.account, event.openid),
            "digest": delivery.signed_by or b"",
        }
        with self._engine.connect() as connection:
            row = connection.execute(_RECALL, values).mappings().one()
        if row["event_key"] not in (None, event.digest):
            raise ForbiddenError("replay")
        return Recalled(
            state=None if row["state"] is None else State(row["state"]),
            reply=_settled_reply(row),
            follower=_follower(row),
            is_signature_known=delivery.signed_by is None or row["event_key"] is not None,
        )

    def accept(self, delivery: Delivery) -> None:
        """Note the signature of a delivery whose event is on record; raises ForbiddenError like `recall`."""
        with self._engine.begin() as connection:
            _note_signature(
                connection, delivery.event.account, signed_by=delivery.signed_by, key=delivery.event.digest
            )

    def settle(self, delivery: Delivery, outcome: Outcome, *, run: bytes, known: Follower | None) -> bool:
        """Write a light run's end: `done`, with the follower's change. False: another run was faster."""
        row = _row(delivery.event, run=run, state=State.DONE, reply=outcome.reply) | _ending(outcome)
        return self._enter(delivery, row, known)

    def claim(
        self, delivery: Delivery, interim: Reply | Acknowledgement, *, run: bytes, known: Follower | None
    ) -> bool:
        """Write `running` before a handler that writes starts. False: another run was faster."""
        row = _open_row(delivery.event, State.RUNNING, interim, run=run)
        return self._enter(delivery, row, known)

    def give_up(
        self,
        delivery: Delivery,
        interim: Reply | Acknowledgement,
        *,
        run: bytes,
        known: Follower | None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> bool:
        """Write `late` for a run that has no row yet. False: another run was faster."""
        row = _open_row(delivery.event, State.LATE, interim, run=run) | {"outcome": Status.LATE}
        return self._enter(delivery, row, known, patience_seconds=patience_seconds)

    def mark_late(self, event: Event, *, patience_seconds: float = PATIENCE_SECONDS) -> bool:
        """Turn a `running` record into `late`: from now on its reply is the interim text."""
        changed = (
            update(models.events)
            .where(models.events.c.key == event.digest, models.events.c.state == State.RUNNING)
            .values(state=State.LATE, outcome=Status.LATE)
        )
        with self._engine.begin() as connection:
            guarded(connection).patience_seconds = patience_seconds
            return connection.execute(changed).rowcount == 1

    def finish(self, connection: Connection, event: Event, outcome: Outcome, *, run: bytes) -> bool:
        """Write the end of a run that has a row, as the last statement of the caller's transaction.

        In time: `done` with the result. Late, as any process may have found: `done`, and the reply stays what
        the person was told. False: somebody else took the run over; the caller rolls everything back.
        """
        mine = and_(models.events.c.key == event.digest, models.events.c.run == run)
        in_time = (
            update(models.events)
            .where(mine, models.events.c.state == State.RUNNING)
            .values(_ending(outcome) | {"reply": _dump(outcome.reply)})
        )
        if connection.execute(in_time).rowcount == 1:
            return True
        late = (
            update(models.events)
            .where(mine, models.events.c.state == State.LATE)
            .values(_ending(outcome) | {"outcome": Status.LATE})
        )
        return connection.execute(late).rowcount == 1

    def finish_alone(self, event: Event, outcome: Outcome, *, run: bytes) -> bool:
        """Do `finish` in a transaction of its own, for a run that wrote nothing else."""
        with self._engine.begin() as connection:
            return self.finish(connection, event, outcome, run=run)

    def bind_signature(self, account: str, *, signed_by: bytes, key: bytes) -> None:
        """Note what a signature came with, when that is no event; raises ForbiddenError like `recall`."""
        with self._engine.begin() as connection:
            _note_signature(connection, account, signed_by=signed_by, key=key)

    def note_malformed(
        self, account: str, *, body: bytes, reason: str, signed_by: bytes | None = None
    ) -> None:
        """Keep a clipped copy of an authentic document that no handler can be given.

        Raises ForbiddenError like `recall`.
        """
        digest = sha256(b"malformed\0" + account.encode() + b"\0" + body).digest()[:16]
        now = int(clock.now().timestamp())
        row = {
            "key": digest,
            "account": account,
            "person": b"",
            "kind": "malformed",
            "created_at": now,
            "recorded_at": now,
            "state": State.DONE,
            "run": digest,
            "outcome": Status.FAILED,
            "detail": reason,
            "reply": _dump(replies.ACK),
            "body": body[:_BODY_BYTES],
        }
        with self._engine.begin() as connection:
            _note_signature(connection, account, signed_by=signed_by, key=digest)
            _insert(connection, row)

    def _enter(
        self,
        delivery: Delivery,
        row: dict[str, object],
        known: Follower | None,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> bool:
        """Write an event's row with all that comes with its first sight, in one transaction."""
        with self._engine.connect() as connection, connection.begin() as transaction:
            guarded(connection).patience_seconds = patience_seconds
            if not _insert(connection, row):
                transaction.rollback()
                return False
            followers.note(connection, delivery.event, known)
            _note_signature(
                connection, delivery.event.account, signed_by=delivery.signed_by, key=delivery.event.digest
            )
            return True


def _row(event: Event, *, run: bytes, state: State, reply: Reply | Acknowledgement) -> dict[str, object]:
    return {
        "key": event.digest,
        "account": event.account,
        "person": followers.person(event.account, event.openid),
        "kind": (event.name or event.msg_type).lower()[:64],
        "scene": event.scene[:255] if isinstance(event, Scan) else None,
        "created_at": int(event.created_at.timestamp()),
        "recorded_at": int(clock.now().timestamp()),
        "state": state,
        "run": run,
        "reply": _dump(reply),
    }


def _open_row(event: Event, state: State, reply: Reply | Acknowledgement, *, run: bytes) -> dict[str, object]:
    leased = {"lease_until": _DATABASE_NOW + LEASE_SECONDS, "body": event.body}
    return _row(event, run=run, state=state, reply=reply) | leased


def _ending(outcome: Outcome) -> dict[str, object]:
    return {
        "state": State.DONE,
        "lease_until": None,
        "body": None,
        "outcome": outcome.status,
        "handler": outcome.handler[:128],
        "detail": outcome.detail[:255],
        "seconds": outcome.seconds,
    }


def _insert(connection: Connection, row: dict[str, object]) -> bool:
    statement = insert(models.events).prefix_with("OR IGNORE", dialect="sqlite").values(row)
    return connection.execute(statement).rowcount == 1


def _note_signature(connection: Connection, account: str, *, signed_by: bytes | None, key: bytes) -> None:
    """Bind a signature to what it came with; ForbiddenError when it came with something else before."""
    if signed_by is None:
        return
    now = int(clock.now().timestamp())
    row = {"account": account, "digest": signed_by, "event_key": key, "recorded_at": now}
    statement = insert(models.signatures).prefix_with("OR IGNORE", dialect="sqlite").values(row)
    if connection.execute(statement).rowcount == 1:
        return
    table = models.signatures.c
    taken = select(table.event_key).where(table.account == account, table.digest == signed_by)
    if connection.execute(taken).scalar_one() != key:
        raise ForbiddenError("replay")


def _dump(reply: Reply | Acknowledgement) -> str:
    return json.dumps(replies.to_data(reply), ensure_ascii=False)


def _settled_reply(row: RowMapping) -> Reply | Acknowledgement | None:
    if row["state"] in (None, State.RUNNING):
        return None
    return replies.from_data(json.loads(row["reply"]))


def _follower(row: RowMapping) -> Follower | None:
    if row["first_seen_at"] is None:
        return None
    return Follower(
        openid=row["openid"],
        first_seen_at=row["first_seen_at"],
        followed_at=row["followed_at"],
        unfollowed_at=row["unfollowed_at"],
        follows=row["follows"],
        first_scene=row["first_scene"],
    )


_one = select(literal(1).label("one")).subquery("one")
_RECALL = select(
    models.events.c.state,
    models.events.c.reply,
    models.signatures.c.event_key,
    models.followers.c.openid,
    models.followers.c.first_seen_at,
    models.followers.c.followed_at,
    models.followers.c.unfollowed_at,
    models.followers.c.follows,
    models.followers.c.first_scene,
).select_from(
    _one.outerjoin(models.events, models.events.c.key == bindparam("key"))
    .outerjoin(
        models.followers,
        and_(
            models.followers.c.account == bindparam("account"),
            models.followers.c.person == bindparam("person"),
        ),
    )
    .outerjoin(
        models.signatures,
        and_(
            models.signatures.c.account == bindparam("account"),
            models.signatures.c.digest == bindparam("digest"),
        ),
    )
)
