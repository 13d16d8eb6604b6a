"""The ledger: who has which job, and how it ended. Whatever executes jobs may lose them; this may not."""

import json
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, Row, and_, case, func, or_, select, true, update

from wxbot.db.models import jobs
from wxbot.db.patience import patiently
from wxbot.db.statements import database_now
from wxbot.jobs.kept import count_kept
from wxbot.jobs.work import Claimed

# A lease is renewed every two seconds (wxbot/jobs/worker.py) and lost after this time without.
LEASE_SECONDS = 10
# Jobs that were handed to the engine this long ago and are still waiting were lost there.
GRACE_SECONDS = 10
# What lies so far ahead was written before the clock was put back.
_SKEW_SECONDS = 60
_DAY_SECONDS = 86_400
# A claim that cannot be made now is made by the next sweep.
_PATIENCE_SECONDS = 5.0

Result = TypeVar("Result")


class Ledger:
    """The jobs of one database, for any number of workers.

    Every change of a claimed job is conditional on the claim's token: a worker that was taken for lost, and
    comes back, changes nothing any more. `attempts` is how often a job is tried unless its work says so.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        attempts: int = 5,
        lease_seconds: int = LEASE_SECONDS,
        grace_seconds: int = GRACE_SECONDS,
    ) -> None:
        self.engine = engine
        self.attempts = attempts
        self._lease_seconds = lease_seconds
        self._grace_seconds = grace_seconds

    def claim(self, id: bytes, *, without: Collection[str] = ()) -> Claimed | None:
        """Take a job that is due, or whose worker is lost; None when it is neither. Counts the attempt.

        Jobs of the names in `without` are left to other workers for as long as they are not old.
        """
        return self._write(lambda connection: self._claim(connection, id, without))

    def finish(self, connection: Connection, claimed: Claimed) -> bool:
        """Mark a job as done, as the last statement of its own transaction; False: it is somebody else's."""
        return _end(connection, claimed, "done", "", None)

    def end(
        self, claimed: Claimed, state: str, detail: str, *, arguments: Mapping[str, object] | None = None
    ) -> bool:
        """End a job as `done`, `dead` or `unknown`; False: it is somebody else's by now."""
        return self._write(lambda connection: _end(connection, claimed, state, detail, arguments))

    def postpone(
        self,
        claimed: Claimed,
        seconds: float,
        detail: str,
        *,
        counts: bool = True,
        arguments: Mapping[str, object] | None = None,
    ) -> bool:
        """Let a job wait for its next attempt; one that does not count is given back."""
        values = {
            "state": "waiting",
            "run_at": database_now() + max(0, round(seconds)),
            "attempts": claimed.attempt if counts else claimed.attempt - 1,
            "dispatched_at": self._not_dispatched(),
            "detail": detail[:255],
            **_left(arguments),
        }
        return self._write(lambda connection: _change(connection, claimed, values))

    def pass_over(self, claimed: Claimed, seconds: float, detail: str) -> bool:
        """Leave a job to others for so long, as it was before: one that was begun stays a begun one.

        It stays due since when it was, which tells how long nobody has known it.
        """
        until = database_now() + round(seconds)
        values = {
            "attempts": claimed.attempt - 1,
            "dispatched_at": until - self._grace_seconds,
            "detail": detail[:255],
            **({"lease_until": until} if claimed.is_resumed else {"state": "waiting"}),
        }
        return self._write(lambda connection: _change(connection, claimed, values))

    def keep(
        self, claimed: Claimed, detail: str, *, arguments: Mapping[str, object] | None = None
    ) -> tuple[str, str] | None:
        """Keep a message for the person's next contact; without a follower to wait for it is dead.

        Returns the state and the detail that it has now; None: it is somebody else's by now.
        """
        return self._write(lambda connection: _keep(connection, claimed, detail, arguments))

    def renew(self, held: Sequence[Claimed]) -> None:
        """Hold on to jobs that are being done, with one statement."""
        if not held:
            return
        mine = and_(
            jobs.c.id.in_([claimed.id for claimed in held]),
            jobs.c.lease_by.in_([claimed.token for claimed in held]),
            jobs.c.state == "running",
        )
        renewed = update(jobs).where(mine).values(lease_until=database_now() + self._lease_seconds)
        self._write(lambda connection: connection.execute(renewed))

    def take_due(
        self, limit: int, *, grace_seconds: int | None = None, without: Collection[str] = ()
    ) -> list[bytes]:
        """Return jobs to hand to the engine, the longest due first, and note that they were handed over.

        Jobs that it was given lately are left out, or a backlog would be queued again at every sweep; and
        those that `claim` would leave to others.
        """
        grace = self._grace_seconds if grace_seconds is None else grace_seconds
        return self._write(lambda connection: _take_due(connection, limit, grace, _is_ours(without)))

    def replay(
        self, id: bytes, *, also: Callable[[Connection, bytes], object] = lambda _connection, _id: None
    ) -> bool:
        """Let a dead job, or one of unknown outcome, be done after all; False when it is neither.

        `also` is called in the same transaction, for what has ended with the job.
        """
        now = database_now()
        again = {
            "state": "waiting",
            "attempts": 0,
            "run_at": now,
            "expires_at": None,
            "dispatched_at": self._not_dispatched(),  # nobody tells the engine: the next sweep does
            "finished_at": None,
        }
        mine = update(jobs).where(jobs.c.id == id, jobs.c.state.in_(("dead", "unknown"))).values(again)

        def write(connection: Connection) -> bool:
            is_replayed = connection.execute(mine).rowcount == 1
            if is_replayed:
                also(connection, id)
            return is_replayed

        return self._write(write)

    def counts(self) -> dict[str, int]:
        """Return how many jobs there are in each state."""
        query = select(jobs.c.state, func.count()).group_by(jobs.c.state)
        with self.engine.connect() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def _claim(self, connection: Connection, id: bytes, without: Collection[str]) -> Claimed | None:
        now = database_now()
        expired = (jobs.c.expires_at < now).label("is_expired")
        columns = select(jobs, expired, _is_old().label("is_old"))
        row = connection.execute(columns.where(jobs.c.id == id, _is_due(), _is_ours(without))).one_or_none()
        if row is None:
            return None
        token = secrets.token_bytes(16)
        # A claim of others in between has changed one of these: who has more to do gives the attempt back.
        is_as_read = and_(
            jobs.c.state == row.state, jobs.c.attempts == row.attempts, jobs.c.arguments == row.arguments
        )
        taken = connection.execute(
            update(jobs)
            .where(jobs.c.id == id, is_as_read, _is_due())
            .values(
                state="running",
                attempts=row.attempts + 1,
                lease_by=token,
                lease_until=now + self._lease_seconds,
            )
        )
        return _claimed(row, token) if taken.rowcount == 1 else None

    def mend_clock(self) -> int:
        """Let nothing wait for the time that the clock has been put back by; returns how many jobs that was.

        What was made, put off or handed over in the future was so before: it waits for its pause or delay
        from now, and a lease that is longer than any has run out.
        """
        return self._write(_mend_clock)

    def _not_dispatched(self) -> ColumnElement[int]:
        """Return what lets the next sweep have a job, and keeps the time at which it was written."""
        return database_now() - self._grace_seconds

    def _write(self, work: Callable[[Connection], Result]) -> Result:
        return patiently(self.engine, work, seconds=_PATIENCE_SECONDS)


