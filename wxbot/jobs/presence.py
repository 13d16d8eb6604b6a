"""Who works, and whose turn periodic work is."""

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, Engine, delete, or_, select, update

from wxbot.db.models import heartbeats, schedules
from wxbot.db.patience import patiently
from wxbot.db.statements import database_now, insert_first

_PATIENCE_SECONDS = 5.0
# The line of a process that was killed; long after anybody wonders about it.
_FORGET_SECONDS = 3600


@dataclass(frozen=True, kw_only=True)
class Line:
    """A process that works off jobs; `kind` is `worker`."""

    id: bytes
    kind: str
    host: str
    pid: int


def write(engine: Engine, line: Line) -> None:
    """Note that a process lives, and forget those that have not for long."""

    def note(connection: Connection) -> None:
        now = database_now()
        seen = update(heartbeats).where(heartbeats.c.id == line.id).values(seen_at=now)
        if connection.execute(seen).rowcount == 0:
            connection.execute(delete(heartbeats).where(heartbeats.c.seen_at < now - _FORGET_SECONDS))
            insert_first(connection, heartbeats, {**asdict(line), "started_at": now, "seen_at": now})

    patiently(engine, note, seconds=_PATIENCE_SECONDS)


def erase(engine: Engine, line: Line) -> None:
    """Take a process's line away when it ends."""
    gone = delete(heartbeats).where(heartbeats.c.id == line.id)
    patiently(engine, lambda connection: connection.execute(gone), seconds=_PATIENCE_SECONDS)


def take_turn(engine: Engine, name: str, every_seconds: int) -> bool:
    """Say whether periodic work is due; then it is the caller's to do, and nobody else's."""

    def take(connection: Connection) -> bool:
        now = database_now()
        # Further ahead than it is ever put: the clock was put back.
        is_due = or_(schedules.c.next_at <= now, schedules.c.next_at > now + every_seconds)
        mine = update(schedules).where(schedules.c.name == name, is_due)
        if connection.execute(mine.values(next_at=now + every_seconds)).rowcount == 1:
            return True
        known = select(schedules.c.name).where(schedules.c.name == name)
        if connection.execute(known).one_or_none() is not None:
            return False
        return insert_first(connection, schedules, {"name": name, "next_at": now + every_seconds})

    return patiently(engine, take, seconds=_PATIENCE_SECONDS)
