"""The record of an event: one row under a 16-byte key, the truth about what was answered.

A row is `running` while a claimed handler works, `late` when the deadline passed first, `done` when it is
settled. Its reply never changes once it is `late` or `done`. Each change is one conditional statement
whose row count says whether it was ours to make.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import Connection, Engine, Update, and_, select, update
from sqlalchemy.exc import DataError, DBAPIError

from wxbot import clock, followers
from wxbot.db import direct, models
from wxbot.db.faults import is_busy
from wxbot.db.guard import PATIENCE_SECONDS, be_patient
from wxbot.db.sqlite import begin_write
from wxbot.db.statements import database_now, insert_first, insert_new
from wxbot.errors import ForbiddenError
from wxbot.events import followups, rows
from wxbot.events.listeners import Audience
from wxbot.events.rows import LEASE_SECONDS, State
from wxbot.events.spooled import MALFORMED, Spooled
from wxbot.events.together import Together
from wxbot.followers import Follower
from wxbot.jobs.outbox import Job, enqueue
from wxbot.outcome import Outcome, Status
from wxbot.wechat import replies
from wxbot.wechat.events import Event
from wxbot.wechat.replies import Acknowledgement, Reply

_BODY_BYTES = 4096  # of a malformed body: enough to see what was wrong


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One arrival of an event: the same event may be delivered several times.

    `signed_by` digests the signature in the modes where the signature does not cover the body, else None.
    `is_stale`: it is too old for a first delivery, so that only a repeat may be answered.
    """

    event: Event
    signed_by: bytes | None = None
    is_stale: bool = False


@dataclass(frozen=True, kw_only=True)
class Recalled:
    """What is on record about an event: its state, the reply if there is one, the follower before it."""

    state: State | None = None
    reply: Reply | Acknowledgement | None = None
    follower: Follower | None = None
    run: bytes | None = None
    is_signature_known: bool = field(default=True)


@dataclass(kw_only=True)
class _End:
    """The end of a light run, on its way into the database; `caused` is written and told with it."""

    delivery: Delivery
    row: dict[str, object]
    known: Follower | None
    caused: Sequence[Job]
    ids: Sequence[bytes] = ()

    @property
    def signature(self) -> dict[str, object] | None:
        """Return the row that binds the delivery's signature, None where it covers the body."""
        event = self.delivery.event
        signed_by = self.delivery.signed_by
        return None if signed_by is None else _signature(event.account, signed_by, event.digest)