def _mend_clock(connection: Connection) -> int:
    now = database_now()
    future = now + _SKEW_SECONDS
    was_ahead = or_(jobs.c.created_at > future, jobs.c.dispatched_at > future)
    waiting = update(jobs).where(jobs.c.state == "waiting", was_ahead)
    running = update(jobs).where(jobs.c.state == "running", jobs.c.lease_until > future)
    run_at = case(
        (jobs.c.run_at <= now, jobs.c.run_at),
        (jobs.c.dispatched_at > future, jobs.c.run_at - (jobs.c.dispatched_at - now)),
        (jobs.c.dispatched_at.is_(None), jobs.c.run_at - (jobs.c.created_at - now)),
        else_=now,
    )
    created_at = case((jobs.c.created_at > now, now), else_=jobs.c.created_at)
    # In this order: MySQL goes by what it has just set.
    waiting = waiting.ordered_values(
        (jobs.c.run_at, run_at), (jobs.c.dispatched_at, None), (jobs.c.created_at, created_at)
    )
    count = connection.execute(waiting).rowcount
    return count + connection.execute(running.values(lease_until=now, dispatched_at=None)).rowcount


def _is_due() -> ColumnElement[bool]:
    now = database_now()
    return or_(
        and_(jobs.c.state == "waiting", jobs.c.run_at <= now),
        and_(jobs.c.state == "running", jobs.c.lease_until < now),
    )


