"""The log of deliveries: what was sent, how often, with what result; sent again on demand."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields

from sqlalchemy import Connection, Engine, func, insert, select, update

from wxbot.clock import DAY_SECONDS
from wxbot.db.business import webhook_attempts, webhook_deliveries, webhooks
from wxbot.db.models import jobs
from wxbot.db.paging import Order, Place
from wxbot.db.patience import BATCH, in_batches, patiently
from wxbot.db.statements import begins_with, database_now
from wxbot.jobs.ledger import GRACE_SECONDS
from wxbot.jobs.outbox import Job
from wxbot.jobs.telling import enqueue_and_tell
from wxbot.webhooks.publishing import DELIVER
from wxbot.webhooks.store import delete_deliveries
from wxbot.webhooks.webhook import WebhookError

STATES = ("waiting", "delivered", "dead")
_ANEW = {"state": "waiting", "attempts": 0, "finished_at": None}
_TABLE = webhook_deliveries.c
_ORDER = Order(_TABLE.created_at, _TABLE.id)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One message to one webhook; times are seconds since 1970 in UTC.

    `attempts` are those since it was sent, or sent again on demand; the log may have more.
    """

    id: bytes
    webhook: str
    account: str
    kind: str
    person: bytes | None
    state: str
    attempts: int
    created_at: int
    finished_at: int | None


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One attempt to deliver; `status` is None when there was no answer."""

    number: int
    at: int
    seconds: float
    status: int | None
    detail: str | None


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some deliveries, the newest first; `after` names the place of the next page, None at the end."""

    deliveries: list[Delivery]
    after: Place | None


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How a webhook fares: deliveries in each state, and when the last one arrived."""

    counts: Mapping[str, int]
    delivered_at: int | None


_ATTEMPT = [each.name for each in fields(Attempt)]
_SELECT = select(*(_TABLE[each.name] for each in fields(Delivery)))


class Deliveries:
    """All deliveries. Safe to use from any thread."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def page(
        self,
        webhook: str,
        *,
        state: str | None = None,
        after: Place | None = None,
        limit: int = 50,
    ) -> Page:
        """Return the deliveries of a webhook."""
        with self.engine.connect() as connection:
            # Each state by itself is along the index.
            parts = [
                _ORDER.newest(
                    connection,
                    _SELECT.where(_TABLE.webhook == webhook, _TABLE.state == each),
                    after=after,
                    limit=limit,
                )
                for each in (STATES if state is None else (state,))
            ]
        found = _ORDER.merged(parts, limit)
        return Page(deliveries=[Delivery(**row) for row in found.rows], after=found.after)

    def find(self, id: bytes) -> Delivery | None:
        """Return a delivery, None when there is none of this id."""
        with self.engine.connect() as connection:
            return find(connection, id)

    def starting_with(self, prefix: str) -> list[Delivery]:
        """Return the deliveries whose id begins with these hexadecimal digits; at most two."""
        with self.engine.connect() as connection:
            rows = connection.execute(_SELECT.where(begins_with(_TABLE.id, prefix)).limit(2)).mappings()
            return [Delivery(**row) for row in rows]

    def body(self, id: bytes) -> str | None:
        """Return what is sent, None when there is no such delivery; it may hold what somebody wrote."""
        with self.engine.connect() as connection:
            return connection.scalar(select(_TABLE.body).where(_TABLE.id == id))

    def attempts(self, id: bytes) -> list[Attempt]:
        """Return the attempts at a delivery, the first one first."""
        table = webhook_attempts.c
        query = select(*(table[each.name] for each in fields(Attempt))).where(table.delivery == id)
        with self.engine.connect() as connection:
            return [Attempt(**row) for row in connection.execute(query.order_by(table.number)).mappings()]

    def last_attempts(self, ids: Collection[bytes]) -> dict[bytes, Attempt]:
        """Return the last attempt at each of these deliveries that was tried."""
        table = webhook_attempts.c
        query = select(table.delivery, *(table[each.name] for each in fields(Attempt)))
        with self.engine.connect() as connection:
            rows = connection.execute(query.where(table.delivery.in_(ids)).order_by(table.number)).mappings()
            return {row["delivery"]: Attempt(**{name: row[name] for name in _ATTEMPT}) for row in rows}

    def tally(self, webhook: str) -> Tally:
        """Return how a webhook fares."""
        mine = _TABLE.webhook == webhook
        counts = select(_TABLE.state, func.count()).where(mine).group_by(_TABLE.state)
        with self.engine.connect() as connection:
            return Tally(
                counts={row[0]: row[1] for row in connection.execute(counts)},
                delivered_at=_last_delivered(connection, webhook),
            )

    def open_tally(self, webhook: str) -> Tally:
        """Return the same without how many were delivered, which may be very many."""
        counts = select(_TABLE.state, func.count()).group_by(_TABLE.state)
        is_open = _TABLE.state.in_(("waiting", "dead"))
        with self.engine.connect() as connection:
            rows = connection.execute(counts.where(_TABLE.webhook == webhook, is_open))
            return Tally(
                counts={row[0]: row[1] for row in rows}, delivered_at=_last_delivered(connection, webhook)
            )

    def resend(self, id: bytes) -> bool:
        """Send a delivery once more, from now on as if for the first time, under the same id.

        False when there is none, or it is being sent at this moment. Raises WebhookError when the webhook is
        disabled.
        """
        delivery = self.find(id)
        if delivery is None:
            return False
        self._check_active(delivery.webhook)
        return patiently(self.engine, lambda connection: _resend(connection, id))

    def resend_dead(self, webhook: str) -> int:
        """Send everything once more that a webhook was not to be told; return how many there were.

        Raises WebhookError when it is disabled.
        """
        self._check_active(webhook)
        query = select(_TABLE.id).where(_TABLE.webhook == webhook, _TABLE.state == "dead").limit(BATCH)

        def batch(connection: Connection) -> tuple[int, int]:
            found = connection.execute(query).scalars().all()
            return len(found), sum(_resend(connection, id) for id in found)

        total, found, sent = 0, 1, 1
        while found and sent:
            found, sent = patiently(self.engine, batch)
            total += sent
        return total

    def forget_old(self, days: int) -> int:
        """Delete what was finished so many days ago; return how much. What waits stays."""
        old = _TABLE.created_at < database_now() - days * DAY_SECONDS
        query = select(_TABLE.id).where(old, _TABLE.state != "waiting").limit(BATCH)

        def batch(connection: Connection) -> int:
            return delete_deliveries(connection, connection.execute(query).scalars().all())

        return in_batches(self.engine, batch)

    def _check_active(self, webhook: str) -> None:
        """Refuse what would be put aside again at once."""
        query = select(webhooks.c.disabled_at).where(webhooks.c.id == webhook)
        with self.engine.connect() as connection:
            if connection.scalar(query) is not None:
                raise WebhookError(f"the webhook {webhook} is disabled: enable it first")


