"""How data about people is taken out of the tables, row by row, so that nobody waits for a lock for long."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, and_, delete, exists, select, update

from wxbot.db.business import webhook_attempts, webhook_deliveries
from wxbot.db.models import events, jobs
from wxbot.db.models import followers as follower_rows
from wxbot.db.statements import holds
from wxbot.events.rows import State
from wxbot.people.places import COUNTED, PLACES, Place, Who, theirs

_BATCH = 200
# Jobs and messages to the site that nothing more will be done with, but what an operator may ask for.
_JOB_ENDED = jobs.c.state.in_(("done", "dead", "unknown", "kept"))
_DELIVERY_ENDED = webhook_deliveries.c.finished_at.is_not(None)
# A malformed callback is nobody's: shorter on SQLite and PostgreSQL than on MySQL, which fills it up.
_NOBODY = (b"", bytes(16))

Write = Callable[[Callable[[Connection], int]], int]


def take_out(write: Write, place: Place, which: Sequence[RowMapping], who: Who, *, pseudonym: bytes) -> int:
    """Delete rows, or take the person out of them; returns how many. Each batch is one transaction.

    Where a row needs a person it gets the pseudonym, which leads to nobody: people can still be counted.
    """
    total = 0
    for start in range(0, len(which), _BATCH):
        batch = which[start : start + _BATCH]
        total += write(partial(_take_out, place=place, batch=batch, who=who, pseudonym=pseudonym))
    return total


def erase_ended(connection: Connection, who: Who, *, pseudonym: bytes) -> dict[str, int]:
    """Take a person out of all tables where they are found quickly, but for what is still to be done.

    The records of events are not among those, nor what is counted from them, nor the follower's own row.
    """
    ended = {jobs.name: _JOB_ENDED, webhook_deliveries.name: _DELIVERY_ENDED}
    ended[webhook_attempts.name] = webhook_attempts.c.delivery.in_(
        select(webhook_deliveries.c.id).where(_DELIVERY_ENDED)
    )
    counts = {}
    for place in PLACES:
        is_later = place.table in (events, follower_rows, *COUNTED)
        if not is_later and (place.within or "person" in place.table.c):
            conditions = [each for each in [ended.get(place.table.name)] if each is not None]
            found = connection.execute(select(place.table).where(theirs(place, who), *conditions))
            rows = found.mappings().all()
            counts[place.table.name] = _take_out(
                connection, place=place, batch=rows, who=who, pseudonym=pseudonym
            )
    return counts


def erase_documents(connection: Connection, who: Who) -> dict[str, int]:
    """Erase the documents of a person's events and jobs that nobody works on, and drop what was kept.

    A document that is still needed goes when the run or the job ends.
    """
    mine = and_(events.c.person == who.person, events.c.body.is_not(None), events.c.state == State.DONE)
    counts = {"events": connection.execute(update(events).where(mine).values(body=None)).rowcount}
    kept = and_(jobs.c.person == who.person, jobs.c.state == "kept")
    counts["jobs"] = connection.execute(delete(jobs).where(kept)).rowcount
    with_document = and_(jobs.c.person == who.person, _JOB_ENDED, jobs.c.body.is_not(None))
    counts["jobs"] += connection.execute(update(jobs).where(with_document).values(body=None)).rowcount
    if who.openid is not None:
        naming = and_(jobs.c.person == who.person, _JOB_ENDED, holds(jobs.c.arguments, who.openid))
        counts["jobs"] += connection.execute(update(jobs).where(naming).values(arguments="{}")).rowcount
        malformed = and_(events.c.person.in_(_NOBODY), events.c.account == who.account)
        kept = and_(malformed, events.c.state == State.DONE, events.c.body.is_not(None))
        named = update(events).where(kept, holds(events.c.body, who.openid)).values(body=None)
        counts["events"] += connection.execute(named).rowcount
    return counts


def erase_documents_of_left(connection: Connection) -> int:
    """Erase the documents that runs and jobs of people who have left were done with only afterwards.

    The arguments of such jobs go as well: nobody knows the openid any more that might stand in them.
    """
    count = 0
    for table, ended, taken, values in (
        (events, events.c.state == State.DONE, events.c.body.is_not(None), {"body": None}),
        (jobs, _JOB_ENDED, jobs.c.body.is_not(None), {"body": None}),
        (jobs, _JOB_ENDED, jobs.c.arguments != "{}", {"arguments": "{}"}),
    ):
        theirs_left = exists().where(
            follower_rows.c.account == table.c.account,
            follower_rows.c.person == table.c.person,
            follower_rows.c.unfollowed_at.is_not(None),
        )
        late = and_(taken, ended, theirs_left)
        count += connection.execute(update(table).where(late).values(values)).rowcount
    return count


def _take_out(
    connection: Connection, *, place: Place, batch: Sequence[RowMapping], who: Who, pseudonym: bytes
) -> int:
    count = 0
    for row in batch:
        mine = key_of(place.table, row)
        if place.goes:
            count += connection.execute(delete(place.table).where(mine)).rowcount
            continue
        values = _without(place, row, who, pseudonym=pseudonym)
        if values:
            count += connection.execute(update(place.table).where(mine).values(values)).rowcount
        elif place.within and not place.texts:
            count += 1  # what leads from it to them is taken out of the row that it belongs to
    return count


def _without(place: Place, row: RowMapping, who: Who, *, pseudonym: bytes) -> Mapping[str, object]:
    """Return what has to change in a row that stays; a run that is not settled needs its document."""
    table, values = place.table, dict[str, object]()
    is_at_work = table is events and row["state"] != State.DONE
    if row.get("person") == who.person:
        values["person"] = None if table.c.person.nullable else pseudonym
        if "openid" in table.c:
            values["openid"] = None
    for name in place.texts:
        if _names(row[name], who) and not (is_at_work and name == "body"):
            values[name] = None if table.c[name].nullable else _blotted(row[name], who)
    return values


def _names(value: Any, who: Who) -> bool:
    if isinstance(value, bytes):
        return any(name.encode() in value for name in who.names)
    return isinstance(value, str) and any(name in value for name in who.names)


def _blotted(text: str, who: Who) -> str:
    for name in who.names:
        text = text.replace(name, "")
    return text


def key_of(table: Table, row: RowMapping) -> ColumnElement[bool]:
    """Say which row is this one."""
    return and_(*(column == row[column.name] for column in table.primary_key.columns))
