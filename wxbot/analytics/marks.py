"""The one row of state: how far was read, by which definitions was counted, and who writes next."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Connection, Engine, RowMapping, case, func, or_, select, update

from wxbot.analytics.tally import Attribution, Rules
from wxbot.analytics.units import Calendar
from wxbot.db.figures import state
from wxbot.db.patience import patiently
from wxbot.db.statements import database_now, insert_first
from wxbot.settings.model import AnalyticsSettings

_MINE = state.c.id == 1
_HELD_SECONDS = 60
_MOST_EDITIONS = 30_000


@dataclass(frozen=True, kw_only=True)
class Marks:
    """The state when it was read. Whoever writes names its `round`, and is refused if that has changed."""

    round: int
    edition: int
    rules: Rules
    events_until: int
    claims_until: int
    swept_at: int
    again_from: int | None
    is_held: bool


def read(connection: Connection) -> Marks | None:
    """Return the state; None before anything was counted."""
    is_held = func.coalesce(state.c.held_until > database_now(), False).label("is_held")
    row = connection.execute(select(state, is_held).where(_MINE)).mappings().first()
    return None if row is None else _marks(row)


def ready(engine: Engine, settings: AnalyticsSettings) -> Marks:
    """Return the state; made by the settings if there is none yet."""
    first = {
        "id": 1,
        "round": 0,
        "edition": 1,
        "timezone": settings.timezone,
        "attribution": settings.attribution,
        "events_until": 0,
        "claims_until": 0,
        "swept_at": 0,
    }
    with engine.connect() as connection:
        found = read(connection)
    if found is None:
        patiently(engine, lambda connection: insert_first(connection, state, first))
        with engine.connect() as connection:
            found = read(connection)
    assert found is not None
    return found


def take(connection: Connection, marks: Marks, changes: Mapping[str, object] | None = None) -> bool:
    """Begin to write what was made from `marks`; False, and nothing may be written: somebody else did.

    Nobody else writes until the transaction ends.
    """
    same = update(state).where(_MINE, state.c.round == marks.round)
    return connection.execute(same.values(round=state.c.round + 1, **(changes or {}))).rowcount == 1


def interrupt(connection: Connection) -> None:
    """Let everybody who is about to write read anew, in the caller's transaction."""
    connection.execute(update(state).where(_MINE).values(round=state.c.round + 1))


def read_again_from(connection: Connection, recorded_at: int) -> None:
    """Ask for events and claims to be read again from a time on: some were recorded only now."""
    is_earlier = or_(state.c.again_from.is_(None), state.c.again_from > recorded_at)
    # Never what it was: a round that has read past the time already must see that it was asked for more.
    earliest = case((is_earlier, recorded_at), else_=state.c.again_from - 1)
    connection.execute(update(state).where(_MINE).values(again_from=earliest, round=state.c.round + 1))


def hold(connection: Connection, marks: Marks) -> int | None:
    """Keep everybody from counting for a while; returns until when. None: somebody counted meanwhile."""
    until = _later(connection)
    return until if take(connection, marks, {"held_until": until}) else None


def hold_on(
    connection: Connection, until: int | None, changes: Mapping[str, object] | None = None
) -> int | None:
    """Hold for longer, and change something if we do; None, and nothing changed: we do not hold any more.

    That is so as soon as the hold has ended: others may have counted since, which leaves no mark on it.
    """
    later = max(_later(connection), (until or 0) + 1)
    values = {"held_until": later, "round": state.c.round + 1, **(changes or {})}
    held = update(state).where(_MINE, state.c.held_until == until, state.c.held_until > database_now())
    return later if connection.execute(held.values(values)).rowcount == 1 else None


def let_go(connection: Connection, until: int | None) -> None:
    """Let everybody count again."""
    connection.execute(update(state).where(_MINE, state.c.held_until == until).values(held_until=None))


def edition_after(edition: int) -> int:
    """Return the number of the next edition."""
    return edition % _MOST_EDITIONS + 1


def _later(connection: Connection) -> int:
    return int(connection.execute(select(database_now())).scalar_one()) + _HELD_SECONDS


def _marks(row: RowMapping) -> Marks:
    rules = Rules(calendar=Calendar(row["timezone"]), attribution=cast("Attribution", row["attribution"]))
    kept = ("round", "edition", "events_until", "claims_until", "swept_at", "again_from")
    return Marks(rules=rules, is_held=bool(row["is_held"]), **{name: row[name] for name in kept})
