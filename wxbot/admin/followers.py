"""Followers: listed without names, one found by openid, shown, exported and forgotten."""

import json
import re
from pathlib import Path

from flask import Response, abort, request
from sqlalchemy import Engine

from wxbot.admin.area import Area, Go, Page
from wxbot.admin.follower_words import WORDS
from wxbot.admin.visit import Visit
from wxbot.analytics import history
from wxbot.followers import State
from wxbot.people import forgetting, profiles
from wxbot.people.places import PLACES, Who

PAGE = 50
LATEST = 100
TONES = {State.NEW: "good", State.RETURNING: "info", State.EXISTING: "", State.LEFT: "warn"}
_DIGEST = re.compile("[0-9a-f]{32}")
# As long as a page may take; what a person's handlers still write afterwards is told as being left.
_WAIT_SECONDS = 5.0


def views(engine: Engine, *, spool: Path) -> Area:
    """Return `/admin/followers`; `spool` is where events wait that are not in the database yet."""
    area = Area("followers", words=WORDS)
    area.entry("listed", group="figures", word="followers", icon="followers", order=30)
    _add_reading(area, engine)
    _add_export(area, engine)
    _add_forgetting(area, engine, spool)
    return area


def _add_reading(area: Area, engine: Engine) -> None:
    @area.get("/followers")
    def listed(visit: Visit) -> Page:
        asked, after = request.args.get("state"), request.args.get("after", "")
        state = State(asked) if asked in list(State) else None
        place = bytes.fromhex(after) if _DIGEST.fullmatch(after) else b""
        page = profiles.page(engine, visit.account, state=state, after=place, limit=PAGE)
        return Page(
            "admin/followers.html",
            title=visit.t.followers,
            found=page.found,
            next=None if page.next is None else page.next.hex(),
            state=state,
            states=list(State),
            tones=TONES,
            is_later=bool(place),
        )

    @area.post("/followers", role="viewer")
    def find(visit: Visit) -> Go:
        """Look for an openid: it comes in a form, since addresses are kept by browsers and logs."""
        try:
            who = forgetting.find_who(engine, visit.account, request.form.get("openid", ""))
        except forgetting.NobodyError:
            visit.tell("nobody_found", tone="warn")
            return Go(visit.url("followers.listed"))
        if profiles.profile(engine, who) is None:
            visit.tell("nobody_found", tone="warn")
            return Go(visit.url("followers.listed"))
        return Go(visit.url("followers.one", person=who.person.hex()))

    @area.get("/followers/<person>")
    def one(visit: Visit, person: str) -> Page:
        who = _who(engine, visit, person)
        found = profiles.profile(engine, who)
        if found is None:
            abort(404)
        return Page(
            "admin/follower.html",
            title=visit.t.follower_n.format(person[:8]),
            found=found,
            steps=history.latest(engine, visit.account, who.person, limit=LATEST),
            latest=LATEST,
            tones=TONES,
        )


def _add_export(area: Area, engine: Engine) -> None:
    @area.post("/followers/<person>/export", role="owner")
    def export(visit: Visit, person: str) -> Response:
        who = _who(engine, visit, person)
        found = forgetting.export(engine, who)
        if not found:
            abort(404)
        visit.audit(
            "follower.export", person[: forgetting.SHORTEST_DIGEST], rows=sum(map(len, found.values()))
        )
        data = {"account": who.account, "person": who.person.hex(), "tables": found}
        text = json.dumps(data, ensure_ascii=False, indent=2)
        response = Response(f"{text}\n", content_type="application/json")
        response.headers["Content-Disposition"] = f'attachment; filename="person-{person[:8]}.json"'
        return response


def _add_forgetting(area: Area, engine: Engine, spool: Path) -> None:
    @area.get("/followers/<person>/forget", role="owner")
    def before_forgetting(visit: Visit, person: str) -> Page:
        _who(engine, visit, person)
        # How many rows these are is not told: it takes as long as to forget them.
        return Page(
            "admin/forget.html",
            title=visit.t.forget_n.format(person[:8]),
            tables=[place.table.name for place in PLACES],
            person=person,
        )

    @area.post("/followers/<person>/forget", role="owner")
    def forget(visit: Visit, person: str) -> Go:
        who = _who(engine, visit, person)
        result = forgetting.forget(engine, who, wait_seconds=_WAIT_SECONDS)
        # Not who it was: that would be kept, then, as the only trace of them.
        visit.audit("follower.forget", rows=sum(result.removed.values()), left=sum(result.left.values()))
        visit.tell("forgotten")
        if result.left:
            visit.tell("still_named", ", ".join(result.left), tone="warn")
        if waiting := sum(forgetting.spooled(spool, who).values()):
            visit.tell("still_spooled", waiting, tone="warn")
        return Go(visit.url("followers.listed"))


def _who(engine: Engine, visit: Visit, person: str) -> Who:
    """Return who is meant by the digest in an address, with the openid if it is still known."""
    if not _DIGEST.fullmatch(person):
        abort(404)
    try:
        return forgetting.find_who(engine, visit.account, person)
    except forgetting.NobodyError:
        abort(404)
