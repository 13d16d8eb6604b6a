"""What happens to events while the database is out of reach: kept in the spool, brought in afterwards."""

import logging
import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, SQLAlchemyError

from wxbot import clock, metrics
from wxbot.db.faults import is_busy, is_locked_out, kind
from wxbot.errors import ForbiddenError, MalformedError
from wxbot.events import rows
from wxbot.events.gate import DatabaseGate
from wxbot.events.neighbours import Neighbours
from wxbot.events.recent import KEPT_SECONDS, RecentAnswers
from wxbot.events.records import Delivery, Records
from wxbot.events.rows import State
from wxbot.events.spool import Spool, SpoolError
from wxbot.events.spooled import MALFORMED, Spooled
from wxbot.outcome import Outcome, Status
from wxbot.scenes.dispatch import Texts
from wxbot.wechat import replies
from wxbot.wechat.events import Event
from wxbot.wechat.parse import parse_event
from wxbot.wechat.replies import Acknowledgement, Reply

log = logging.getLogger(__name__)

# Each costs a second of waiting: so many of a hundred are found out before the others are left for later.
_MOST_HELD = 5

_NOT_ENTERED = (
    "an event from the spool cannot be entered (%s): it is kept in refused.jsonl of %s. Was it written by a "
    "newer wxbot? Once that runs again, rename the file to import-refused.jsonl"
)