class Records:
    """Reads and writes the records. Safe to use from any thread; each call is its own transaction.

    `audience` says which events are to be told of. What a method enqueues is told to `dispatch`
    after the commit. `closing` is what a person reads in place of a result that cannot come late.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        audience: Audience | None = None,
        dispatch: Callable[[Sequence[bytes]], None] = lambda _: None,
        closing: Callable[[Event], Reply | Acknowledgement] = lambda _: replies.ACK,
    ) -> None:
        self.dispatch = dispatch
        self._closing = closing
        self.engine = engine
        self.audience = audience or Audience()
        # A single statement needs no transaction around it; on MySQL saying so would cost a round trip.
        self._run = direct.run_alone if engine.dialect.name == "postgresql" else direct.run
        self.together = Together(self._settle_all)
        self._alone = threading.Lock()

    def recall(self, delivery: Delivery) -> Recalled:
        """Return what is known before a handler runs, in one statement.

        Raises ForbiddenError when the delivery's signature came with another event before: in plain mode
        the signature does not cover the body, so a captured one could carry anything. And for a stale one
        that is not on record.
        """
        event = delivery.event
        values = {
            "key": event.digest,
            "account": event.account,
            "person": followers.person(event.account, event.openid),
            "digest": delivery.signed_by or b"",
        }
        try:
            row = self._read(values)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            row = self._read(values)  # the database was restarted since this connection was last used
        if row["event_key"] not in (None, event.digest):
            raise ForbiddenError("replay")
        if row["state"] is None and delivery.is_stale:
            raise ForbiddenError("old-event")
        return Recalled(
            state=None if row["state"] is None else State(row["state"]),
            reply=rows.settled_reply(row),
            follower=rows.follower_of(row),
            run=row["run"],
            is_signature_known=delivery.signed_by is None or row["event_key"] is not None,
        )

    def accept(self, delivery: Delivery) -> None:
        """Note the signature of a delivery whose event is on record; raises ForbiddenError like `recall`."""
        with self.engine.begin() as connection:
            _note_signature(
                connection, delivery.event.account, signed_by=delivery.signed_by, key=delivery.event.digest
            )

    def settle(self, delivery: Delivery, outcome: Outcome, *, run: bytes, known: Follower | None) -> bool:
        """Write a light run's end: `done`, with the follower's change. False: another run was faster.

        In one transaction with those that other threads settle at the same moment.
        """
        event = delivery.event
        row = rows.row(event, run=run, state=State.DONE, reply=outcome.reply) | rows.ending(event, outcome)
        end = _End(
            delivery=delivery, row=row, known=known, caused=self._caused(event, outcome, is_late=False)
        )
        if self.together.write(end):
            self.dispatch(end.ids)
            return True
        # Most often, a key of one of them is taken. One after the other: on MySQL that leaves locks.
        with self._alone:
            return self._enter(delivery, row, known, caused=end.caused)

    def claim(
        self, delivery: Delivery, interim: Reply | Acknowledgement, *, run: bytes, known: Follower | None
    ) -> bool:
        """Write `running` before a handler that writes starts. False: another run was faster."""
        row = rows.open_row(delivery.event, State.RUNNING, interim, run=run)
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
        row = rows.open_row(delivery.event, State.LATE, interim, run=run) | {"outcome": Status.LATE}
        return self._enter(delivery, row, known, patience_seconds=patience_seconds)

    def mark_late(self, event: Event, *, patience_seconds: float = PATIENCE_SECONDS) -> bool:
        """Turn a `running` record into `late`: from now on its reply is the interim text."""
        with self.engine.begin() as connection:
            be_patient(connection, patience_seconds)
            return connection.execute(_made_late(event)).rowcount == 1

    def finish(
        self, connection: Connection, event: Event, outcome: Outcome, *, run: bytes
    ) -> list[bytes] | None:
        """Write the end of a run that has a row, as the last statements of the caller's transaction.

        In time: `done` with the result. Late, as any process may have found: `done`, the reply stays what the
        person was told, and the result goes out as a message. Returns the ids of the jobs that this causes,
        for `dispatch` after the commit. None: somebody else took the run over; the caller rolls back.
        """
        mine = and_(models.events.c.key == event.digest, models.events.c.run == run)
        in_time = (
            update(models.events)
            .where(mine, models.events.c.state == State.RUNNING)
            .values(rows.ending(event, outcome) | {"reply": rows.dump(outcome.reply)})
        )
        if connection.execute(in_time).rowcount == 1:
            return enqueue(connection, self._caused(event, outcome, is_late=False))
        late = (
            update(models.events)
            .where(mine, models.events.c.state == State.LATE)
            .values(rows.ending(event, outcome) | {"outcome": Status.LATE})
        )
        if connection.execute(late).rowcount == 1:
            return enqueue(connection, self._caused(event, outcome, is_late=True))
        return None

    def finish_alone(self, event: Event, outcome: Outcome, *, run: bytes) -> bool:
        """Do `finish` in a transaction of its own, for a run that wrote nothing else."""
        with self.engine.begin() as connection:
            ids = self.finish(connection, event, outcome, run=run)
        self.dispatch(ids or ())
        return ids is not None

    def renew(self, runs: Sequence[bytes], keys: Sequence[bytes], *, seconds: float = LEASE_SECONDS) -> None:
        """Let the leases of these runs of these events last so long from now on, in one statement."""
        with self.engine.begin() as connection:
            connection.execute(
                update(models.events)
                .where(
                    models.events.c.key.in_(keys),
                    models.events.c.run.in_(runs),
                    models.events.c.lease_until.is_not(None),
                )
                .values(lease_until=database_now() + seconds)
            )

    def admit(
        self,
        connection: Connection,
        delivery: Delivery,
        row: Mapping[str, object],
        *,
        outcome: Outcome | None,
    ) -> list[bytes]:
        """Write the row of an event that was answered while the database was away, unless it is on record.

        One that is `running` says what has been told to nobody: it becomes `late` with what was answered.
        Returns the ids of the jobs that its `outcome` causes, if it has one, and of kept messages that may go
        out now. Raises ForbiddenError, and has written nothing, when its signature came with another event.
        """
        event = delivery.event
        _note_signature(connection, event.account, signed_by=delivery.signed_by, key=event.digest)
        if not insert_first(connection, models.events, row):
            connection.execute(_made_late(event).values(reply=row["reply"]))
            return []
        known = followers.find(connection, event.account, event.openid)
        followers.note(connection, event, None)
        caused = [] if outcome is None else self._caused(event, outcome, is_late=False)
        return enqueue(connection, caused) + followups.wake(connection, event, known)

    def bind_signature(self, account: str, *, signed_by: bytes, key: bytes) -> None:
        """Note what a signature came with, when that is no event; raises ForbiddenError like `recall`."""
        with self.engine.begin() as connection:
            _note_signature(connection, account, signed_by=signed_by, key=key)

    def note_malformed(self, connection: Connection, entry: Spooled) -> None:
        """Keep a clipped copy of an authentic document that no handler can be given, once.

        Raises ForbiddenError like `recall`.
        """
        key = entry.malformed_key
        assert key is not None
        row = {
            "key": key,
            "account": entry.account,
            "person": b"",
            "kind": "malformed",
            "created_at": entry.arrived_at,
            "recorded_at": entry.arrived_at,
            "state": State.DONE,
            "run": key,
            "outcome": Status.FAILED,
            "detail": entry.detail.removeprefix(MALFORMED),
            "reply": rows.dump(replies.ACK),
            "body": entry.body[:_BODY_BYTES],
        }
        _note_signature(connection, entry.account, signed_by=entry.signed_by, key=key)
        insert_first(connection, models.events, row)

    def _enter(
        self,
        delivery: Delivery,
        row: dict[str, object],
        known: Follower | None,
        *,
        caused: Sequence[Job] = (),
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> bool:
        """Write an event's row with all that comes with its first sight, in one transaction."""
        event = delivery.event
        with self.engine.connect() as connection, connection.begin() as transaction:
            be_patient(connection, patience_seconds)
            if not insert_first(connection, models.events, row):
                transaction.rollback()
                return False
            followers.note(connection, event, known)
            _note_signature(connection, event.account, signed_by=delivery.signed_by, key=event.digest)
            ids = enqueue(connection, caused) + followups.wake(connection, event, known)
        self.dispatch(ids)
        return True

    def _settle_all(self, take: Callable[[], list[_End]]) -> bool:
        """Write the ends that are waiting in one transaction; False, and nothing written: each goes alone."""
        with self.engine.connect() as connection, connection.begin() as transaction:
            be_patient(connection, PATIENCE_SECONDS)
            # Who comes while the file is locked is written with the others.
            begin_write(connection)
            # In one order everywhere, so that no two transactions wait for each other.
            ends = sorted(take(), key=lambda end: (end.delivery.event.account, end.row["person"]))
            if not _is_written(connection, ends):
                transaction.rollback()
                return False
        return True

    def _caused(self, event: Event, outcome: Outcome, *, is_late: bool) -> list[Job]:
        is_observed = self.audience.wants(event)
        return followups.caused_by(
            event, outcome, is_late=is_late, is_observed=is_observed, closing=self._closing
        )

    def _read(self, values: Mapping[str, object]) -> Mapping[str, Any]:
        with self.engine.connect() as connection:
            return rows.recalled(self._run(connection, rows.RECALL, values).fetchone())


