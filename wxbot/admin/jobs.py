"""Jobs: what waits, what is done, and what was put aside and why; done once more on demand."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import abort, request
from sqlalchemy import Engine, RowMapping

from wxbot.admin.area import Area, Go, Page, Visit
from wxbot.admin.asked import asked_choice, asked_place, asked_text, cursor_of
from wxbot.admin.jobs_words import WORDS
from wxbot.jobs import listing
from wxbot.jobs.listing import STATES, Wanted

_ON_PAGE = 50
_MOST_AT_ONCE = 500
_MOST_LOOKS = 20
_LONGEST_NAME = 128
_AGAIN = ("dead", "unknown")


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the pages ask; `replay` does a job once more, False when it is not put aside."""

    engine: Engine
    replay: Callable[[bytes], bool]


def views(parts: Parts) -> Area:
    """Return `/admin/jobs`."""
    area = Area("jobs", words=WORDS)
    area.entry("index", group="work", word="jobs", icon="jobs", order=20)
    _add_reading(area, parts)
    _add_replaying(area, parts)
    return area


def _add_reading(area: Area, parts: Parts) -> None:
    @area.get("/jobs")
    def index(visit: Visit) -> Page:
        place, state = asked_place(visit), asked_choice("state", STATES)
        name = asked_text("name", _LONGEST_NAME)
        wanted = _wanted(visit, state, name)
        found = listing.listed(parts.engine, wanted, after=place, limit=_ON_PAGE)
        return Page(
            "admin/jobs.html",
            title=visit.t.jobs,
            jobs=[_shown(row) for row in found.rows],
            older=cursor_of(found.after),
            is_later=place is not None,
            looked_until=found.after.at if found.is_cut and found.after is not None else None,
            state=state,
            states=STATES,
            name=name,
            counts=listing.counts(parts.engine, accounts=wanted.accounts),
        )

    @area.get("/jobs/<id>")
    def one(visit: Visit, id: str) -> Page:
        row = _found(parts.engine, visit, id)
        return Page(
            "admin/job.html",
            title=visit.t.job_title,
            job=_shown(row),
            row=row,
            # What they hold may be somebody's: only their names are shown.
            arguments=sorted(_arguments(row)),
            can_replay=row["state"] in _AGAIN,
        )


def _wanted(visit: Visit, state: str, name: str) -> Wanted:
    accounts = (visit.account,) if len(visit.accounts) > 1 else None
    states = (state,) if state else listing.PUT_ASIDE
    return Wanted(states=states, name=name or None, accounts=accounts)


def _add_replaying(area: Area, parts: Parts) -> None:
    @area.post("/jobs/<id>/replay", role="operator")
    def replay(visit: Visit, id: str) -> Go:
        row = _found(parts.engine, visit, id)
        if parts.replay(row["id"]):
            visit.audit("job.replay", row["id"].hex(), job=row["name"], state=row["state"])
            visit.tell("job_replayed")
        else:
            visit.tell("job_not_replayed", tone="warn")
        return Go(visit.url("jobs.one", id=row["id"].hex()))

    @area.post("/jobs/replay-dead", role="operator")
    def replay_dead(visit: Visit) -> Go:
        name = request.form.get("name", "")[:_LONGEST_NAME].replace("\0", "")
        count = sum(parts.replay(row["id"]) for row in _dead(parts.engine, _wanted(visit, "dead", name)))
        chosen: dict[str, Any] = {"job": name} if name else {}
        visit.audit("job.replay_dead", count=count, **chosen)
        visit.tell("jobs_replayed", count)
        return Go(visit.url("jobs.index", state="waiting", name=name or None))


def _dead(engine: Engine, wanted: Wanted) -> list[RowMapping]:
    """Return the first of some dead jobs, of which a page may find few among the others."""
    rows: list[RowMapping] = []
    place = None
    for _ in range(_MOST_LOOKS):
        found = listing.listed(engine, wanted, after=place, limit=_MOST_AT_ONCE - len(rows))
        rows += found.rows
        place = found.after
        if place is None or len(rows) >= _MOST_AT_ONCE:
            break
    return rows


def _found(engine: Engine, visit: Visit, id: str) -> RowMapping:
    if not re.fullmatch("[0-9a-f]{32}", id):
        abort(404)
    rows = listing.find(engine, id)
    if not rows or (rows[0]["account"] != visit.account and rows[0]["account"] in visit.accounts):
        abort(404)
    return rows[0]


def _shown(row: RowMapping) -> dict[str, Any]:
    return {
        "id": row["id"].hex(),
        "name": row["name"],
        "state": row["state"],
        "attempts": row["attempts"],
        "run_at": row["run_at"],
        "created_at": row["created_at"],
        "finished_at": row["finished_at"],
        "expires_at": row["expires_at"],
        "event": None if row["event_key"] is None else row["event_key"].hex(),
        "person": None if row["person"] is None else row["person"].hex(),
        "detail": row["detail"] or "",
    }


def _arguments(row: RowMapping) -> Mapping[str, object]:
    found = json.loads(row["arguments"])
    return found if isinstance(found, dict) else {}
