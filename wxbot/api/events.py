"""`/api/v1/events`: what people did, without what they wrote."""

from datetime import datetime
from math import ceil
from typing import Any

from sqlalchemy import RowMapping

from wxbot.api.guard import Guard, GuardedApi, caller, guarded_api
from wxbot.api.models.fields import IdPath
from wxbot.api.models.people import EventPage, EventsQuery, ShownEvent
from wxbot.api.paging import id_of, next_of, row_place
from wxbot.api.problems import ProblemError, documented
from wxbot.clock import moment
from wxbot.db.paging import Window
from wxbot.events import listing


def events_api(guard: Guard) -> GuardedApi:
    """Return the routes of events."""
    api = guarded_api("events", guard, title="Events")

    @api.get("/events", scope="events:read", responses={200: EventPage, **documented(404)})
    def listed(query: EventsQuery) -> dict[str, Any]:
        """List events.

        The newest come first. What people wrote is in none of them. Of what is rare a page may have few, or
        none, and name a `next` all the same: so many events were looked at for it.
        """
        found = listing.rows(guard.engine, _wanted(query), after=row_place(query.after), limit=query.limit)
        return {
            "items": [_shown(row) for row in found.rows],
            "next": next_of(found.after),
        }

    @api.get("/events/<id>", scope="events:read", responses={200: ShownEvent, **documented(404)})
    def one(path: IdPath) -> dict[str, Any]:
        """Find an event."""
        row = listing.row(guard.engine, id_of(path.id), caller().accounts)
        if row is None:
            raise ProblemError(404, "not_found", "there is no such event")
        return _shown(row)

    return api


def _wanted(query: EventsQuery) -> listing.Wanted:
    return listing.Wanted(
        accounts=caller().accounts_for(query.account),
        person=None if query.person is None else id_of(query.person),
        kind=query.kind,
        scene=query.scene,
        window=Window(since=_seconds(query.since), until=_seconds(query.until)),
    )


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else ceil(moment.timestamp())


def _shown(row: RowMapping) -> dict[str, Any]:
    return {
        "id": row["key"].hex(),
        "account": row["account"],
        "person": row["person"].hex(),
        "kind": row["kind"],
        "scene": row["scene"],
        "created_at": moment(row["created_at"]),
        "recorded_at": moment(row["recorded_at"]),
        "state": row["state"],
        "outcome": row["outcome"],
        "handler": row["handler"] or None,
        "seconds": row["seconds"],
    }
