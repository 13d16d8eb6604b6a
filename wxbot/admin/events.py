"""The events explorer: what people did, what became of it, and one of them with all there is about it."""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, abort
from sqlalchemy import Engine

from wxbot import streams
from wxbot.admin.area import Area, Go, Page, Visit
from wxbot.admin.asked import (
    asked_choice,
    asked_digest,
    asked_place,
    asked_text,
    asked_window,
    cursor_of,
)
from wxbot.admin.events_words import WORDS
from wxbot.events import listing
from wxbot.events.listing import OPEN, OUTCOMES, Detail, NoSuchEventError, Wanted
from wxbot.streams import Seen, Streams

KINDS = (
    *("subscribe", "scan", "unsubscribe", "text", "image", "voice", "video", "shortvideo", "link"),
    *("location", "location_report", "click", "menu_choice", "view", "malformed"),
)
_ON_PAGE = 50
_FIELDS = ("kind", "scene", "outcome", "handler", "person", "since", "until", "live")
_BUSY_SECONDS = 2


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the explorer asks; `handlers` names those of an account."""

    engine: Engine
    streams: Streams
    handlers: Callable[[str], Sequence[str]]


def views(parts: Parts) -> Area:
    """Return `/admin/events`."""
    area = Area("events", words=WORDS)
    area.entry("index", group="work", word="events", icon="events", order=10)
    _add_list(area, parts)
    _add_stream(area, parts)
    _add_one(area, parts)
    return area


def _add_list(area: Area, parts: Parts) -> None:
    @area.get("/events")
    def index(visit: Visit) -> Page:
        place = asked_place(visit)
        found = listing.listed(parts.engine, _wanted(visit), after=place, limit=_ON_PAGE)
        asked = {name: asked_text(name) for name in _FIELDS}
        return Page(
            "admin/events.html",
            title=visit.t.events,
            lines=found.lines,
            older=cursor_of(found.after),
            is_later=place is not None,
            # All of the table was looked at, or so much of it, to this moment.
            looked_until=found.after.at if found.is_cut and found.after is not None else None,
            asked=asked,
            is_filtered=any(asked[name] for name in _FIELDS if name != "live"),
            is_live=bool(asked["live"]) and place is None,
            kinds=KINDS,
            outcomes=(*OUTCOMES, OPEN),
            handlers=parts.handlers(visit.account),
        )


def _wanted(visit: Visit) -> Wanted:
    return Wanted(
        # With one account all events are its own, and none has to be looked at for that.
        accounts=(visit.account,) if len(visit.accounts) > 1 else None,
        kind=asked_choice("kind", KINDS) or None,
        scene=asked_text("scene") or None,
        outcome=asked_choice("outcome", (*OUTCOMES, OPEN)) or None,
        handler=asked_text("handler", 128) or None,
        person=asked_digest("person"),
        window=asked_window(),
    )


def _add_stream(area: Area, parts: Parts) -> None:
    @area.get("/events/stream")
    def stream(visit: Visit) -> Response:
        """Send a line whenever the newest events are others, or stand otherwise."""

        def look() -> Seen:
            newest = listing.listed(parts.engine, Wanted(), limit=_ON_PAGE).lines
            state = json.dumps([(line.id, line.state, line.outcome) for line in newest])
            return Seen(hashlib.sha256(state.encode()).hexdigest()[:16])

        events = parts.streams.open("events", look)
        if events is None:
            return Response(status=503, headers={"Retry-After": str(_BUSY_SECONDS)})
        return Response(events, content_type=streams.CONTENT_TYPE, headers=streams.HEADERS)


def _add_one(area: Area, parts: Parts) -> None:
    @area.get("/events/<id>")
    def one(visit: Visit, id: str) -> Page:
        found = _found(parts.engine, visit, id)
        return Page(
            "admin/event.html",
            title=visit.t.event_title,
            found=found,
            line=found.line,
            reply=_reply(found.reply),
            why_no_replay=_why_no_replay(found),
        )

    @area.post("/events/<id>/replay", role="operator")
    def replay(visit: Visit, id: str) -> Go:
        found = _found(parts.engine, visit, id)
        try:
            listing.replay(parts.engine, found.line.id)
        except NoSuchEventError:
            visit.tell("event_not_replayed", tone="warn")
        else:
            visit.audit("event.replay", found.line.id, handler=found.line.handler)
            visit.tell("event_replayed")
        return Go(visit.url("events.one", id=found.line.id))


def _found(engine: Engine, visit: Visit, id: str) -> Detail:
    if not re.fullmatch("[0-9a-f]{16,32}", id):
        abort(404)
    try:
        found = listing.find(engine, id)
    except NoSuchEventError:
        abort(404)
    if found.line.account != visit.account and found.line.account in visit.accounts:
        abort(404)
    return found


def _reply(data: object) -> dict[str, Any]:
    """Return what the person was shown, with a kind that the page has words for."""
    reply: dict[str, Any] = data if isinstance(data, dict) else {}
    return {"articles": [], **reply, "type": str(reply.get("type", ""))}


def _why_no_replay(found: Detail) -> str:
    """Return the word that says why the handler cannot run once more, empty where it can."""
    if found.line.kind == "malformed":
        return "event_malformed_why"
    if found.line.state != "done":
        return "event_open_why"
    return "" if found.has_body else "event_no_document_why"
