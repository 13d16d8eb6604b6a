"""People as an operator sees them: who follows, where they came from, and what is known of them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from sqlalchemy import Connection, Engine, RowMapping, and_, case, func, or_, select

from wxbot.db.business import channel_people, follower_tags
from wxbot.db.models import followers as rows
from wxbot.followers import Follower, State
from wxbot.people.places import Who

_FIELDS = [rows.c[field.name] for field in fields(Follower)]
_HAD_FOLLOWED = or_(rows.c.follows > 1, rows.c.first_seen_at < rows.c.followed_at)
# Read for one page, whatever is sought: a state that few people are in must not mean to read all of them.
_MOST_READ = 1000
# The same as followers.state_of, for the database.
_stands = case(
    (rows.c.unfollowed_at.is_not(None), State.LEFT),
    (rows.c.followed_at.is_(None), State.EXISTING),
    (_HAD_FOLLOWED, State.RETURNING),
    else_=State.NEW,
)


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A person of an account: `person` is the digest in hexadecimal digits, tags are those that we put on."""

    person: str
    follower: Follower
    tags: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some people of an account; `next` is where the page behind it begins, None on the last one."""

    found: tuple[Profile, ...]
    next: bytes | None


def page(
    engine: Engine, account: str, *, state: State | None = None, after: bytes = b"", limit: int = 50
) -> Page:
    """Return people behind `after`, in an order of no meaning that does not change, with their tags.

    A page takes the same time however many people there are. It may hold fewer than `limit` of those who
    stand so, or none, and have a next one all the same.
    """
    mine = rows.c.account == account, rows.c.person > after
    most = limit + 1 if state is None else _MOST_READ
    query = select(rows.c.person, *_FIELDS).where(*mine).order_by(rows.c.person).limit(most)
    with engine.connect() as connection:
        read = connection.execute(query).mappings().all()
        stand = [row for row in read if state in (None, _follower(row).state)][:limit]
        tags = _tags(connection, account, [row["person"] for row in stand])
    end = stand[-1]["person"] if len(stand) == limit else read[-1]["person"] if read else after
    is_more = len(read) == most or bool(read and end != read[-1]["person"])
    return Page(
        found=tuple(
            Profile(
                person=row["person"].hex(), follower=_follower(row), tags=tuple(tags.get(row["person"], ()))
            )
            for row in stand
        ),
        next=end if is_more else None,
    )


def latest(engine: Engine, account: str, *, state: State | None = None, limit: int = 20) -> list[Profile]:
    """Return the people who were heard of last, the newest first; reads all of the account's."""
    heard_at = func.coalesce(rows.c.unfollowed_at, rows.c.followed_at, rows.c.first_seen_at)
    wanted = [rows.c.account == account, *([_stands == state] if state else [])]
    query = select(rows.c.person, *_FIELDS).where(*wanted).order_by(heard_at.desc(), rows.c.person)
    with engine.connect() as connection:
        found = connection.execute(query.limit(limit)).mappings().all()
    return [Profile(person=row["person"].hex(), follower=_follower(row)) for row in found]


def counts(engine: Engine, account: str) -> dict[State, int]:
    """Return how many people of an account there are in each state."""
    stands = _stands.label("stands")
    query = select(stands, func.count().label("number")).where(rows.c.account == account).group_by("stands")
    with engine.connect() as connection:
        found = {State(row.stands): row.number for row in connection.execute(query)}
    return {state: found.get(state, 0) for state in State}


def profile(engine: Engine, who: Who) -> Profile | None:
    """Return what is known of a person; None when no event of theirs is on record."""
    mine = and_(rows.c.account == who.account, rows.c.person == who.person)
    with engine.connect() as connection:
        row = connection.execute(select(*_FIELDS).where(mine)).mappings().first()
        tags = _tags(connection, who.account, [who.person]).get(who.person, [])
        channels = _channels(connection, who)
    if row is None:
        return None
    return Profile(
        person=who.person.hex(), follower=_follower(row), tags=tuple(tags), channels=tuple(channels)
    )


def _channels(connection: Connection, who: Who) -> list[str]:
    """Return the names of the channels that a person came through.

    With a column that is in no index: for the name alone SQLite would read the key of all of the account's
    rows, where it has the name, instead of the index by person.
    """
    table = channel_people.c
    mine = table.account == who.account, table.person == who.person
    return sorted(
        row.channel for row in connection.execute(select(table.channel, table.first_at).where(*mine))
    )


def _tags(connection: Connection, account: str, people: Sequence[bytes]) -> dict[bytes, list[str]]:
    table = follower_tags.c
    mine = table.account == account, table.person.in_(people)
    tags: dict[bytes, list[str]] = {}
    for row in connection.execute(select(table.person, table.tag).where(*mine).order_by(table.tag)):
        tags.setdefault(row.person, []).append(row.tag)
    return tags


def _follower(row: RowMapping) -> Follower:
    return Follower(**{column.name: row[column.name] for column in _FIELDS})
