"""How long jobs are remembered."""

from functools import partial

from sqlalchemy import Connection, Engine, and_, delete, select

from wxbot.clock import DAY_SECONDS
from wxbot.db.models import jobs
from wxbot.db.patience import BATCH, in_batches
from wxbot.db.statements import database_now
from wxbot.jobs.kept import count_kept


def forget_finished(engine: Engine, days: int) -> int:
    """Delete the jobs that ended so many days ago, well or not, and kept messages nobody came for."""
    states = ("done", "dead", "unknown", "kept")
    return sum(in_batches(engine, partial(_forget, state=each, days=days)) for each in states)


def _forget(connection: Connection, *, state: str, days: int) -> int:
    before = database_now() - days * DAY_SECONDS
    # No job ends before it was due: the first comparison is what the index is for.
    old = and_(jobs.c.state == state, jobs.c.run_at <= before, jobs.c.finished_at <= before)
    rows = connection.execute(select(jobs.c.id, jobs.c.account, jobs.c.person).where(old).limit(BATCH)).all()
    if not rows:
        return 0
    if state == "kept":
        return sum(_forget_kept(connection, *row) for row in rows)
    # The state again: one of them may have been replayed a moment ago.
    gone = delete(jobs).where(jobs.c.id.in_([row.id for row in rows]), jobs.c.state == state)
    return connection.execute(gone).rowcount


def _forget_kept(connection: Connection, id: bytes, account: str, person: bytes) -> bool:
    """Delete a message unless its person's contact wakes it at this moment."""
    gone = delete(jobs).where(jobs.c.id == id, jobs.c.state == "kept")
    if connection.execute(gone).rowcount == 0:
        return False
    count_kept(connection, account, person, -1)
    return True
