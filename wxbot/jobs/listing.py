"""Lists of jobs, a page at a time."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Engine, RowMapping, func, select

from wxbot.db.models import jobs
from wxbot.db.paging import Found, Order, Place
from wxbot.db.statements import begins_with

STATES = ("waiting", "running", "kept", "done", "dead", "unknown")
# They stay as they are until somebody decides, or a person makes contact.
PUT_ASIDE = ("dead", "unknown", "kept")
# Done ones may be millions.
_COUNTED = ("waiting", "running", *PUT_ASIDE)
_HIDDEN = ("arguments", "body", "lease_by")
_SHOWN = [column for column in jobs.c if column.name not in _HIDDEN]
_ORDER = Order(jobs.c.run_at, jobs.c.id)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which jobs are listed."""

    states: Collection[str] = PUT_ASIDE
    name: str | None = None
    accounts: Collection[str] | None = None


def listed(engine: Engine, wanted: Wanted, *, after: Place | None = None, limit: int = 100) -> Found:
    """Return the rows of jobs, without what they carry; those that were due last come first."""
    chosen = [] if wanted.name is None else [jobs.c.name == wanted.name]
    if wanted.accounts is not None:
        chosen.append(jobs.c.account.in_(wanted.accounts))
    with engine.connect() as connection:
        # Each state by itself is along the index.
        parts = [
            _ORDER.newest(
                connection,
                select(*_SHOWN).where(jobs.c.state == state),
                chosen=chosen,
                after=after,
                limit=limit,
            )
            for state in wanted.states
        ]
    return _ORDER.merged(parts, limit)


def counts(engine: Engine, *, accounts: Collection[str] | None = None) -> dict[str, int]:
    """Return how many jobs there are in each state but `done`, of these accounts or of all."""
    query = select(jobs.c.state, func.count()).where(jobs.c.state.in_(_COUNTED)).group_by(jobs.c.state)
    if accounts is not None:
        query = query.where(jobs.c.account.in_(accounts))
    with engine.connect() as connection:
        return dict.fromkeys(_COUNTED, 0) | {row[0]: row[1] for row in connection.execute(query)}


def find(engine: Engine, prefix: str) -> list[RowMapping]:
    """Return all of the jobs whose key begins with these hexadecimal digits; at most two."""
    with engine.connect() as connection:
        query = select(jobs).where(begins_with(jobs.c.id, prefix)).limit(2)
        return list(connection.execute(query).mappings())
