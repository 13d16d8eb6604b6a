"""Our own jobs about events: messages that come later, observers, runs that lost their process, replays."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, cast

from sqlalchemy import Connection, Engine, RowMapping, select
from sqlalchemy.exc import SQLAlchemyError

from wxbot import followers
from wxbot.db import models
from wxbot.db.patience import patiently
from wxbot.db.session import UnitOfWork
from wxbot.errors import WxbotError
from wxbot.events import followups
from wxbot.events.followups import MESSAGE, OBSERVE, REPLAY, TAKE_OVER
from wxbot.events.records import Records
from wxbot.events.run import Tools, Work
from wxbot.events.windows import give_back, take_any_message, take_message
from wxbot.followers import Follower
from wxbot.jobs.outbox import derived_id, enqueue
from wxbot.jobs.work import Claimed, Drop, Keep, Later, Unknown
from wxbot.jobs.work import Work as JobWork
from wxbot.outcome import Outcome, Status
from wxbot.scenes.dispatch import Dispatcher
from wxbot.wechat import replies
from wxbot.wechat.api import SERVICE_MESSAGE
from wxbot.wechat.errcodes import (
    AddressNotAllowedError,
    ApiError,
    BlockedError,
    BusyError,
    QuotaError,
    TokenRefusedError,
    UnreachableError,
)
from wxbot.wechat.events import Event, Scan
from wxbot.wechat.parse import parse_event
from wxbot.wechat.replies import ACK, Acknowledgement

# WeChat's codes: too late to write, too many messages.
_WINDOW_CLOSED = frozenset({45015, 45047})
# Not a follower, on the blacklist, refuses messages, account limited, protected minor.
_NOT_WANTED = frozenset({40003, 43004, 43019, 48002, 49003, 50002, 50005, 70000})
_PASSING = (
    AddressNotAllowedError,
    BlockedError,
    BusyError,
    QuotaError,
    TokenRefusedError,
    UnreachableError,
)
_TAKE_OVERS = 3
_LOST = "lost"

_BUSY_SECONDS = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class EventJobs:
    """What does the jobs that events cause."""

    engine: Engine
    records: Records
    dispatcher: Dispatcher
    tools: Tools
    give_up_seconds: float
    others: Mapping[str, JobWork] = field(default_factory=dict)  # of other parts of wxbot, by their names

    def find(self, name: str) -> JobWork | None:
        """Return how jobs of this name are done: our own, or a plugin's; None when there is no such job."""
        handler = self.tools.registry.job(name)
        if handler is None:
            return self._own().get(name) or self.others.get(name)

        def call(claimed: Claimed, unit: UnitOfWork) -> None:
            account = claimed.account
            work = Work(unit, tools=self.tools, account=account, key=claimed.key)
            self.dispatcher.run_job(handler, claimed.arguments, context=work)
            work.flush()

        return JobWork(call=call, is_idempotent=handler.is_idempotent, attempts=handler.attempts)

    def _own(self) -> Mapping[str, JobWork]:
        return {
            MESSAGE: JobWork(call=self.send, is_idempotent=False, is_kept=True),
            OBSERVE: JobWork(call=self.observe),
            TAKE_OVER: JobWork(
                call=self.take_over,
                attempts=_TAKE_OVERS,
                longest_seconds=self.give_up_seconds,
                if_dead=self.give_up,
            ),
            REPLAY: JobWork(call=self.replay, attempts=1, longest_seconds=self.give_up_seconds),
        }

    def send(self, claimed: Claimed, _unit: UnitOfWork) -> None:
        """Send the first of the job's messages; the others are what is left to do."""
        first, *others = cast(list[dict[str, Any]], claimed.arguments["replies"])
        reply = replies.from_data(first)
        try:
            openid = self._openid(claimed)
            if openid is None or isinstance(reply, Acknowledgement):
                raise Drop("the person has left")
            key = self._take_message(claimed)
        except SQLAlchemyError as error:  # nothing was sent yet
            raise Later(_BUSY_SECONDS, f"the database was not to be had: {type(error).__name__}") from error
        try:
            self.tools.client_for(claimed.account).send_service_message(openid, reply)
        except ApiError as error:
            self._after_refusal(error, key, is_last=claimed.is_last)
        if others:
            raise Later(0, "more to send", arguments={"replies": others})

    def observe(self, claimed: Claimed, unit: UnitOfWork) -> None:
        """Tell all who want to know of an event; if one fails, all are told again."""
        event = parse_event(claimed.body or b"", account=claimed.account)
        with self.engine.connect() as connection:
            follower = followers.find(connection, event.account, event.openid)
        observers = self.tools.registry.observers(event.account)
        if not isinstance(event, Scan) or not observers:
            self.records.audience.tell(event, follower, unit)
            return
        self._tell_first(event, follower)
        work = self._work(unit, event, key=claimed.key, follower=follower)
        for observer in observers:
            self.dispatcher.run_observer(observer, event, context=work)
        work.flush()

    def _tell_first(self, event: Event, follower: Follower | None) -> None:
        """Tell the parts of wxbot, and commit: no plugin's observer that fails undoes what they do.

        Told again by the next attempt, they do nothing twice (`Listener`).
        """
        unit = UnitOfWork(self.engine)
        try:
            self.records.audience.tell(event, follower, unit)
            unit.commit(lambda _: True)
        finally:
            unit.close()
        self.records.dispatch(unit.caused)

    def take_over(self, claimed: Claimed, unit: UnitOfWork) -> None:
        """Run the handler of an event whose process was lost, and settle it as late."""
        with self.engine.connect() as connection:
            row = _row_of(connection, claimed.event_key)
        if row is not None and row["state"] == "done" and row["detail"] == _LOST:
            self._replay_lost(replace(claimed, body=row["body"]), unit)
            return
        if row is None or row["state"] == "done" or row["body"] is None:
            raise Drop("it is settled")
        event = parse_event(row["body"], account=row["account"])
        outcome = self._run(event, unit, key=event.key)
        connection = unit.session().connection()
        ids = self.records.finish(connection, event, outcome, run=row["run"])
        if ids is None:
            raise Drop("somebody else has settled it")
        unit.caused += ids

    def _replay_lost(self, claimed: Claimed, unit: UnitOfWork) -> None:
        """Run the handler after all: who replays the dead job of an event that was given up asks for that."""
        if claimed.body is None:
            raise WxbotError("the event's document is no longer kept")
        self.replay(claimed, unit)

    def give_up(self, claimed: Claimed) -> None:
        """Settle an event that was lost at every attempt; open it would be kept for ever, with its text."""
        with self.engine.connect() as connection:
            row = _row_of(connection, claimed.event_key)
        if row is None or row["state"] == "done" or row["body"] is None:
            return
        event = parse_event(row["body"], account=row["account"])
        lost = Outcome(status=Status.FAILED, reply=ACK, handler=row["handler"] or "", detail=_LOST)
        self.records.finish_alone(event, lost, run=row["run"])

    def replay(self, claimed: Claimed, unit: UnitOfWork) -> None:
        """Run the handler of an event once more, as an operator asked; its reply goes out as a message."""
        event = parse_event(claimed.body or b"", account=claimed.account)
        outcome = self._run(event, unit, key=claimed.key)
        if outcome.status is Status.FAILED:  # the person was told so the first time
            raise WxbotError(f"it failed again: {outcome.detail}")
        closing = self.dispatcher.texts.closing
        again = followups.caused_by(event, outcome, is_late=True, is_observed=False, closing=closing)
        unit.caused += enqueue(
            unit.session().connection(), [replace(job, id=derived_id(claimed.id, b"replay")) for job in again]
        )

    def _run(self, event: Event, unit: UnitOfWork, *, key: str) -> Outcome:
        with self.engine.connect() as connection:
            known = followers.find(connection, event.account, event.openid)
        refined = followers.refine(event, known)
        follower = followers.after(event, known)
        work = self._work(unit, event, key=key, follower=follower)
        outcome = self.dispatcher.dispatch(refined, self.dispatcher.find(refined), work)
        log.info("%s by %s, taken over", outcome.status, outcome.handler or "nobody")
        return outcome

    def _work(self, unit: UnitOfWork, event: Event, *, key: str, follower: Follower | None) -> Work:
        return Work(
            unit,
            tools=self.tools,
            account=event.account,
            key=key,
            find_follower=lambda: follower,
            event=event,
        )

    def _take_message(self, claimed: Claimed) -> bytes:
        """Return the event in whose window one message may be sent; raises Keep when there is none."""

        def take(connection: Connection) -> bytes | None:
            if claimed.event_key is not None and take_message(connection, claimed.event_key):
                return claimed.event_key
            # The person may have opened another window since.
            return take_any_message(connection, claimed.account, claimed.person or b"")

        key = patiently(self.engine, take)
        if key is None:
            raise Keep("the window is closed or used up")
        return key

    def _openid(self, claimed: Claimed) -> str | None:
        table = models.followers.c
        mine = select(table.openid).where(table.account == claimed.account, table.person == claimed.person)
        with self.engine.connect() as connection:
            return connection.execute(mine).scalar_one_or_none()

    def _after_refusal(self, error: ApiError, key: bytes, *, is_last: bool) -> None:
        """Say what becomes of a message that WeChat did not take; raises in any case."""
        if isinstance(error, UnreachableError) and error.was_sent:
            raise Unknown(f"WeChat's answer was lost: {error.call}") from error
        if error.errcode not in _WINDOW_CLOSED:
            # Without it the window holds one message less; that WeChat refused this one counts for more.
            with suppress(SQLAlchemyError):
                patiently(self.engine, lambda connection: give_back(connection, key))
        if error.errcode in _WINDOW_CLOSED:
            raise Keep(error.advice) from error
        if error.errcode in _NOT_WANTED:
            raise Drop(error.advice) from error
        if is_last and _may_pass(error):
            raise Keep(error.advice) from error
        raise error


def _may_pass(error: ApiError) -> bool:
    """Say whether the same message may be taken another time: nothing is wrong with it, as far as we know."""
    return isinstance(error, _PASSING) or error.call != SERVICE_MESSAGE  # the other calls are for a token


def _row_of(connection: Connection, key: bytes | None) -> RowMapping | None:
    found = select(models.events).where(models.events.c.key == key)
    return connection.execute(found).mappings().first()
