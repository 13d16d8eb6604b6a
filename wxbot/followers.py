"""Who follows an account: follow, unfollow, seen again."""

from dataclasses import dataclass, fields, replace
from enum import StrEnum
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Update, bindparam, case, func, or_, select, update

from wxbot.db.models import followers
from wxbot.db.statements import insert_first
from wxbot.wechat import events
from wxbot.wechat.events import Event, Follow, Scan, Unfollow

# WeChat's have 28 characters. One that no column takes comes from somebody who has the token: it is clipped.
_LONGEST_OPENID = 64
# The same code scanned again within that time writes nothing.
_SAME_SCAN_SECONDS = 60
# What followers alone do. Of the others, WeChat tells of somebody who need not follow, such as what became of
# a message to them, or its sender is a service of WeChat's.
_OF_FOLLOWERS = (
    Scan,
    Follow,
    events.Message,
    events.Click,
    events.View,
    events.ViewMiniprogram,
    events.ScanCode,
    events.PhotoSent,
    events.LocationSelected,
    events.LocationReport,
    Unfollow,
)


class State(StrEnum):
    """Where a person stands with an account, as far as wxbot has seen; each is exactly one of these.

    `left`: they unfollowed, and nothing newer shows that they follow. `existing`: they follow, and wxbot has
    not seen them follow: they did so before it was there. `returning`: they follow, and had followed before.
    `new`: they follow, and that was the first that wxbot heard of them.
    """

    NEW = "new"
    RETURNING = "returning"
    EXISTING = "existing"
    LEFT = "left"


@dataclass(frozen=True, kw_only=True)
class Follower:
    """A person who follows or followed an account; times are seconds since 1970, UTC.

    `followed_at` is None for somebody who followed before wxbot was there, `follows` counts the follows
    seen, `openid` is None after an unfollow (WeChat requires personal data to be deleted then).
    `first_scene` is of the first scan on record, `last_scene` of the latest, at `last_scanned_at`: when the
    same code is scanned again within a minute, that stays as it is. `kept_messages` are those that came too
    late to be sent and wait for the next contact.
    """

    openid: str | None
    first_seen_at: int
    followed_at: int | None = None
    unfollowed_at: int | None = None
    follows: int = 0
    first_scene: str | None = None
    last_scene: str | None = None
    last_scanned_at: int | None = None
    kept_messages: int = 0

    @property
    def state(self) -> State:
        """Return where this person stands with the account."""
        return state_of(self)

    @property
    def refollows(self) -> int:
        """Return how often they came back: the follows seen beyond the first."""
        return max(self.follows - 1, 0)


def state_of(follower: Follower) -> State:
    """Return where a person stands with the account; whoever was seen before they followed had followed."""
    if follower.unfollowed_at is not None:
        return State.LEFT
    if follower.followed_at is None:
        return State.EXISTING
    had_followed = follower.follows > 1 or follower.first_seen_at < follower.followed_at
    return State.RETURNING if had_followed else State.NEW


def person(account: str, openid: str) -> bytes:
    """Return the 16 bytes that stand for a person everywhere but in the follower's own row.

    An openid cannot be guessed, so its digest does not lead back to it; and unlike a keyed digest this one
    survives a change of `secret_key` (docs/decisions/0003-person-digest.md).
    """
    return sha256(f"person\0{account}\0{openid}".encode("utf-8", "surrogatepass")).digest()[:16]


def whom(event: Event) -> bytes:
    """Return the person whom an event is filed under, and what it causes: who does it, or whom it tells of.

    What services of WeChat's say about somebody goes with that person, not with the service, which stays.
    """
    subject = event.subject_openid if isinstance(event, events.PrivacyRequest) else ""
    return person(event.account, subject or event.openid)


