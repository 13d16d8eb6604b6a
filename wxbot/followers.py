"""Who follows an account: follow, unfollow, seen again."""

from dataclasses import dataclass, replace
from hashlib import sha256

from sqlalchemy import Connection, insert, update

from wxbot.db.models import followers
from wxbot.wechat.events import Event, Follow, Scan, Unfollow


@dataclass(frozen=True, kw_only=True)
class Follower:
    """A person who follows, followed, or only wrote to an account; times are seconds since 1970, UTC.

    `followed_at` is None for somebody who followed before wxbot was there, `follows` counts the follows
    seen, `openid` is None after an unfollow (WeChat requires personal data to be deleted then).
    """

    openid: str | None
    first_seen_at: int
    followed_at: int | None = None
    unfollowed_at: int | None = None
    follows: int = 0
    first_scene: str | None = None


def person(account: str, openid: str) -> bytes:
    """Return the 16 bytes that stand for a person everywhere but in the follower's own row.

    An openid cannot be guessed, so its digest does not lead back to it; and unlike a keyed digest this one
    survives a change of `secret_key` (docs/decisions/0003-person-digest.md).
    """
    return sha256(f"person\0{account}\0{openid}".encode("utf-8", "surrogatepass")).digest()[:16]


def after(event: Event, known: Follower | None) -> Follower:
    """Return the follower as this event leaves them. Events may arrive out of order."""
    at = int(event.created_at.timestamp())
    before = known or Follower(openid=event.openid, first_seen_at=at)
    if isinstance(event, Unfollow):
        if before.followed_at is not None and before.followed_at > at:
            return before
        return replace(before, openid=None, unfollowed_at=at)
    follower = replace(before, openid=event.openid, unfollowed_at=None)
    if isinstance(event, Scan):
        follower = replace(follower, first_scene=before.first_scene or event.scene[:255] or None)
    if is_follow(event):
        follower = replace(follower, followed_at=at, follows=before.follows + 1)
    return follower


def refine(event: Event, known: Follower | None) -> Event:
    """Return the event with what only our own records can say: has this person followed before?

    `is_new_follower`: follows now and never did, as far as we know; `is_returning`: followed before.
    """
    if not is_follow(event) or known is None:
        return event
    returning = known.follows > 0 or known.unfollowed_at is not None
    return replace(event, is_new_follower=not returning, is_returning=returning)  # type: ignore[call-arg]


def is_follow(event: Event) -> bool:
    """Say whether the person follows with this event."""
    return isinstance(event, Follow) or (isinstance(event, Scan) and event.when == "follow")


def note(connection: Connection, event: Event, known: Follower | None) -> None:
    """Write the follower's change, if there is one, in the caller's transaction."""
    follower = after(event, known)
    if follower == known:
        return
    key = {"account": event.account, "person": person(event.account, event.openid)}
    values = {
        "openid": follower.openid,
        "followed_at": follower.followed_at,
        "unfollowed_at": follower.unfollowed_at,
        "follows": follower.follows,
        "first_scene": follower.first_scene,
    }
    changed = (
        update(followers)
        .where(followers.c.account == key["account"], followers.c.person == key["person"])
        .values(**values)
    )
    if known is not None:
        connection.execute(changed)
        return
    first = insert(followers).prefix_with("OR IGNORE", dialect="sqlite")
    added = connection.execute(first.values(**key, first_seen_at=follower.first_seen_at, **values))
    if added.rowcount == 0:  # another event of the same person was faster
        connection.execute(changed)
