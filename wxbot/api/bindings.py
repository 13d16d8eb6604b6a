"""`/api/v1/bindings`: which follower is which user of the site."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from sqlalchemy import Connection

from wxbot.api.guard import Guard, GuardedApi, caller, guarded_api
from wxbot.api.models.claims import (
    BindingPage,
    BindingsQuery,
    EndedBindings,
    EndedQuery,
    ShownBinding,
    WantedBinding,
)
from wxbot.api.paging import next_of, row_place
from wxbot.api.problems import Code, ProblemError, documented
from wxbot.bindings.bindings import Binding, Bindings, Cause, Wanted
from wxbot.bindings.claim import OfferError
from wxbot.bindings.linking import Linking, TakenError
from wxbot.clock import moment, moment_or_none
from wxbot.errors import WxbotError

_REFUSALS: Mapping[type[WxbotError], tuple[int, Code]] = {
    TakenError: (409, "taken"),
    OfferError: (422, "binding_refused"),
}


def bindings_api(bindings: Bindings, linking: Linking, guard: Guard) -> GuardedApi:
    """Return the routes of bindings."""
    api = guarded_api("bindings", guard, title="Bindings", refusals=_REFUSALS)
    _add_binding(api, linking)

    @api.get("/bindings", scope="bindings:read", responses={200: BindingPage, **documented(404)})
    def listed(query: BindingsQuery) -> dict[str, Any]:
        """List bindings.

        The newest come first. Of those that are rare a page may have few, or none, and name a `next` all the
        same.
        """
        wanted = Wanted(
            site_user=query.site_user,
            person=None if query.person is None else bytes.fromhex(query.person),
            has_ended=query.has_ended,
            after=row_place(query.after),
        )
        found = bindings.listed(caller().accounts_for(query.account), wanted, limit=query.limit)
        return {
            "items": [_shown(binding) for binding in found.bindings],
            "next": next_of(found.after),
        }

    @api.delete("/bindings", scope="bindings:write", responses={200: EndedBindings, **documented(404)})
    def end(query: EndedQuery) -> Response:
        """End bindings.

        Those of a user of the site, or the one between a user and a person. The list is empty when there
        were none, so that the request may be repeated.
        """
        account = caller().account(query.account)
        who = None if query.person is None else bytes.fromhex(query.person)

        def work(connection: Connection) -> dict[str, Any]:
            ended = bindings.unlink(
                account, site_user=query.site_user, who=who, by=Cause.SITE, within=connection
            )
            return {"items": [_shown(binding) for binding in ended]}

        return api.commit(work)

    return api


def _add_binding(api: GuardedApi, linking: Linking) -> None:
    @api.post("/bindings", scope="bindings:write", responses={201: ShownBinding, **documented(404)})
    def bind(body: WantedBinding) -> Response:
        """Bind somebody who came from WeChat.

        A token is good for ten minutes, and for one binding. A person who is this user already stays so.
        """
        known = caller().accounts

        def work(connection: Connection) -> dict[str, Any]:
            bound = linking.bind(
                body.token,
                body.site_user,
                is_allowed=known.__contains__,
                is_replacing=body.is_replacing,
                within=connection,
            )
            if bound is None or bound.binding is None:
                raise ProblemError(404, "no_token", "the token is unknown, too old, or was used before")
            return _shown(bound.binding)

        return api.commit(work, status=201)


def _shown(binding: Binding) -> dict[str, Any]:
    return {
        "id": binding.id.hex(),
        "account": binding.account,
        "site_user": binding.site_user,
        "person": binding.person.hex(),
        "claim": None if binding.claim is None else binding.claim.hex(),
        "bound_at": moment(binding.bound_at),
        "ended_at": moment_or_none(binding.ended_at),
        "ended_by": binding.ended_by,
    }
