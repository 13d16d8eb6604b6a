"""The row of an event: how it is made from an event and an outcome, and what is read from it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, bindparam, literal_column, select

from wxbot import clock, followers
from wxbot.db import models
from wxbot.db.statements import database_now
from wxbot.followers import Follower
from wxbot.outcome import Outcome, Status
from wxbot.wechat import replies
from wxbot.wechat.events import Event, Scan, TextMessage
from wxbot.wechat.replies import Acknowledgement, Reply

LEASE_SECONDS = 10
_FOLLOWER = [field.name for field in fields(Follower)]
_as_json = json.JSONEncoder(ensure_ascii=False).encode  # json.dumps() makes an encoder each time


class State(StrEnum):
    """Where the record of an event stands."""

    RUNNING = "running"
    LATE = "late"
    DONE = "done"


def row(event: Event, *, run: bytes, state: State, reply: Reply | Acknowledgement) -> dict[str, object]:
    """Return the columns that every row has from its beginning."""
    return {
        "key": event.digest,
        "account": event.account,
        "person": followers.whom(event),
        "kind": kind_of(event),
        "scene": event.scene[:255] if isinstance(event, Scan) else None,
        "created_at": int(event.created_at.timestamp()),
        "recorded_at": int(clock.now().timestamp()),
        "state": state.value,
        "run": run,
        "reply": dump(reply),
    }


def kind_of(event: Event) -> str:
    """Return the event's name in lower case, or its message type; a reported position is no message.

    Neither is the choice of an item in a menu message, which WeChat delivers as a text.
    """
    if isinstance(event, TextMessage) and event.menu_item_id is not None:
        return "menu_choice"
    kind = (event.name or event.msg_type).lower()[:64]
    return "location_report" if event.name and kind == "location" else kind


def open_row(event: Event, state: State, reply: Reply | Acknowledgement, *, run: bytes) -> dict[str, object]:
    """Return the row of a run that is not settled: leased, and with what another process needs to run it."""
    leased = {"lease_until": database_now() + LEASE_SECONDS, "body": event.body}
    return row(event, run=run, state=state, reply=reply) | leased


def ending(event: Event, outcome: Outcome) -> dict[str, object]:
    """Return the columns that an outcome changes; the reply is not among them.

    The document is personal and goes, unless the handler failed: then it can be replayed for a while.
    """
    return {
        "state": State.DONE.value,
        "lease_until": None,
        "body": event.body if outcome.status is Status.FAILED else None,
        "outcome": outcome.status.value,
        "handler": outcome.handler[:128],
        "detail": outcome.detail[:255],
        "seconds": outcome.seconds,
    }


def dump(reply: Reply | Acknowledgement) -> str:
    """Return a reply as it is kept: as data, since it is addressed and sealed anew each time."""
    return _as_json(replies.to_data(reply))


def settled_reply(found: Mapping[str, Any]) -> Reply | Acknowledgement | None:
    """Return the reply that will not change any more, None while there is none."""
    if found["state"] in (None, State.RUNNING):
        return None
    return replies.from_data(json.loads(found["reply"]))


def follower_of(found: Mapping[str, Any]) -> Follower | None:
    """Return the follower as recalled together with the event."""
    if found["first_seen_at"] is None:
        return None
    return Follower(**{name: found[name] for name in _FOLLOWER})


def recalled(row: Sequence[object]) -> Mapping[str, Any]:
    """Return a row of RECALL by the names of its columns."""
    return dict(zip(_RECALLED, row, strict=True))


_one = select(literal_column("1").label("one")).subquery("one")
RECALL = select(
    models.events.c.state,
    models.events.c.run,
    models.events.c.reply,
    models.signatures.c.event_key,
    *(models.followers.c[name] for name in _FOLLOWER),
).select_from(
    _one.outerjoin(models.events, models.events.c.key == bindparam("key"))
    .outerjoin(
        models.followers,
        and_(
            models.followers.c.account == bindparam("account"),
            models.followers.c.person == bindparam("person"),
        ),
    )
    .outerjoin(
        models.signatures,
        and_(
            models.signatures.c.account == bindparam("account"),
            models.signatures.c.digest == bindparam("digest"),
        ),
    )
)
_RECALLED = RECALL.selected_columns.keys()
