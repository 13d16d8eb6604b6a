"""What the site is told of: events, claims and bindings as data, without anything that names a person."""

from collections.abc import Mapping
from typing import Any, Protocol

from sqlalchemy import Connection, select

from wxbot import followers
from wxbot.clock import moment, moment_or_none
from wxbot.db.business import claims
from wxbot.db.session import UnitOfWork
from wxbot.followers import Follower
from wxbot.webhooks.publishing import News, Publisher
from wxbot.webhooks.webhook import CLAIM_KINDS
from wxbot.wechat.events import (
    Event,
    Follow,
    ImageMessage,
    LinkMessage,
    LocationMessage,
    Message,
    Scan,
    TextMessage,
    Unfollow,
    VideoMessage,
    VoiceMessage,
)

# A person who holds a subject and scans another code for it gives the former claim up.
_REPLACED = "replaced"
_LONGEST_SCENE = 64
# Of each kind of message what the site may want; places and people stay with WeChat's own words.
_CONTENTS: Mapping[type[Message], tuple[str, ...]] = {
    TextMessage: ("content",),
    ImageMessage: ("picture_url", "media_id"),
    VoiceMessage: ("media_id", "format", "recognition"),
    VideoMessage: ("media_id", "thumb_media_id"),
    LocationMessage: ("latitude", "longitude", "label"),
    LinkMessage: ("title", "description", "url"),
}


class Claimed(Protocol):
    """A claim as it is told of (wxbot/bindings/claim.py)."""

    @property
    def id(self) -> bytes:
        """Its id."""

    @property
    def account(self) -> str:
        """Whose followers may claim."""

    @property
    def person(self) -> bytes | None:
        """Who has claimed."""


class Bound(Protocol):
    """A binding as it is told of (wxbot/bindings/bindings.py)."""

    @property
    def id(self) -> bytes:
        """Its id."""

    @property
    def account(self) -> str:
        """Whose follower it is about."""

    @property
    def person(self) -> bytes:
        """The follower."""

    @property
    def ended_at(self) -> int | None:
        """When it ended."""


class EventListener:
    """Tells the site of follows, unfollows, scans and messages, by the job that follows an event."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def wants(self, event: Event) -> bool:
        """Say whether some webhook wants it, or may; memory only."""
        kinds = _kinds_of(event)
        return bool(kinds) and self._publisher.wants(event.account, kinds)

    def hear(self, event: Event, follower: Follower | None, unit: UnitOfWork) -> None:
        """Publish an event; told of it again, the same deliveries are there already."""
        if not self.wants(event):
            return
        connection = unit.session().connection()
        data = _data_of(connection, event, follower)
        person = followers.person(event.account, event.openid)
        for kind in _kinds_of(event):
            news = News(
                account=event.account,
                kind=kind,
                data=data,
                person=person,
                key=event.digest,
                at=event.created_at,
            )
            self._publisher.tell(connection, news)


class Teller:
    """Tells the site of claims and bindings, in the transaction that changes them."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def claim_changed(self, connection: Connection, claim: Claimed, step: str) -> None:
        """Publish a step of a claim, unless it only concerns ourselves."""
        kind = f"claim.{'released' if step == _REPLACED else step}"
        if kind not in CLAIM_KINDS:
            return
        data = claim_data(claim) | ({"reason": _REPLACED} if step == _REPLACED else {})
        key = claim.id + step.encode()
        news = News(account=claim.account, kind=kind, data=data, person=claim.person, key=key)
        self._publisher.tell(connection, news)

    def binding_changed(self, connection: Connection, binding: Bound) -> None:
        """Publish a binding that was made, or has ended."""
        kind = "binding.made" if binding.ended_at is None else "binding.ended"
        data = binding_data(binding)
        news = News(account=binding.account, kind=kind, data=data, person=binding.person, key=binding.id)
        self._publisher.tell(connection, news)


def claim_data(claim: Any) -> dict[str, object]:
    """Return a claim as the site reads it; not its scene, since whoever knows that may claim."""
    return {
        "id": claim.id.hex(),
        "account": claim.account,
        "purpose": claim.purpose,
        "subject": claim.subject,
        "state": str(claim.state),
        "is_exclusive": claim.is_exclusive,
        "person": _hex(claim.person),
        "data": dict(claim.shown_data),
        "made_by": claim.made_by,
        **{name: moment(getattr(claim, name)) for name in ("created_at", "expires_at")},
        **{name: moment_or_none(getattr(claim, name)) for name in ("claimed_at", "ended_at")},
    }


def binding_data(binding: Any) -> dict[str, object]:
    """Return a binding as the site reads it."""
    return {
        "id": binding.id.hex(),
        "account": binding.account,
        "site_user": binding.site_user,
        "person": binding.person.hex(),
        "claim": _hex(binding.claim),
        "bound_at": moment(binding.bound_at),
        "ended_at": moment_or_none(binding.ended_at),
        "ended_by": binding.ended_by,
    }


def _kinds_of(event: Event) -> tuple[str, ...]:
    """Return what an event is to the site: a scan that brings a follower is both."""
    if isinstance(event, Scan):
        return ("scan", "follow") if followers.is_follow(event) else ("scan",)
    if isinstance(event, Follow):
        return ("follow",)
    if isinstance(event, Unfollow):
        return ("unfollow",)
    return ("message",) if isinstance(event, Message) else ()


def _data_of(connection: Connection, event: Event, follower: Follower | None) -> dict[str, object]:
    data: dict[str, object] = {
        "account": event.account,
        "person": followers.person(event.account, event.openid).hex(),
        "event": event.key,
    }
    if isinstance(event, Scan | Follow):
        data |= _coming(event, follower)
    if isinstance(event, Scan):
        data |= {"scene": event.scene, "when": event.when, "claim": _claim_of(connection, event)}
    if isinstance(event, Follow):
        data |= {"scene": None, "trade_no": event.trade_no}
    if isinstance(event, Message):
        data |= {"kind": event.wire_name, "message_id": event.msg_id}
        data |= {name: getattr(event, name) for name in _CONTENTS.get(type(event), ())}
    return data


def _coming(event: Event, follower: Follower | None) -> dict[str, object]:
    """Say whether a person is new, by the record as the event has left it."""
    refined = followers.refine(event, follower)
    assert isinstance(refined, Scan | Follow)
    return {"is_new": refined.is_new_follower, "is_returning": refined.is_returning}


def _claim_of(connection: Connection, scan: Scan) -> dict[str, object] | None:
    """Return which claim a scanned code was made for, if for any."""
    # Some databases refuse to compare what no claim's scene can be.
    if len(scan.scene) > _LONGEST_SCENE or not scan.scene.isprintable():
        return None
    query = select(claims.c.id, claims.c.purpose, claims.c.subject).where(
        claims.c.account == scan.account, claims.c.scene == scan.scene
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else {"id": row.id.hex(), "purpose": row.purpose, "subject": row.subject}


def _hex(digest: bytes | None) -> str | None:
    return None if digest is None else digest.hex()