def _is_old() -> ColumnElement[bool]:
    """Whether it has been due for a day; a replay makes it due anew."""
    return jobs.c.run_at < database_now() - _DAY_SECONDS


def _is_ours(without: Collection[str]) -> ColumnElement[bool]:
    return or_(jobs.c.name.not_in(list(without)), _is_old()) if without else true()


def _claimed(row: Row[Any], token: bytes) -> Claimed:
    return Claimed(
        id=row.id,
        account=row.account,
        name=row.name,
        arguments=json.loads(row.arguments),
        body=row.body,
        event_key=row.event_key,
        person=row.person,
        attempt=row.attempts + 1,
        token=token,
        is_resumed=row.state == "running",
        is_expired=bool(row.is_expired),
        is_old=bool(row.is_old),
    )


def _take_due(
    connection: Connection, limit: int, grace_seconds: int, is_ours: ColumnElement[bool]
) -> list[bytes]:
    now = database_now()
    at_hand = or_(jobs.c.dispatched_at.is_(None), jobs.c.dispatched_at <= now - grace_seconds)
    ids: list[bytes] = []
    # Two queries, each along the index, where MySQL would read the whole table for one.
    for due in (
        and_(jobs.c.state == "running", jobs.c.lease_until < now),
        and_(jobs.c.state == "waiting", jobs.c.run_at <= now),
    ):
        query = select(jobs.c.id).where(due, is_ours, at_hand).order_by(jobs.c.run_at).limit(limit - len(ids))
        ids += connection.execute(query).scalars()
    if ids:
        connection.execute(update(jobs).where(jobs.c.id.in_(ids)).values(dispatched_at=now))
    return ids


def _change(connection: Connection, claimed: Claimed, values: Mapping[str, object]) -> bool:
    """Change a job and let go of it, if it is still in the hands of who claimed it."""
    mine = update(jobs).where(
        jobs.c.id == claimed.id, jobs.c.lease_by == claimed.token, jobs.c.state == "running"
    )
    values = {"lease_until": None, **values, "lease_by": None}
    return connection.execute(mine.values(values)).rowcount == 1


def _end(
    connection: Connection,
    claimed: Claimed,
    state: str,
    detail: str,
    arguments: Mapping[str, object] | None,
) -> bool:
    values = {
        "state": state,
        "detail": detail[:255] or None,
        "finished_at": database_now(),
        **_left(arguments),
    }
    # The event's document is personal; a job that may be replayed still needs it.
    return _change(connection, claimed, values | ({"body": None} if state == "done" else {}))


def _keep(
    connection: Connection, claimed: Claimed, detail: str, arguments: Mapping[str, object] | None
) -> tuple[str, str] | None:
    if not _end(connection, claimed, "kept", detail, arguments):
        return None
    if count_kept(connection, claimed.account, claimed.person, 1):
        return "kept", detail
    detail = f"nobody to keep it for: {detail}"
    connection.execute(update(jobs).where(jobs.c.id == claimed.id).values(state="dead", detail=detail[:255]))
    return "dead", detail


def _left(arguments: Mapping[str, object] | None) -> dict[str, object]:
    return {} if arguments is None else {"arguments": json.dumps(arguments, ensure_ascii=False)}
