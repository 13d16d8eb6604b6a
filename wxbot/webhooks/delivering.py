"""The job that delivers: one attempt, what came of it written down, and when the next one is due.

At least once: a worker that is lost after the site has answered sends again, under the same id. Nothing is
given up before about three days, and what is given up can be sent again.
"""

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from wxbot import clock
from wxbot.db.business import webhook_attempts, webhook_deliveries
from wxbot.db.patience import patiently
from wxbot.db.session import UnitOfWork
from wxbot.db.statements import database_now
from wxbot.jobs.work import Claimed, Drop, Later, Work
from wxbot.webhooks.deliveries import Deliveries, Delivery, note
from wxbot.webhooks.pace import Pace
from wxbot.webhooks.sending import Answer, Sender
from wxbot.webhooks.signing import message_id, signature
from wxbot.webhooks.store import Webhooks
from wxbot.webhooks.webhook import TEST, Webhook

# After each attempt in vain; 69.7 hours together. None of them is met to the second (`delay_after`).
DELAYS_SECONDS = (5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 43200, 43200, 43200, 64800)
MOST_ATTEMPTS = len(DELAYS_SECONDS) + 1
# The table with its longest pauses. What had to wait for turns at a silent site, or was asked for more time,
# has had fewer attempts by then.
LONGEST_SECONDS = 84 * 3600
# A site may ask for more time than that, but not for any.
LONGEST_WAIT_SECONDS = 6 * 3600
# Not one delivery arrived for so long: nobody is there.
DISABLE_SECONDS = 5 * clock.DAY_SECONDS
# Only so late an attempt, or one so long after the first, is an occasion to look: who has just been enabled
# again gets time.
_LATE_ATTEMPT = MOST_ATTEMPTS - 2
# Workers that are lost while they send; exceptions of ours.
_JOB_ATTEMPTS = 20
_LONGEST_SECONDS = 60.0
_LOST = (0.0, None, "nobody saw how it ended: the worker was lost")
_AGENT = f"wxbot/{version('wxbot')} (webhooks)"

log = logging.getLogger(__name__)


def delay_after(attempt: int, *, chance: Callable[[], float] = random.random) -> float:
    """Return the pause after a failed attempt, 20 % more or less, so that not all come back at once."""
    return DELAYS_SECONDS[min(attempt, len(DELAYS_SECONDS)) - 1] * (0.8 + 0.4 * chance())


