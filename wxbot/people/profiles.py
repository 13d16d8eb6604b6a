"""People as an operator sees them: who follows, where they came from, and what is known of them."""

from collections.abc import Collection, Sequence
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


@dataclass(frozen=True, kw_only=True)
class Read:
    """Rows of followers; `next` is the account and the person behind whom it goes on, None at the end."""

    rows: Sequence[RowMapping]
    next: tuple[str, bytes] | None


def read(
    connection: Connection,
    accounts: Collection[str],
    *,
    state: State | None = None,
    after: tuple[str, bytes] = ("", b""),
    limit: int = 50,
) -> Read:
    """Return the rows of people behind `after`, by account, in an order of no meaning that does not change.

    A page takes the same time however many people there are. It may hold fewer than `limit` of those who
    stand so, or none, and have a next one all the same.
    """
    most = limit + 1 if state is None else _MOST_READ
    found: list[RowMapping] = []
    for account in sorted(each for each in accounts if each >= after[0]):
        behind = after[1] if account == after[0] else b""
        mine = rows.c.account == account, rows.c.person > behind
        query = select(rows).where(*mine).order_by(rows.c.person).limit(most - len(found))
        found += connection.execute(query).mappings().all()
        if len(found) == most:
            break
    stand = [row for row in found if state in (None, follower_of(row).state)][:limit]
    if not found:
        return Read(rows=(), next=None)
    end = stand[-1] if len(stand) == limit else found[-1]
    is_more = len(found) == most or end is not found[-1]
    return Read(rows=stand, next=(end["account"], end["person"]) if is_more else None)


def page(
    engine: Engine, account: str, *, state: State | None = None, after: bytes = b"", limit: int = 50
) -> Page:
    """Return people of an account behind `after`, as `read` does, with their tags."""
    with engine.connect() as connection:
        found = read(connection, (account,), state=state, after=(account, after), limit=limit)
        tags = tags_of(connection, account, [row["person"] for row in found.rows])
    return Page(
        found=tuple(
            Profile(
                person=row["person"].hex(), follower=follower_of(row), tags=tuple(tags.get(row["person"], ()))
            )
            for row in found.rows
        ),
        next=None if found.next is None else found.next[1],
    )


def latest(engine: Engine, account: str, *, state: State | None = None, limit: int = 20) -> list[Profile]:
    """Return the people who were heard of last, the newest first; reads all of the account's."""
    heard_at = func.coalesce(rows.c.unfollowed_at, rows.c.followed_at, rows.c.first_seen_at)
    wanted = [rows.c.account == account, *([_stands == state] if state else [])]
    query = select(rows.c.person, *_FIELDS).where(*wanted).order_by(heard_at.desc(), rows.c.person)
    with engine.connect() as connection:
        found = connection.execute(query.limit(limit)).mappings().all()
    return [Profile(person=row["person"].hex(), follower=follower_of(row)) for row in found]


def counts(engine: Engine, account: str) -> dict[State, int]:
    """Return how many people of an account there are in each state."""
    stands = _stands.label("stands")
    query = select(stands, func.count().label("number")).where(rows.c.account == account).group_by("stands")
    with engine.connect() as connection:
        found = {State(row.stands): row.number for row in connection.execute(query)}
    return {state: found.get(state, 0) for state in State}


def profile(engine: Engine, who: Who) -> Profile | None:
    """Return what is known of a person; None when they have never followed, as far as wxbot saw."""
    mine = and_(rows.c.account == who.account, rows.c.person == who.person)
    with engine.connect() as connection:
        row = connection.execute(select(*_FIELDS).where(mine)).mappings().first()
        tags = tags_of(connection, who.account, [who.person]).get(who.person, [])
        channels = _channels(connection, who)
    if row is None:
        return None
    return Profile(
        person=who.person.hex(), follower=follower_of(row), tags=tuple(tags), channels=tuple(channels)
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


def tags_of(connection: Connection, account: str, people: Collection[bytes]) -> dict[bytes, list[str]]:
    """Return the tags that we put on people of an account; nothing for those who have none."""
    table = follower_tags.c
    mine = table.account == account, table.person.in_(people)
    tags: dict[bytes, list[str]] = {}
    for row in connection.execute(select(table.person, table.tag).where(*mine).order_by(table.tag)):
        tags.setdefault(row.person, []).append(row.tag)
    return tags


def follower_of(row: RowMapping) -> Follower:
    """Return what a row says of a person."""
    return Follower(**{column.name: row[column.name] for column in _FIELDS})