def _is_written(connection: Connection, ends: Sequence[_End]) -> bool:
    """Write ends; False when one of them, for which the others must not pay, has to be rolled back."""
    try:
        if not _insert_ends(connection, ends):
            return False
        for end in ends:
            event = end.delivery.event
            if end.known is not None:
                followers.note(connection, event, end.known)
            end.ids = enqueue(connection, end.caused) + followups.wake(connection, event, end.known)
    except (DataError, UnicodeError):
        return False
    except DBAPIError as error:
        if is_busy(error):
            return False
        raise
    return True


def _insert_ends(connection: Connection, ends: Sequence[_End]) -> bool:
    """Insert all rows that are new with these ends, table by table; False: a key is taken."""
    events = sorted((end.row for end in ends), key=lambda row: cast(bytes, row["key"]))
    firsts = (followers.first_row(end.delivery.event) for end in ends if end.known is None)
    people = [row for row in firsts if row is not None]
    signatures = sorted(
        (end.signature for end in ends if end.signature is not None),
        key=lambda row: (row["account"], row["digest"]),
    )
    return (
        insert_new(connection, models.events, events)
        and insert_new(connection, models.followers, people)
        and insert_new(connection, models.signatures, signatures)
    )


def _made_late(event: Event) -> Update:
    return (
        update(models.events)
        .where(models.events.c.key == event.digest, models.events.c.state == State.RUNNING)
        .values(state=State.LATE, outcome=Status.LATE)
    )


def _signature(account: str, signed_by: bytes, key: bytes) -> dict[str, object]:
    now = int(clock.now().timestamp())
    return {"account": account, "digest": signed_by, "event_key": key, "recorded_at": now}


def _note_signature(connection: Connection, account: str, *, signed_by: bytes | None, key: bytes) -> None:
    """Bind a signature to what it came with; ForbiddenError when it came with something else before."""
    if signed_by is None:
        return
    if insert_first(connection, models.signatures, _signature(account, signed_by, key)):
        return
    table = models.signatures.c
    taken = select(table.event_key).where(table.account == account, table.digest == signed_by)
    if connection.execute(taken).scalar_one() != key:
        raise ForbiddenError("replay")