def after(event: Event, known: Follower | None) -> Follower | None:
    """Return the follower as this event leaves them; one that arrives late and is old changes nothing.

    Neither does one that tells nothing of following: somebody who is not on record then stays None.
    """
    is_new_kind_of_message = isinstance(event, events.Unknown) and not event.name
    if not (isinstance(event, _OF_FOLLOWERS) or is_new_kind_of_message):
        return known
    at = int(event.created_at.timestamp())
    openid = event.openid[:_LONGEST_OPENID]
    before = known or Follower(openid=openid, first_seen_at=at)
    if isinstance(event, Unfollow):
        is_old = before.followed_at is not None and before.followed_at > at
        return before if is_old else replace(before, openid=None, unfollowed_at=at)
    if before.unfollowed_at is not None and before.unfollowed_at > at:
        return before
    changed: dict[str, Any] = {"openid": openid, "unfollowed_at": None}
    if isinstance(event, Scan) and event.scene:
        changed |= _scanned(before, event.scene[:255], at)
    if is_follow(event):
        changed |= {"followed_at": max(before.followed_at or at, at), "follows": before.follows + 1}
    return replace(before, **changed)


def _scanned(before: Follower, scene: str, at: int) -> dict[str, Any]:
    """Return what a scan changes."""
    first, last = {"first_scene": before.first_scene or scene}, before.last_scanned_at
    if last is not None and (at < last or (scene == before.last_scene and at < last + _SAME_SCAN_SECONDS)):
        return first
    return first | {"last_scene": scene, "last_scanned_at": at}


_FIND = select(*(followers.c[field.name] for field in fields(Follower))).where(
    followers.c.account == bindparam("of"), followers.c.person == bindparam("who")
)


def find(connection: Connection, account: str, openid: str) -> Follower | None:
    """Return what is on record about a person, None when that is nothing."""
    row = connection.execute(_FIND, {"of": account, "who": person(account, openid)}).mappings().first()
    return None if row is None else Follower(**row)


def refine(event: Event, known: Follower | None) -> Event:
    """Return the event with what only our own records can say: has this person followed before?

    `is_new_follower`: follows now and never did, as far as we know; `is_returning`: followed before. `known`
    may be from before the event was noted or from after, when somebody runs it again.
    """
    if not is_follow(event) or known is None:
        return event
    at = int(event.created_at.timestamp())
    was_seen = known.first_seen_at < at or known.unfollowed_at is not None
    returning = was_seen or known.follows > 1 or known.followed_at not in (None, at)
    return replace(event, is_new_follower=not returning, is_returning=returning)  # type: ignore[call-arg]


def is_follow(event: Event) -> bool:
    """Say whether the person follows with this event."""
    return isinstance(event, Follow) or (isinstance(event, Scan) and event.when == "follow")


def note(connection: Connection, event: Event, known: Follower | None) -> None:
    """Write the follower's change, if there is one, in the caller's transaction."""
    if after(event, known) == known:
        return
    row = first_row(event) if known is None else None
    if row is not None and insert_first(connection, followers, row):
        return
    connection.execute(_change(event, person(event.account, event.openid)))


def first_row(event: Event) -> dict[str, object] | None:
    """Return the row of somebody who was not on record before this event, None if they need none for it."""
    follower = after(event, None)
    if follower is None:
        return None
    return {"account": event.account, "person": person(event.account, event.openid), **vars(follower)}


def _change(event: Event, who: bytes) -> Update:
    """Return the update that is right whatever the row has become since it was read."""
    at, table = int(event.created_at.timestamp()), followers.c
    mine = update(followers).where(table.account == event.account, table.person == who)
    if isinstance(event, Unfollow):
        newer = mine.where(or_(table.followed_at.is_(None), table.followed_at <= at))
        return newer.values(openid=None, unfollowed_at=at)
    newer = mine.where(or_(table.unfollowed_at.is_(None), table.unfollowed_at <= at))
    values: dict[str, object] = {"openid": event.openid[:_LONGEST_OPENID], "unfollowed_at": None}
    if isinstance(event, Scan) and event.scene:
        scene, last = event.scene[:255], table.last_scanned_at
        is_latest = or_(last.is_(None), last <= at)
        values["first_scene"] = func.coalesce(table.first_scene, scene)
        values["last_scene"] = case((is_latest, scene), else_=table.last_scene)
        values["last_scanned_at"] = case((is_latest, at), else_=last)
    if is_follow(event):
        latest = case((table.followed_at > at, table.followed_at), else_=at)
        values |= {"followed_at": latest, "follows": table.follows + 1}
    return newer.values(values)
