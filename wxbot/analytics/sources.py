"""What new facts are read from: the records of events, and claims. None of it is on the answer path."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, RowMapping, Select, and_, or_, select

from wxbot.analytics.batch import Fact
from wxbot.analytics.tally import Kind
from wxbot.db.business import bindings, claims
from wxbot.db.figures import facts
from wxbot.db.models import events

_LOGIN = "login"  # who logs in has not been won by that
_LINK = "link"  # is scanned, or offered at a visit of the site's page, and may come to nothing
_LAST_MOMENT = 253_370_000_000  # in the year 9998: what a calendar can hold
_LAST_KEY = b"\xff" * 16


@dataclass(frozen=True)
class Place:
    """Where a reading stands: behind this time, and behind this key among those of the same time."""

    at: int
    key: bytes = b""

    @classmethod
    def before(cls, at: int) -> "Place":
        """Return the place before all that happened at a time."""
        return cls(at - 1, _LAST_KEY)


@dataclass(frozen=True)
class Page:
    """A page of what was read: the facts in it that are not counted yet. `behind` is None at the end."""

    fresh: Sequence[Fact]
    behind: Place | None


def events_behind(connection: Connection, place: Place, *, limit: int) -> Page:
    """Return a page of the records of events, by the time at which they were recorded."""
    at, key = events.c.recorded_at, events.c.key
    columns = key, events.c.account, events.c.person, events.c.kind, events.c.scene, events.c.created_at, at
    rows = connection.execute(_behind(place, at, key, select(*columns)).limit(limit)).mappings().all()
    found = [fact for fact in map(_of_event, rows) if fact is not None]
    end = Place(rows[-1]["recorded_at"], rows[-1]["key"]) if len(rows) == limit else None
    return Page(_fresh(connection, found), end)


def claims_behind(connection: Connection, place: Place, *, limit: int) -> Page:
    """Return a page of claims, by the time at which they were made; none of people who were forgotten.

    A link counts when it is confirmed: until then nothing tells that the person wants it.
    """
    both = (query.limit(limit) for query in (_claimed(place), _linked(place)))
    rows = [row for query in both for row in connection.execute(query).mappings()]
    rows = sorted(rows, key=lambda row: (row["at"], row["key"]))[:limit]
    end = Place(rows[-1]["at"], rows[-1]["key"]) if len(rows) == limit else None
    return Page(_fresh(connection, (Fact(kind=Kind.CLAIM, **row) for row in rows)), end)


def _claimed(place: Place) -> Select[Any]:
    table = claims.c
    counts = table.person.is_not(None), table.purpose.not_in((_LOGIN, _LINK))
    columns = table.id.label("key"), table.account, table.person, table.claimed_at.label("at")
    return _behind(place, table.claimed_at, table.id, select(*columns).where(*counts))


def _linked(place: Place) -> Select[Any]:
    table = bindings.c
    columns = table.claim.label("key"), table.account, table.person, table.bound_at.label("at")
    query = select(*columns).join(claims, and_(claims.c.id == table.claim, claims.c.purpose == _LINK))
    return _behind(place, table.bound_at, table.claim, query)


def _behind(place: Place, at: Column[Any], key: Column[Any], query: Select[Any]) -> Select[Any]:
    is_behind = or_(at > place.at, and_(at == place.at, key > place.key))
    return query.where(at >= place.at, is_behind).order_by(at, key)


def _of_event(row: RowMapping) -> Fact | None:
    scene = row["scene"] or None
    kinds = {"subscribe": Kind.FOLLOW, "unsubscribe": Kind.UNFOLLOW, "scan": Kind.SCAN}
    kind = kinds.get(row["kind"])
    if kind is None:
        return None
    return Fact(
        key=row["key"],
        account=row["account"],
        person=row["person"],
        kind=kind,
        at=min(max(row["created_at"], 0), _LAST_MOMENT),
        scene=None if kind is Kind.UNFOLLOW else scene,
    )


def _fresh(connection: Connection, found: Iterable[Fact]) -> list[Fact]:
    """Return those that are not counted yet."""
    by_key = {fact.key: fact for fact in found}
    if by_key:
        for key in connection.execute(select(facts.c.key).where(facts.c.key.in_(by_key))).scalars():
            del by_key[key]
    return list(by_key.values())
