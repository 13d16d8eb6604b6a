"""Where the database may hold something about a person: the one list, for forgetting and for exports."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    LargeBinary,
    RowMapping,
    Select,
    String,
    Table,
    Text,
    and_,
    bindparam,
    case,
    false,
    func,
    or_,
    select,
    true,
)

from wxbot import followers
from wxbot.db.business import (
    bindings,
    channel_people,
    claim_steps,
    claims,
    follower_tags,
    webhook_attempts,
    webhook_deliveries,
)
from wxbot.db.figures import facts as figure_facts
from wxbot.db.figures import people as figure_people
from wxbot.db.models import events, jobs
from wxbot.db.models import followers as follower_rows
from wxbot.db.statements import holds

_DIGEST_BYTES = 16


@dataclass(frozen=True, kw_only=True)
class Who:
    """A person of an account; without the openid, texts that name it cannot be found."""

    account: str
    person: bytes
    openid: str | None = field(default=None, repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Return what stands for them in texts: the digest in hexadecimal digits, and the openid."""
        return (self.person.hex(), *([self.openid] if self.openid else []))


@dataclass(frozen=True)
class Place:
    """A table with rows about people, and which of its texts may name them.

    `goes`: the whole row goes with the person. Otherwise it stays, and what leads to them is taken out of it.
    `within` names a column with the id of a row of another place, which this one belongs to.
    """

    table: Table
    texts: tuple[str, ...] = ()
    goes: bool = False
    within: "tuple[str, Place] | None" = None


_CLAIMS = Place(claims, texts=("data",))
_FIGURES = Place(figure_people)
_DELIVERIES = Place(webhook_deliveries, texts=("body",), goes=True)
# What belongs to a row stands before it: afterwards nothing would lead there. What the API keeps for a day,
# to answer repeats, is not here: it is sealed, and nothing finds a person in it.
PLACES = (
    Place(follower_rows, goes=True),
    Place(follower_tags, goes=True),
    Place(channel_people),
    Place(bindings, goes=True),
    Place(claim_steps, texts=("detail",), within=("claim", _CLAIMS)),
    _CLAIMS,
    Place(jobs, texts=("arguments", "body", "detail"), goes=True),
    Place(webhook_attempts, texts=("detail",), goes=True, within=("delivery", _DELIVERIES)),
    _DELIVERIES,
    Place(figure_facts, within=("who", _FIGURES)),
    # Whom a number stands for changes with the events that are counted; what is left, behind them.
    Place(events, texts=("reply", "body", "detail"), goes=False),
    _FIGURES,
)
# Counted are those who left as well, so that these are for ever; who they are goes with the events.
COUNTED = (figure_facts, figure_people)


def of_account(account: str, openid: str) -> Who:
    """Return the person who has this openid."""
    return Who(account=account, person=followers.person(account, openid), openid=openid)


def theirs(place: Place, who: Who) -> ColumnElement[bool]:
    """Say which rows belong to a person; quick wherever people are looked for all day."""
    if place.within:
        return _within(place, who, theirs)
    if "person" not in place.table.c:
        return false()
    return and_(_of_account(place.table, who), place.table.c.person == who.person)


def about(place: Place, who: Who) -> ColumnElement[bool]:
    """Say which rows belong to a person or name them in a text; reads the whole table."""
    named = [holds(place.table.c[column], name) for column in place.texts for name in who.names]
    within = [_within(place, who, about)] if place.within else []
    return or_(theirs(place, who), *within, and_(_of_account(place.table, who), or_(false(), *named)))


def stored(connection: Connection, place: Place, who: Who) -> list[RowMapping]:
    """Return all rows of a table that are about a person."""
    found = select(place.table).where(about(place, who)).order_by(*place.table.primary_key.columns)
    return list(connection.execute(found).mappings())


def naming(connection: Connection, who: Who, table: Table) -> dict[str, int]:
    """Count the rows of any table that name a person, by column, whatever the table is for; reads it once."""
    query = _counting(table, len(who.names))
    if query is None:
        return {}
    values: dict[str, object] = {"account": who.account, "person": who.person}
    for number, name in enumerate(who.names):
        values |= {f"text_{number}": name, f"bytes_{number}": name.encode()}
    counts = connection.execute(query, values).mappings().one()
    return {column: count for column, count in counts.items() if count}


@cache
def _counting(table: Table, names: int) -> Select[Any] | None:
    """Return the query of `naming` for so many names, None for a table whose columns name nobody."""
    named = {column.name: _naming(column, names) for column in table.c}
    counts: list[Any] = [
        func.count(case((condition, 1))).label(name)
        for name, condition in named.items()
        if condition is not None
    ]
    mine = table.c.account == bindparam("account") if "account" in table.c else true()
    return select(*counts).select_from(table).where(mine) if counts else None


def _naming(column: Column[Any], names: int) -> ColumnElement[bool] | None:
    is_bytes = isinstance(column.type, LargeBinary)
    length = getattr(column.type, "length", None)
    if is_bytes and length:
        return column == bindparam("person", type_=column.type) if length == _DIGEST_BYTES else None
    if is_bytes or isinstance(column.type, String):
        kind, what = (LargeBinary(), "bytes") if is_bytes else (Text(), "text")
        return or_(*(holds(column, bindparam(f"{what}_{each}", type_=kind)) for each in range(names)))
    return None


def _within(
    place: Place, who: Who, which: Callable[[Place, Who], ColumnElement[bool]]
) -> ColumnElement[bool]:
    assert place.within is not None
    column, outer = place.within
    return place.table.c[column].in_(select(outer.table.c.id).where(which(outer, who)))


def _of_account(table: Table, who: Who) -> ColumnElement[bool]:
    """Say which rows may be about somebody of this account: all, where a table does not tell."""
    is_there: ColumnElement[bool] = table.c.account == who.account if "account" in table.c else true()
    return is_there