class Outage:
    """Knows whether there is one, keeps what comes during it, and imports that when it is over.

    `on_import` is told of the time of the earliest event of an import, within its transaction: for those who
    read events by the time at which they were recorded.
    """

    def __init__(
        self, engine: Engine, *, spool: Spool, records: Records, texts: Texts, probe: Callable[[], None]
    ) -> None:
        self.spool = spool
        self.on_import: Callable[[Connection, int], None] = lambda connection, recorded_at: None
        self._engine = engine
        self._records = records
        self._texts = texts
        self._answers = RecentAnswers()
        self._neighbours = Neighbours(spool.folder, self._answers.find)
        self._probe = probe
        self._gate = DatabaseGate(probe, on_close=self._import_quietly)
        self._is_readable = False
        self._has_echoes_until = -math.inf

    @property
    def is_on(self) -> bool:
        """Whether the database is out of reach."""
        return self._gate.is_open

    @property
    def is_unreadable(self) -> bool:
        """Whether it is, and not merely locked for writing; asks nobody, and knows what events met with."""
        return self._gate.is_open and not self._is_readable

    def begin(self) -> None:
        """Say that the database does not answer; a probe a second finds out when it is back."""
        self._is_readable = False
        self._open("no answer")

    def note(self, error: SQLAlchemyError, *, has_waited: bool = False) -> None:
        """Take note of an error: one that says more than `busy` begins an outage.

        So does SQLite's write lock in other hands for longer than a handler may have it (`has_waited`). A
        value that is refused says that the database is there.
        """
        if isinstance(error, DataError):
            return
        if not is_busy(error) or (has_waited and is_locked_out(error)):
            self._is_readable = is_locked_out(error)
            self._open(kind(error))

    def _open(self, because: str) -> None:
        self._has_echoes_until = math.inf  # before it, as its end may come at once
        try:
            self._gate.failed(because)
        except RuntimeError as error:
            self._has_echoes_until = time.monotonic() + KEPT_SECONDS
            # This event goes to the spool all the same, and the next one tries again.
            log.error("the return of the database cannot be watched for (%s)", error)

    def answered(self, event: Event, answer: Reply | Acknowledgement) -> None:
        """Remember what was answered, for repeats during an outage, at whichever process of this machine."""
        self._answers.note(event.digest, answer)
        self._neighbours.listen()

    def echo(self, event: Event) -> Reply | Acknowledgement | None:
        """Return what an event without a record was answered during an outage that is over for a moment only.

        It is in the spool of this process, or of another one of the machine, and its import is to come.
        """
        if time.monotonic() > self._has_echoes_until:
            return None
        return self._answers.find(event.digest) or self._neighbours.ask(event.digest)

    def close(self) -> None:
        """Tell no other process any more what was answered here."""
        self._neighbours.close()

    def keep(self, delivery: Delivery, outcome: Outcome | None) -> Reply | Acknowledgement:
        """Put an event into the spool, with its outcome if it has one; returns what the person reads.

        A repeat of what was answered is on disk, and gets the same, as far as that can be found out: what the
        spool has, whichever process of this machine wrote it. Raises
        SpoolError when the spool cannot be written either, ForbiddenError for a stale one that is not known.
        """
        event = delivery.event
        known = None if outcome else self._known(delivery)
        if known is not None:
            return known
        if delivery.is_stale:
            raise ForbiddenError("old-event")
        reply = outcome.reply if outcome else self._texts.recorded(event)
        earlier = self.spool.append(
            Spooled(
                account=event.account,
                body=event.body,
                arrived_at=int(clock.now().timestamp()),
                signed_by=delivery.signed_by,
                reply=replies.to_data(reply),
                more=tuple(replies.to_data(each) for each in outcome.more) if outcome else (),
                status=outcome.status if outcome else None,
                handler=outcome.handler if outcome else "",
                detail=outcome.detail if outcome else "",
                seconds=outcome.seconds if outcome else 0.0,
            ),
            event=event.digest,
        )
        if earlier is not None:
            return earlier
        if outcome is None:
            metrics.fallback("spooled")
        return reply

    def keep_malformed(
        self, account: str, *, body: bytes, reason: str, signed_by: bytes | None = None
    ) -> None:
        """Record an authentic document that no handler can be given, or put it into the spool.

        Raises SpoolError when the spool cannot be written either, ForbiddenError like `Records.recall`.
        """
        entry = Spooled(
            account=account,
            body=body,
            arrived_at=int(clock.now().timestamp()),
            signed_by=signed_by,
            reply=replies.to_data(replies.ACK),
            status=Status.FAILED,
            detail=MALFORMED + reason,
        )
        if not self.is_on:
            try:
                with self._engine.begin() as connection:
                    self._records.note_malformed(connection, entry)
            except SQLAlchemyError as error:
                self.note(error, has_waited=True)
            else:
                return
        self.spool.append(entry, event=entry.malformed_key)

    def _known(self, delivery: Delivery) -> Reply | Acknowledgement | None:
        """Return what an event was answered: here, by whomever as long as that can be read, or next door."""
        answer = self._answers.find(delivery.event.digest)
        if answer is None and self._is_readable:
            with suppress(SQLAlchemyError):
                answer = self._records.recall(delivery).reply
        elif answer is None:
            answer = self._neighbours.ask(delivery.event.digest)
        return answer

    def bring_in(self) -> int:
        """Import what the spool holds; returns how many events. Raises what the database raises."""
        if self.is_on or not self.spool.size().bytes:
            return 0
        self._probe()  # a worker meets no events, so that its gate may be closed all through an outage
        put_back: list[Spooled] = []
        count = self.spool.import_into(partial(self._enter, put_back)) - len(put_back)
        if count > 0:
            log.warning("%s events from the spool are in the database", count)
        if put_back:
            log.warning("%s events from the spool wait for locks that others hold", len(put_back))
        return max(0, count)

    def _import_quietly(self) -> None:
        self._has_echoes_until = time.monotonic() + KEPT_SECONDS
        try:
            self.bring_in()
        except (SQLAlchemyError, SpoolError) as error:
            log.warning("the spool could not be imported yet: %s", type(error).__name__)
        self.spool.rest()

    def _enter(self, put_back: list[Spooled], entries: Sequence[Spooled]) -> None:
        """Import entries; one that the database refuses for what is in it keeps nobody else from it.

        Nor does one whose rows others hold, as a machine that lost its power does for minutes: it goes back
        into the spool, for the next import. On SQLite others hold all or nothing, and all of them wait.
        """
        try:
            self._enter_together(entries)
        except DBAPIError as error:
            if not (isinstance(error, DataError) or self._is_held(error)):
                raise
            for entry in self._enter_each(entries):
                self.spool.append(entry)
                put_back.append(entry)

    def _enter_each(self, entries: Sequence[Spooled]) -> list[Spooled]:
        """Import entries one by one; returns those that have to wait, and first those that were not tried."""
        held: list[Spooled] = []
        for number, entry in enumerate(entries):
            if len(held) == _MOST_HELD:
                return [*entries[number:], *held]
            try:
                self._enter_together([entry])
            except DataError as error:
                self.spool.set_aside([entry])
                log.error(_NOT_ENTERED, type(error).__name__, self.spool.folder)
            except DBAPIError as error:
                if not self._is_held(error):
                    raise
                held.append(entry)
        return held

    def _is_held(self, error: DBAPIError) -> bool:
        return is_busy(error) and self._engine.dialect.name != "sqlite"

    def _enter_together(self, entries: Sequence[Spooled]) -> None:
        ids: list[bytes] = []
        with self._engine.begin() as connection:
            for entry in entries:
                try:
                    ids += self._admit(connection, entry)
                except ForbiddenError as error:
                    log.error("an event from the spool was dropped: %s", error)
                except (MalformedError, LookupError, TypeError, ValueError) as error:
                    # Somebody was told that it is recorded: never dropped, and never in the way of others.
                    self.spool.set_aside([entry])
                    log.error(_NOT_ENTERED, type(error).__name__, self.spool.folder)
            self.on_import(connection, min(entry.arrived_at for entry in entries))
        self._records.dispatch(ids)

    def _admit(self, connection: Connection, entry: Spooled) -> list[bytes]:
        if entry.malformed_key is not None:
            self._records.note_malformed(connection, entry)
            return []
        event = parse_event(entry.body, account=entry.account)
        reply = _reply_of(entry.reply) or self._texts.recorded(event)
        run, outcome = event.digest, _outcome_of(entry, reply)
        if outcome is None:
            # A lease that has run out: a worker takes it over and runs the handler.
            row = rows.open_row(event, State.LATE, reply, run=run) | {
                "outcome": Status.LATE,
                "lease_until": 0,
            }
        else:
            row = rows.row(event, run=run, state=State.DONE, reply=reply) | rows.ending(event, outcome)
        row["recorded_at"] = entry.arrived_at
        delivery = Delivery(event=event, signed_by=entry.signed_by)
        return self._records.admit(connection, delivery, row, outcome=outcome)


def _reply_of(data: dict[str, object] | None) -> Reply | Acknowledgement | None:
    return None if data is None else replies.from_data(data)


def _outcome_of(entry: Spooled, reply: Reply | Acknowledgement) -> Outcome | None:
    if entry.status is None:
        return None
    more = tuple(each for each in map(replies.from_data, entry.more) if not isinstance(each, Acknowledgement))
    return Outcome(
        status=entry.status,
        reply=reply,
        more=more,
        handler=entry.handler,
        detail=entry.detail,
        seconds=entry.seconds,
    )
