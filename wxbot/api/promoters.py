"""`/api/v1/promoters`: who is to win followers, and how far they have come."""

from collections.abc import Callable
from typing import Any

from flask import Response
from sqlalchemy import Connection

from wxbot.analytics.figures import Figures
from wxbot.analytics.shapes import Line
from wxbot.api.channels import REFUSALS, came
from wxbot.api.guard import Guard, GuardedApi, caller, guarded_api
from wxbot.api.models.channels import (
    ChangedPromoter,
    PeriodQuery,
    PromoterPage,
    PromotersQuery,
    ShownPromoter,
    SlugPath,
    WantedPromoter,
)
from wxbot.api.models.fields import AccountQuery
from wxbot.api.paging import place
from wxbot.api.problems import documented
from wxbot.channels.promoter import Promoter
from wxbot.channels.promoters import Promoters
from wxbot.clock import moment, moment_or_none
from wxbot.web.cursors import cursor, cut


def promoters_api(promoters: Promoters, figures: Figures, guard: Guard) -> GuardedApi:
    """Return the routes of promoters; their scopes are those of channels."""
    api = guarded_api("promoters", guard, title="Promoters", refusals=REFUSALS)
    _add_reading(api, promoters, figures)
    _add_writing(api, promoters, figures)
    return api


def _add_reading(api: GuardedApi, promoters: Promoters, figures: Figures) -> None:
    @api.get("/promoters", scope="channels:read", responses={200: PromoterPage, **documented(404)})
    def listed(query: PromotersQuery) -> dict[str, Any]:
        """List promoters.

        By account and name, with the figures of all their channels.
        """
        after = place(query.after, str, str)
        found = promoters.listed(
            caller().accounts_for(query.account),
            is_archived=query.is_archived,
            after=None if after is None else (after[0], after[1]),
            limit=query.limit + 1,
        )
        items, last = cut(found, query.limit)
        lines = came(figures, items, by="promoter", since=query.since, until=query.until)
        return {
            "items": [_shown(each, line) for each, line in zip(items, lines, strict=True)],
            "next": None if last is None else cursor(last.account, last.name),
        }

    @api.get("/promoters/<name>", scope="channels:read", responses={200: ShownPromoter, **documented(404)})
    def one(path: SlugPath, query: PeriodQuery) -> dict[str, Any]:
        """Find a promoter, also one who is archived."""
        found = promoters.find(caller().account(query.account), path.name)
        lines = came(figures, [found], by="promoter", since=query.since, until=query.until)
        return _shown(found, lines[0])


def _add_writing(api: GuardedApi, promoters: Promoters, figures: Figures) -> None:
    responses = {200: ShownPromoter, **documented(404)}

    def written(write: Callable[[Connection], Promoter], status: int = 200) -> Response:
        def work(connection: Connection) -> dict[str, Any]:
            promoter = write(connection)
            return _shown(promoter, came(figures, [promoter], by="promoter")[0])

        return api.commit(work, status=status)

    @api.post("/promoters", scope="channels:write", responses={201: ShownPromoter, **documented(404)})
    def make(body: WantedPromoter) -> Response:
        """Name a promoter."""
        account = caller().account(body.account)
        title, target = body.title or "", body.target
        return written(
            lambda connection: promoters.create(
                account, body.name, title=title, target=target, within=connection
            ),
            status=201,
        )

    @api.patch("/promoters/<name>", scope="channels:write", responses=responses)
    def change(path: SlugPath, query: AccountQuery, body: ChangedPromoter) -> Response:
        """Change a promoter.

        What is not named stays.
        """
        account = caller().account(query.account)
        changes = body.model_dump(exclude_unset=True)
        return written(lambda connection: promoters.change(account, path.name, changes, within=connection))

    @api.post("/promoters/<name>/archive", scope="channels:write", responses=responses)
    def archive(path: SlugPath, query: AccountQuery) -> Response:
        """Archive a promoter.

        No more channels can be given to them; those they have stay theirs.
        """
        account = caller().account(query.account)
        return written(lambda connection: promoters.archive(account, path.name, within=connection))

    @api.post("/promoters/<name>/restore", scope="channels:write", responses=responses)
    def restore(path: SlugPath, query: AccountQuery) -> Response:
        """Bring an archived promoter back."""
        account = caller().account(query.account)
        return written(lambda connection: promoters.restore(account, path.name, within=connection))


def _shown(promoter: Promoter, line: Line) -> dict[str, Any]:
    return {
        "account": promoter.account,
        "name": promoter.name,
        "title": promoter.title,
        "target": promoter.target,
        "channels": line.channels,
        "figures": line.totals.came(),
        "reached": promoter.reached(line.totals.new),
        "created_at": moment(promoter.created_at),
        "changed_at": moment(promoter.changed_at),
        "archived_at": moment_or_none(promoter.archived_at),
    }
