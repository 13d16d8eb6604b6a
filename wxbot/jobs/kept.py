"""Messages that came too late to be sent: kept until the person makes contact again."""

from collections.abc import Mapping

from sqlalchemy import Connection, case, select, update

from wxbot.db.models import followers, jobs
from wxbot.db.statements import database_now


def count_kept(connection: Connection, account: str, person: bytes | None, change: int) -> bool:
    """Note on the follower that more messages wait, or fewer; False when there is no such follower."""
    waiting = followers.c.kept_messages + change
    mine = update(followers).where(followers.c.account == account, followers.c.person == person)
    noted = connection.execute(mine.values(kept_messages=case((waiting > 0, waiting), else_=0)))
    return noted.rowcount == 1


def wake_kept(
    connection: Connection, account: str, person: bytes, event_key: bytes, within_seconds: int
) -> list[bytes]:
    """Let a person's kept messages be sent under this event, in the caller's transaction.

    They must be begun within so many seconds. Returns the ids, the oldest first, to tell the engine of after
    the commit.
    """
    query = select(jobs.c.id).where(
        jobs.c.account == account, jobs.c.person == person, jobs.c.state == "kept"
    )
    ids = connection.execute(query.order_by(jobs.c.created_at, jobs.c.id)).scalars().all()
    now = database_now()
    awake: Mapping[str, object] = {
        "state": "waiting",
        "attempts": 0,
        "event_key": event_key,
        "run_at": now,
        "expires_at": now + within_seconds,
        "dispatched_at": now,
        "finished_at": None,
    }
    # One by one: another event of the same person may wake some of them at the same time.
    woken = [id for id in ids if _still_kept(connection, id, awake)]
    if woken:
        count_kept(connection, account, person, -len(woken))
    return woken


def _still_kept(connection: Connection, id: bytes, values: Mapping[str, object]) -> bool:
    kept = update(jobs).where(jobs.c.id == id, jobs.c.state == "kept")
    return connection.execute(kept.values(values)).rowcount == 1
