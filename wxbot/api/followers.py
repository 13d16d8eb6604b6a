"""`/api/v1/followers`: who follows, and who did."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from wxbot.api.guard import Guard, GuardedApi, caller, guarded_api
from wxbot.api.models.fields import AccountQuery, PersonPath
from wxbot.api.models.people import FollowerPage, FollowersQuery, ShownFollower
from wxbot.api.paging import id_of, place
from wxbot.api.problems import ProblemError, documented
from wxbot.clock import moment, moment_or_none
from wxbot.db.models import followers
from wxbot.followers import State
from wxbot.people import profiles
from wxbot.web.cursors import cursor


def followers_api(guard: Guard) -> GuardedApi:
    """Return the routes of followers."""
    api = guarded_api("followers", guard, title="Followers")

    @api.get("/followers", scope="followers:read", responses={200: FollowerPage, **documented(404)})
    def listed(query: FollowersQuery) -> dict[str, Any]:
        """List followers.

        In an order of no meaning that does not change, so that a list of many pages misses nobody. With
        `state` a page may have fewer, or none, and name a `next` all the same.
        """
        after = place(query.after, str, str)
        with guard.engine.connect() as connection:
            found = profiles.read(
                connection,
                caller().accounts_for(query.account),
                state=None if query.state is None else State(query.state.value),
                after=("", b"") if after is None else (after[0], id_of(after[1])),
                limit=query.limit,
            )
            items = _with_tags(connection, found.rows)
        return {
            "items": items,
            "next": None if found.next is None else cursor(found.next[0], found.next[1].hex()),
        }

    @api.get("/followers/<person>", scope="followers:read", responses={200: ShownFollower, **documented(404)})
    def one(path: PersonPath, query: AccountQuery) -> dict[str, Any]:
        """Find a follower.

        By the digest that claims, bindings and events have.
        """
        accounts = caller().accounts_for(query.account)
        about = followers.c.account.in_(accounts), followers.c.person == id_of(path.person)
        with guard.engine.connect() as connection:
            rows = connection.execute(select(followers).where(*about).limit(1)).mappings().all()
            found = _with_tags(connection, rows)
        if not found:
            raise ProblemError(404, "not_found", "nobody of that name has followed")
        return found[0]

    return api


def _with_tags(connection: Connection, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    people: dict[str, list[bytes]] = defaultdict(list)
    for row in rows:
        people[row["account"]].append(row["person"])
    tags = {account: profiles.tags_of(connection, account, theirs) for account, theirs in people.items()}
    return [_shown(row, tags[row["account"]].get(row["person"], [])) for row in rows]


def _shown(row: RowMapping, tags: list[str]) -> dict[str, Any]:
    return {
        "person": row["person"].hex(),
        "account": row["account"],
        "state": profiles.follower_of(row).state.value,
        "openid": row["openid"] if caller().may("followers:openid") else None,
        "first_seen_at": moment(row["first_seen_at"]),
        "followed_at": moment_or_none(row["followed_at"]),
        "unfollowed_at": moment_or_none(row["unfollowed_at"]),
        "follows": row["follows"],
        "first_scene": row["first_scene"],
        "last_scene": row["last_scene"],
        "tags": tags,
    }