def undelivered(connection: Connection) -> dict[tuple[str, str], int]:
    """Return how many messages in the log are `waiting` or `dead`, for each webhook; 0 for none."""
    ids = connection.execute(select(webhooks.c.id)).scalars().all()
    found = {(id, state): 0 for id in ids for state in ("waiting", "dead")}
    query = select(_TABLE.webhook, _TABLE.state, func.count()).group_by(_TABLE.webhook, _TABLE.state)
    query = query.where(_TABLE.webhook.in_(ids), _TABLE.state.in_(("waiting", "dead")))
    return found | {(id, state): count for id, state, count in connection.execute(query)}


def _last_delivered(connection: Connection, webhook: str) -> int | None:
    """Return when the newest of those that arrived did."""
    mine = _TABLE.webhook == webhook, _TABLE.state == "delivered"
    newest = select(_TABLE.finished_at).where(*mine).order_by(_TABLE.created_at.desc()).limit(1)
    found: int | None = connection.scalar(newest)
    return found


def find(connection: Connection, id: bytes) -> Delivery | None:
    """Return a delivery, None when there is none of this id."""
    row = connection.execute(_SELECT.where(_TABLE.id == id)).mappings().first()
    return None if row is None else Delivery(**row)


def revive(connection: Connection, id: bytes) -> None:
    """Let the delivery of a job that is replayed wait again, if it was given up; other jobs have none."""
    dead = update(webhook_deliveries).where(_TABLE.id == id, _TABLE.state == "dead")
    connection.execute(dead.values(_ANEW))


def note(connection: Connection, id: bytes, seen: Sequence[object], **values: object) -> bool:
    """Log an attempt (seconds, status, detail) at a delivery that waits; False: it does not wait."""
    seconds, status, detail = seen
    waiting = update(webhook_deliveries).where(_TABLE.id == id, _TABLE.state == "waiting")
    if connection.execute(waiting.values(attempts=_TABLE.attempts + 1, **values)).rowcount != 1:
        return False
    table = webhook_attempts.c
    last = connection.scalar(select(func.max(table.number)).where(table.delivery == id)) or 0
    row = {"delivery": id, "number": last + 1, "seconds": seconds, "status": status, "detail": detail or None}
    connection.execute(insert(webhook_attempts).values(**row, at=database_now()))
    return True


def _resend(connection: Connection, id: bytes) -> bool:
    delivery = find(connection, id)
    if delivery is None:
        return False
    # One job a delivery, or it could be on its way twice: the one there is begins anew.
    now = database_now()
    again = {"state": "waiting", "attempts": 0, "run_at": now, "finished_at": None}
    idle = update(jobs).where(jobs.c.id == id, jobs.c.state != "running")
    # The next sweep has it at once.
    if connection.execute(idle.values(**again, dispatched_at=now - GRACE_SECONDS)).rowcount == 0:
        job = Job(account=delivery.account, name=DELIVER, id=id)
        if not enqueue_and_tell(connection, [job]):
            return False
    connection.execute(update(webhook_deliveries).where(_TABLE.id == id).values(_ANEW))
    return True
