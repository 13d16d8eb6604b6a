"""`/api/v1/followers`: who follows, and who did."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, or_, select, tuple_

from wxbot.api.claims import id_of
from wxbot.api.guard import Guard, GuardedApi, caller, guarded_api
from wxbot.api.models.fields import AccountQuery, PersonPath
from wxbot.api.models.people import FollowerPage, FollowersQuery, FollowerState, ShownFollower
from wxbot.api.paging import moment, moment_or_none, place
from wxbot.api.problems import ProblemError, documented
from wxbot.db.business import follower_tags
from wxbot.db.models import followers
from wxbot.followers import Follower, state_of
from wxbot.web.cursors import cursor, cut

_PLACE = (followers.c.account, followers.c.person)


def followers_api(guard: Guard) -> GuardedApi:
    """Return the routes of followers."""
    api = guarded_api("followers", guard, title="Followers")

    @api.get("/followers", scope="followers:read", responses={200: FollowerPage, **documented(404)})
    def listed(query: FollowersQuery) -> dict[str, Any]:
        """List followers.

        In an order of no meaning that does not change, so that a list of many pages misses nobody.
        """
        after = place(query.after, str, str)
        about: list[ColumnElement[bool]] = [followers.c.account.in_(caller().accounts_for(query.account))]
        if query.state is not None:
            about.append(_stands(query.state))
        if after is not None:
            about.append(tuple_(*_PLACE) > (after[0], id_of(after[1])))
        with guard.engine.connect() as connection:
            found = _found(connection, *about, limit=query.limit + 1)
        items, last = cut(found, query.limit)
        return {
            "items": items,
            "next": None if last is None else cursor(last["account"], last["person"]),
        }

    @api.get("/followers/<person>", scope="followers:read", responses={200: ShownFollower, **documented(404)})
    def one(path: PersonPath, query: AccountQuery) -> dict[str, Any]:
        """Find a follower.

        By the digest that claims, bindings and events have.
        """
        accounts = caller().accounts_for(query.account)
        about = followers.c.account.in_(accounts), followers.c.person == id_of(path.person)
        with guard.engine.connect() as connection:
            found = _found(connection, *about, limit=1)
        if not found:
            raise ProblemError(404, "not_found", "nobody of that name has followed")
        return found[0]

    return api


def _stands(state: FollowerState) -> ColumnElement[bool]:
    """Return the condition for a state, as `followers.state_of` says it of one."""
    table = followers.c
    if state is FollowerState.LEFT:
        return table.unfollowed_at.is_not(None)
    follows = table.unfollowed_at.is_(None)
    if state is FollowerState.EXISTING:
        return and_(follows, table.followed_at.is_(None))
    had_followed = or_(table.follows > 1, table.first_seen_at < table.followed_at)
    if state is FollowerState.RETURNING:
        return and_(follows, table.followed_at.is_not(None), had_followed)
    return and_(follows, table.followed_at.is_not(None), ~had_followed)


def _found(connection: Connection, *about: ColumnElement[bool], limit: int) -> list[dict[str, Any]]:
    query = select(followers).where(*about).order_by(*_PLACE).limit(limit)
    rows = connection.execute(query).mappings().all()
    tags = _tags(connection, [row["person"] for row in rows])
    return [_shown(row, tags[row["account"], row["person"]]) for row in rows]


def _tags(connection: Connection, persons: Collection[bytes]) -> dict[tuple[str, bytes], list[str]]:
    tags: dict[tuple[str, bytes], list[str]] = defaultdict(list)
    query = select(follower_tags).where(follower_tags.c.person.in_(persons)).order_by(follower_tags.c.tag)
    for row in connection.execute(query).mappings():
        tags[row["account"], row["person"]].append(row["tag"])
    return tags


def _shown(row: RowMapping, tags: list[str]) -> dict[str, Any]:
    known = Follower(
        openid=row["openid"],
        first_seen_at=row["first_seen_at"],
        followed_at=row["followed_at"],
        unfollowed_at=row["unfollowed_at"],
        follows=row["follows"],
    )
    return {
        "person": row["person"].hex(),
        "account": row["account"],
        "state": state_of(known).value,
        "openid": row["openid"] if caller().may("followers:openid") else None,
        "first_seen_at": moment(row["first_seen_at"]),
        "followed_at": moment_or_none(row["followed_at"]),
        "unfollowed_at": moment_or_none(row["unfollowed_at"]),
        "follows": row["follows"],
        "first_scene": row["first_scene"],
        "last_scene": row["last_scene"],
        "tags": tags,
    }