@dataclass(frozen=True, kw_only=True)
class Delivering:
    """What delivers; one for each process."""

    engine: Engine
    webhooks: Webhooks
    deliveries: Deliveries
    sender: Sender
    pace: Pace
    now: Callable[[], datetime] = clock.now

    def work(self) -> Work:
        """Return how the job is done."""
        return Work(
            call=self.deliver,
            attempts=_JOB_ATTEMPTS,
            longest_seconds=_LONGEST_SECONDS,
            if_dead=self.give_up,
        )

    def deliver(self, claimed: Claimed, _unit: UnitOfWork) -> None:
        """Make an attempt; raises Later when another one is due, Drop when there is nothing to send."""
        delivery = self.deliveries.find(claimed.id)
        if delivery is None or delivery.state != "waiting":
            raise Drop("there is nothing to deliver")
        if claimed.is_resumed:
            self._note(delivery, _LOST)
            delivery = replace(delivery, attempts=delivery.attempts + 1)
        webhook = self.webhooks.find(delivery.webhook)
        if webhook is None or not webhook.is_active:
            detail = "not sent: the webhook is disabled" if webhook else "not sent: there is no such webhook"
            self._note(delivery, (0.0, None, detail), is_last=True)
            raise Drop(detail)
        self._enter(webhook, delivery)
        answer = Answer(status=None, detail="", seconds=0.0)
        try:
            answer = self._attempt(webhook, delivery)
        finally:
            self.pace.leave(webhook.id, seconds=answer.seconds, is_delivered=answer.is_delivered)
        delay = self._conclude(webhook, delivery, answer)
        if delay is not None:
            raise Later(delay, answer.detail)

    def deliver_now(self, id: bytes) -> Answer | None:
        """Make the only attempt at a test, for somebody who waits; None when it is not there any more."""
        delivery = self.deliveries.find(id)
        webhook = None if delivery is None else self.webhooks.find(delivery.webhook)
        if delivery is None or webhook is None:
            return None
        answer = self._attempt(webhook, delivery)
        self._conclude(webhook, delivery, answer)
        return answer

    def give_up(self, claimed: Claimed) -> None:
        """Log that a job was given up, whose workers were lost time and again."""
        delivery = self.deliveries.find(claimed.id)
        if delivery is not None:
            self._note(delivery, _LOST, is_last=True)

    def _enter(self, webhook: Webhook, delivery: Delivery) -> None:
        """Have a turn at the webhook; raises Later when it is not ours, Drop when it has taken too long."""
        wait = self.pace.enter(webhook.id)
        if not wait:
            return
        # At a silent site only one at a time has a turn: the others would wait for theirs for ever.
        if self.pace.is_silent(webhook.id) and self._is_overdue(delivery):
            detail = "not sent any more: the site has been silent for too long"
            self._note(delivery, (0.0, None, detail), is_last=True)
            self._disable_if_silent(webhook)
            self._log_given_up(delivery, detail)
            raise Drop(detail)
        raise Later(wait, "the webhook is busy with others, or silent")

    def _attempt(self, webhook: Webhook, delivery: Delivery) -> Answer:
        keys = self.webhooks.keys_of(webhook.id)
        text = self.deliveries.body(delivery.id)
        if not keys or text is None:
            detail = "its secret cannot be opened with this secret_key: give the webhook a new one"
            return Answer(status=None, detail=detail, seconds=0.0)
        body, id, at = text.encode(), message_id(delivery.id), int(self.now().timestamp())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": _AGENT,
            "webhook-id": id,
            "webhook-timestamp": str(at),
            "webhook-signature": signature(body, id=id, at=at, keys=keys),
        }
        return self.sender.send(webhook.url, body, headers)

    def _conclude(self, webhook: Webhook, delivery: Delivery, answer: Answer) -> float | None:
        """Write down what came of an attempt; return after how many seconds the next one is due, if any."""
        seen = (answer.seconds, answer.status, answer.detail)
        if answer.is_delivered:
            self._note(delivery, seen, state="delivered")
            return None
        if answer.is_gone and delivery.kind != TEST:
            self.webhooks.disable(webhook.id, "the site answered 410: it wants nothing more")
        attempt = delivery.attempts + 1
        is_overdue = self._is_overdue(delivery)
        is_last = attempt >= MOST_ATTEMPTS or is_overdue or answer.is_gone or delivery.kind == TEST
        self._note(delivery, seen, is_last=is_last)
        if attempt >= _LATE_ATTEMPT or is_overdue:
            self._disable_if_silent(webhook)
        if is_last:
            self._log_given_up(delivery, answer.detail)
            return None
        asked = min(answer.retry_after_seconds or 0, LONGEST_WAIT_SECONDS)
        return max(delay_after(attempt), asked)

    def _is_overdue(self, delivery: Delivery) -> bool:
        """Say whether the first attempt, since it was sent or sent again, was made too long ago."""
        with self.engine.connect() as connection:
            age = _age(connection, delivery)
        return age is not None and age >= LONGEST_SECONDS

    def _log_given_up(self, delivery: Delivery, detail: str) -> None:
        log.warning("webhook %s: %s is given up: %s", delivery.webhook, message_id(delivery.id), detail)

    def _note(
        self, delivery: Delivery, seen: Sequence[object], *, is_last: bool = False, state: str = ""
    ) -> None:
        state = state or ("dead" if is_last else "waiting")
        values: dict[str, object] = {"state": state}
        if state != "waiting":
            values["finished_at"] = database_now()
        patiently(self.engine, lambda connection: note(connection, delivery.id, seen, **values))

    def _disable_if_silent(self, webhook: Webhook) -> None:
        try:
            with self.engine.connect() as connection:
                since = _failing_since(connection, webhook.id)
        except SQLAlchemyError as error:
            log.warning("webhook %s: its log could not be read (%s)", webhook.id, type(error).__name__)
            return
        if since is not None:
            days = DISABLE_SECONDS // clock.DAY_SECONDS
            self.webhooks.disable(webhook.id, f"nothing was delivered for {days} days")
            log.error("webhook %s is disabled: nothing was delivered for %s days", webhook.id, days)


def _age(connection: Connection, delivery: Delivery) -> int | None:
    """Return how many seconds ago the first attempt was made; None: there was none yet."""
    if not delivery.attempts:
        return None
    tries = webhook_attempts.c
    # The log may begin with attempts from before it was sent again.
    newest = select(database_now() - tries.at).where(tries.delivery == delivery.id)
    first = newest.order_by(tries.number.desc()).offset(delivery.attempts - 1).limit(1)
    age: int | None = connection.scalar(first)
    return age


def _failing_since(connection: Connection, webhook: str) -> int | None:
    """Return when the first attempt since the last success was made, if that was long ago."""
    now = connection.scalar(select(database_now())) or 0
    table, tries = webhook_deliveries.c, webhook_attempts.c
    mine = table.webhook == webhook
    last = select(func.max(table.finished_at)).where(mine, table.state == "delivered")
    success = connection.scalar(last) or 0
    first = (
        select(func.min(tries.at))
        .join(webhook_deliveries, table.id == tries.delivery)
        .where(mine, tries.at >= success, tries.detail.is_not(None))
    )
    since: int | None = connection.scalar(first)
    return since if since is not None and since <= now - DISABLE_SECONDS else None
