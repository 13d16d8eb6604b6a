"""What new facts are read from: the records of events, and claims. None of it is on the answer path."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, and_, or_, select

from wxbot.analytics.batch import Fact
from wxbot.analytics.tally import Kind
from wxbot.db.business import claims
from wxbot.db.figures import facts
from wxbot.db.models import events

_LOGIN = "login"  # who logs in has not been won by that
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
    is_behind = or_(at > place.at, and_(at == place.at, key > place.key))
    query = select(*columns).where(at >= place.at, is_behind).order_by(at, key).limit(limit)
    rows = connection.execute(query).mappings().all()
    found = [fact for fact in map(_of_event, rows) if fact is not None]
    end = Place(rows[-1]["recorded_at"], rows[-1]["key"]) if len(rows) == limit else None
    return Page(_fresh(connection, found), end)


def claims_behind(connection: Connection, place: Place, *, limit: int) -> Page:
    """Return a page of claims, by the time at which they were made; none of people who were forgotten."""
    at, key = claims.c.claimed_at, claims.c.id
    columns = key, claims.c.account, claims.c.person, claims.c.purpose, at
    is_behind = or_(at > place.at, and_(at == place.at, key > place.key))
    query = select(*columns).where(at >= place.at, is_behind).order_by(at, key).limit(limit)
    rows = connection.execute(query).mappings().all()
    found = [
        Fact(
            key=row["id"], account=row["account"], person=row["person"], kind=Kind.CLAIM, at=row["claimed_at"]
        )
        for row in rows
        if row["person"] and row["purpose"] != _LOGIN
    ]
    end = Place(rows[-1]["claimed_at"], rows[-1]["id"]) if len(rows) == limit else None
    return Page(_fresh(connection, found), end)


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
