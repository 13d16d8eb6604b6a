"""Who follows an account: follow, unfollow, seen again."""

from dataclasses import asdict, dataclass, replace
from hashlib import sha256

from sqlalchemy import Connection, Update, case, func, insert, or_, update

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
    """Return the follower as this event leaves them; one that arrives late and is old changes nothing."""
    at = int(event.created_at.timestamp())
    before = known or Follower(openid=event.openid, first_seen_at=at)
    if isinstance(event, Unfollow):
        is_old = before.followed_at is not None and before.followed_at > at
        return before if is_old else replace(before, openid=None, unfollowed_at=at)
    if before.unfollowed_at is not None and before.unfollowed_at > at:
        return before
    follower = replace(before, openid=event.openid, unfollowed_at=None)
    if isinstance(event, Scan):
        follower = replace(follower, first_scene=before.first_scene or event.scene[:255] or None)
    if is_follow(event):
        follower = replace(
            follower, followed_at=max(before.followed_at or at, at), follows=before.follows + 1
        )
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
    who = person(event.account, event.openid)
    if known is None:
        row = {"account": event.account, "person": who, **asdict(follower)}
        added = connection.execute(insert(followers).prefix_with("OR IGNORE", dialect="sqlite").values(row))
        if added.rowcount == 1:
            return
    connection.execute(_change(event, who))


def _change(event: Event, who: bytes) -> Update:
    """Return the update that is right whatever the row has become since it was read."""
    at, table = int(event.created_at.timestamp()), followers.c
    mine = update(followers).where(table.account == event.account, table.person == who)
    if isinstance(event, Unfollow):
        newer = mine.where(or_(table.followed_at.is_(None), table.followed_at <= at))
        return newer.values(openid=None, unfollowed_at=at)
    newer = mine.where(or_(table.unfollowed_at.is_(None), table.unfollowed_at <= at))
    values: dict[str, object] = {"openid": event.openid, "unfollowed_at": None}
    if isinstance(event, Scan) and event.scene:
        values["first_scene"] = func.coalesce(table.first_scene, event.scene[:255])
    if is_follow(event):
        latest = case((table.followed_at > at, table.followed_at), else_=at)
        values |= {"followed_at": latest, "follows": table.follows + 1}
    return newer.values(values)
