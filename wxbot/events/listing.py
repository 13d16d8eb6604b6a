"""The recorded events as an operator sees them: the latest, one with its jobs, and one run anew."""

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Engine, RowMapping, select

from wxbot.db.models import events, jobs
from wxbot.db.paging import ALWAYS, Found, Order, Place, Window
from wxbot.db.patience import patiently
from wxbot.db.sqlite import begin_write
from wxbot.db.statements import begins_with
from wxbot.errors import WxbotError
from wxbot.events.followups import REPLAY
from wxbot.jobs.outbox import Job, enqueue
from wxbot.outcome import Status

SHORTEST_ID = 4
OPEN = "open"
OUTCOMES = tuple(status.value for status in Status)
_ORDER = Order(events.c.recorded_at, events.c.key)
_MOST_FOUND = 3
# A request must not keep its thread for longer.
_PATIENCE_SECONDS = 5.0

_LINE = (
    events.c.key,
    events.c.account,
    events.c.person,
    events.c.kind,
    events.c.scene,
    events.c.recorded_at,
    events.c.state,
    events.c.outcome,
    events.c.handler,
    events.c.detail,
    events.c.seconds,
)


class NoSuchEventError(WxbotError):
    """No event, or more than one, has this id; or the event cannot be run anew."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """An event in one line. `id` finds it again; `person` tells people apart without naming them."""

    id: str
    account: str
    person: str
    kind: str
    scene: str | None
    recorded_at: int
    state: str
    outcome: str | None
    handler: str
    detail: str
    seconds: float | None


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which events are listed; `outcome` may be OPEN, for those that a handler still works on."""

    accounts: Collection[str] | None = None
    person: bytes | None = None
    kind: str | None = None
    scene: str | None = None
    outcome: str | None = None
    handler: str | None = None
    window: Window = ALWAYS

    def chosen(self) -> list[ColumnElement[bool]]:
        """Return the conditions that the index by time does not know."""
        named = (
            (events.c.person, self.person),
            (events.c.kind, self.kind),
            (events.c.scene, self.scene),
            (events.c.handler, self.handler),
        )
        found = [column == value for column, value in named if value is not None]
        if self.outcome is not None:
            is_open = events.c.state != "done"
            found.append(is_open if self.outcome == OPEN else events.c.outcome == self.outcome)
        if self.accounts is not None:
            found.append(events.c.account.in_(self.accounts))
        return found


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some events, the newest first; `after` is None at the end, `is_cut` as in wxbot/db/paging.py."""

    lines: tuple[Line, ...]
    after: Place | None
    is_cut: bool


@dataclass(frozen=True, kw_only=True)
class JobLine:
    """A job that an event has caused."""

    id: str
    name: str
    state: str
    attempts: int
    created_at: int
    finished_at: int | None
    detail: str


@dataclass(frozen=True, kw_only=True)
class Detail:
    """All there is about an event; `reply` is what the person read, as data, `person` their whole digest."""

    line: Line
    person: str
    created_at: int
    lease_until: int | None
    messages_sent: int
    has_body: bool
    reply: object
    jobs: tuple[JobLine, ...]


def listed(engine: Engine, wanted: Wanted, *, after: Place | None = None, limit: int = 50) -> Page:
    """Return the newest events that are wanted, the newest first.

    A page of rare events looks at so many, and goes on behind those: `Page.is_cut`.
    """
    found = rows(engine, wanted, after=after, limit=limit)
    return Page(lines=tuple(_line(row) for row in found.rows), after=found.after, is_cut=found.is_cut)


def rows(engine: Engine, wanted: Wanted, *, after: Place | None = None, limit: int) -> Found:
    """Return the rows of what `listed` lists, with the moments at which they happened."""
    query = select(*_LINE, events.c.created_at)
    with engine.connect() as connection:
        return _ORDER.newest(
            connection, query, chosen=wanted.chosen(), window=wanted.window, after=after, limit=limit
        )


def row(engine: Engine, key: bytes, accounts: Collection[str]) -> RowMapping | None:
    """Return the row of one event of these accounts, None when they have none of this key."""
    mine = events.c.key == key, events.c.account.in_(accounts)
    with engine.connect() as connection:
        return connection.execute(select(*_LINE, events.c.created_at).where(*mine)).mappings().first()


def latest(
    engine: Engine, *, limit: int = 20, since: int | None = None, account: str | None = None
) -> list[Line]:
    """Return the newest events, oldest first; `since` in seconds since 1970 and with them.

    Those of an account are found behind any number of others, a query for so many of them.
    """
    wanted = Wanted(window=Window(since=since), accounts=None if account is None else (account,))
    page = listed(engine, wanted, limit=limit)
    lines = list(page.lines)
    while len(lines) < limit and page.after is not None:
        page = listed(engine, wanted, after=page.after, limit=limit - len(lines))
        lines += page.lines
    return lines[::-1]


def as_they_are(engine: Engine, ids: Sequence[str]) -> list[Line]:
    """Return these events, named by the ids of their lines, as they stand now; none for what is gone."""
    with engine.connect() as connection:
        found = [
            connection.execute(select(*_LINE).where(begins_with(events.c.key, id)).limit(1))
            .mappings()
            .first()
            for id in ids
        ]
    return [_line(row) for row in found if row is not None]


def find(engine: Engine, id: str) -> Detail:
    """Return the event whose id begins so; raises NoSuchEventError unless there is exactly one."""
    with engine.connect() as connection:
        row = _row(connection, id)
        caused = (
            select(
                jobs.c.id,
                jobs.c.name,
                jobs.c.state,
                jobs.c.attempts,
                jobs.c.created_at,
                jobs.c.finished_at,
                jobs.c.detail,
            )
            .where(jobs.c.event_key == row["key"])
            .order_by(jobs.c.created_at, jobs.c.id)
        )
        found = connection.execute(caused).mappings().all()
    return Detail(
        line=_line(row),
        person=row["person"].hex(),
        created_at=row["created_at"],
        lease_until=row["lease_until"],
        messages_sent=row["messages_sent"],
        has_body=row["body"] is not None,
        reply=json.loads(row["reply"]),
        jobs=tuple(JobLine(**{**job, "id": job["id"].hex(), "detail": job["detail"] or ""}) for job in found),
    )


def replay(engine: Engine, id: str) -> bytes:
    """Let a worker run the handler of an event once more; returns the job's id.

    What the person was answered stays. Raises NoSuchEventError when there is not exactly one such event, it
    is still being worked on, its document is no longer kept, or a worker was asked already.
    """

    def work(connection: Connection) -> bytes:
        begin_write(connection)  # for SQLite, to which FOR UPDATE says nothing
        row = _row(connection, id, for_update=True)
        key = row["key"].hex()[:16]
        if row["kind"] == "malformed":
            raise NoSuchEventError(
                f"{key} is a malformed callback; there is nothing a handler could be given"
            )
        if row["state"] != "done":
            raise NoSuchEventError(
                f"{key} is still being worked on; if its process is gone, a worker takes it over by itself"
            )
        if row["body"] is None:
            raise NoSuchEventError(
                f"the document of {key} is no longer kept: it goes once an event is settled, since it holds "
                "personal data. Ask the person to scan again, or try the handler with `wxbot simulate`"
            )
        if _is_asked_for(connection, row["key"]):
            raise NoSuchEventError(
                f"{key} is about to be run again already; see `wxbot events show {key}` for its job"
            )
        job = Job(
            account=row["account"],
            name=REPLAY,
            body=row["body"],
            event_key=row["key"],
            person=row["person"],
        )
        enqueue(connection, [job])
        return job.id

    return patiently(engine, work, seconds=_PATIENCE_SECONDS)


def _is_asked_for(connection: Connection, key: bytes) -> bool:
    """Say whether the handler of an event is about to be run once more, or runs."""
    asked = jobs.c.event_key == key, jobs.c.name == REPLAY, jobs.c.state.in_(("waiting", "running"))
    return connection.execute(select(jobs.c.id).where(*asked).limit(1)).first() is not None


def _row(connection: Connection, id: str, *, for_update: bool = False) -> RowMapping:
    text = id.strip().lower()
    if not re.fullmatch(rf"[0-9a-f]{{{SHORTEST_ID},32}}", text):
        raise NoSuchEventError(
            f"{id!r} is no id of an event; give {SHORTEST_ID} to 32 digits of it, as in `wxbot events tail`"
        )
    query = select(events).where(begins_with(events.c.key, text)).limit(_MOST_FOUND)
    found = connection.execute(query.with_for_update() if for_update else query).mappings().all()
    if not found:
        raise NoSuchEventError(f"there is no event {text}; it may have been deleted ([privacy] events_days)")
    if len(found) > 1:
        raise NoSuchEventError(f"{_and_more(found)} all begin with {text}; give more digits")
    return found[0]


def _and_more(found: Sequence[RowMapping]) -> str:
    shown = ", ".join(row["key"].hex()[:16] for row in found)
    return f"{shown}, …" if len(found) == _MOST_FOUND else shown


def _line(row: RowMapping) -> Line:
    return Line(
        id=row["key"].hex()[:16],
        account=row["account"],
        person=row["person"].hex()[:8],
        kind=row["kind"],
        scene=row["scene"],
        recorded_at=row["recorded_at"],
        state=row["state"],
        outcome=row["outcome"],
        handler=row["handler"] or "",
        detail=row["detail"] or "",
        seconds=row["seconds"],
    )
