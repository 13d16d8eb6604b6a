"""`/api/v1/claims`: make, watch and end what one person may claim by scanning."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Response
from flask_openapi.types import ResponseDict
from sqlalchemy import Connection

from wxbot import streams
from wxbot.api.guard import Guard, GuardedApi, attempt, caller, guarded_api
from wxbot.api.models.claims import (
    ClaimPage,
    ClaimsQuery,
    NewClaim,
    ShownClaim,
    Steps,
    WantedClaim,
)
from wxbot.api.models.fields import IdPath
from wxbot.api.paging import id_of, next_of, row_place
from wxbot.api.problems import ProblemError, documented, problem
from wxbot.bindings.claim import Claim, Offer, OfferError, State, Step
from wxbot.bindings.claims import Claims
from wxbot.bindings.linking import PURPOSE as LINK
from wxbot.bindings.linking import is_binding
from wxbot.bindings.rows import Wanted
from wxbot.clock import moment, moment_or_none
from wxbot.errors import WxbotError
from wxbot.qrcodes.mint import Code, Minter
from wxbot.streams import Seen, Streams

_EVENT = {
    "type": "object",
    "properties": {
        "event": {"type": "string", "const": "state"},
        "data": {"type": "string", "description": "The claim as JSON, as `GET /claims/{id}` returns it."},
    },
}
_STREAM: ResponseDict = {
    200: {
        "description": "Server-sent events `state`, each with the claim as its data: one at once, and one "
        "for every change. The stream ends with the claim, or after two minutes: then ask again.",
        "content": {"text/event-stream": {"schema": _EVENT}},
    }
}
_RETRY_SECONDS = 2


def claims_api(
    claims: Claims,
    minter: Minter,
    guard: Guard,
    *,
    streams: Streams,
    page_of: Callable[[Claim], str | None] = lambda _: None,
) -> GuardedApi:
    """Return the routes of claims; `page_of` knows the addresses of the pages that show their codes."""
    api = guarded_api("claims", guard, title="Claims", refusals={OfferError: (422, "claim_refused")})
    _add_making(api, claims, minter, page_of)
    _add_reading(api, claims)
    _add_changing(api, claims)
    _add_stream(api, claims, streams)
    return api


def _add_making(
    api: GuardedApi, claims: Claims, minter: Minter, page_of: Callable[[Claim], str | None]
) -> None:
    def new(claim: Claim, code: Code | None = None) -> dict[str, Any]:
        return {**_new(claim, code), "page": page_of(claim)}

    @api.post("/claims", scope="claims:write", responses={201: NewClaim, **documented(404, 502)})
    def make(body: WantedClaim) -> Response | tuple[dict[str, Any], int]:
        """Make a claim, and its code.

        Show the picture of `code.url`. The first person who scans it has the claim; until then it can be
        cancelled. If WeChat mints no code, the claim is called off again and the answer is a problem.
        """
        account = caller().account(body.account)
        offer = Offer(
            account=account,
            purpose=body.purpose,
            subject=body.subject,
            data=body.data,
            lifetime_seconds=body.expires_in,
            made_by=caller().key.id,
            is_exclusive=body.purpose != LINK if body.is_exclusive is None else body.is_exclusive,
        )
        if not body.with_code:
            return api.commit(lambda connection: new(claims.make(offer, within=connection)), status=201)
        claim = _begun(claims, account) or api.transact(partial(_make, claims, offer))
        try:
            code = minter.mint(claim.scene, account=account, expires_in=body.expires_in)
        except WxbotError:
            # Nobody could scan it, and nobody knows of it.
            claims.cancel(account, claim.id, detail="no code was minted")
            raise
        return new(claim, code), 201


def _make(claims: Claims, offer: Offer, connection: Connection) -> Claim:
    claim = claims.make(offer, within=connection)
    if (under_way := attempt()) is not None:
        under_way.note(connection, claim.id.hex())
    return claim


def _begun(claims: Claims, account: str) -> Claim | None:
    """Return the claim that this very request had made when its process was lost."""
    under_way = attempt()
    if under_way is None or under_way.reached is None:
        return None
    claim = claims.find(account, bytes.fromhex(under_way.reached))
    return claim if claim is not None and claim.state is State.OPEN else None


def _add_reading(api: GuardedApi, claims: Claims) -> None:
    @api.get("/claims", scope="claims:read", responses={200: ClaimPage, **documented(404)})
    def listed(query: ClaimsQuery) -> dict[str, Any]:
        """List claims.

        The newest come first, also those that have ended. Of a rare purpose a page may have few, or none, and
        name a `next` all the same.
        """
        wanted = Wanted(
            purpose=query.purpose,
            subject=query.subject,
            person=None if query.person is None else bytes.fromhex(query.person),
            after=row_place(query.after),
        )
        found = claims.listed(caller().accounts_for(query.account), wanted, limit=query.limit)
        return {
            "items": [shown(claim) for claim in found.claims],
            "next": next_of(found.after),
        }

    @api.get("/claims/<id>", scope="claims:read", responses={200: ShownClaim, **documented(404)})
    def one(path: IdPath) -> dict[str, Any]:
        """Find a claim."""
        return shown(_known(claims, path.id))

    @api.get("/claims/<id>/steps", scope="claims:read", responses={200: Steps, **documented(404)})
    def steps(path: IdPath) -> dict[str, Any]:
        """Tell what happened to a claim.

        In order, from when it was made.
        """
        claim = _known(claims, path.id)
        return {"items": [_shown_step(step) for step in claims.steps(claim.account, claim.id)]}


def _add_changing(api: GuardedApi, claims: Claims) -> None:
    responses = {200: ShownClaim, **documented(404)}

    def changed(change: Callable[..., Claim | None], id: str) -> Response:
        claim = _known(claims, id)

        def work(connection: Connection) -> dict[str, Any]:
            left = change(claim.account, claim.id, within=connection)
            if left is None:
                raise ProblemError(409, "claim_state", _why_not(_known(claims.bound(connection), id)))
            return shown(left)

        return api.commit(work)

    @api.post("/claims/<id>/cancel", scope="claims:write", responses=responses)
    def cancel(path: IdPath) -> Response:
        """Call a claim off.

        Possible until it is confirmed; its code is not good any more.
        """
        return changed(claims.cancel, path.id)

    @api.post("/claims/<id>/confirm", scope="claims:write", responses=responses)
    def confirm(path: IdPath) -> Response:
        """Confirm a claim.

        For purposes that ask the site before it counts; possible while it is claimed, before it expires. Not
        for links, which the person confirms.
        """
        is_link = _known(claims, path.id).purpose == LINK
        _refuse_links(is_link, "a link is confirmed by its person, in WeChat")
        return changed(claims.confirm, path.id)

    @api.post("/claims/<id>/release", scope="claims:write", responses=responses)
    def release(path: IdPath) -> Response:
        """Give a claim up.

        Takes the subject from who claimed it, so that somebody else may; its code does not become good again.
        Not for links that are confirmed: `DELETE /bindings` ends the binding.
        """
        is_bound = is_binding(_known(claims, path.id))
        _refuse_links(is_bound, "the link is confirmed; DELETE /bindings ends its binding")
        return changed(claims.release, path.id)


def _add_stream(api: GuardedApi, claims: Claims, open_streams: Streams) -> None:
    @api.get("/claims/<id>/stream", scope="claims:read", responses={**_STREAM, **documented(404)})
    def stream(path: IdPath) -> Response:
        """Watch a claim.

        Few streams are open at a time; beyond them the answer is 503, and `GET /claims/{id}` every other
        second tells the same.
        """
        claim = _known(claims, path.id)

        def look() -> Seen:
            now = claims.find(claim.account, claim.id) or claim
            is_last = now.state not in (State.OPEN, State.CLAIMED)
            return Seen(json.dumps(shown(now)), is_last=is_last)

        events = open_streams.open("state", look)
        if events is None:
            headers = {"Retry-After": str(_RETRY_SECONDS)}
            return problem(
                503, "streams", "too many streams are open; ask for the claim itself", headers=headers
            )
        return Response(events, content_type=streams.CONTENT_TYPE, headers=streams.HEADERS)


def _known(claims: Claims, id: str) -> Claim:
    """Return a claim that the caller may see; others' claims are as if they did not exist."""
    claim = claims.seek(caller().accounts, id_of(id))
    if claim is None:
        raise ProblemError(404, "not_found", "there is no such claim")
    return claim


def _refuse_links(is_one: bool, why: str) -> None:
    """Refuse what everybody would be told of, while bindings stay as they are."""
    if is_one:
        raise ProblemError(409, "claim_purpose", why)


def _why_not(claim: Claim) -> str:
    if claim.state is State.CLAIMED:  # all may be done with it, but not be confirmed late
        return "the claim was claimed, and its time is over"
    return f"the claim is {claim.state}"


def shown(claim: Claim) -> dict[str, Any]:
    """Return a claim as the API shows it."""
    return {
        "id": claim.id.hex(),
        "account": claim.account,
        "purpose": claim.purpose,
        "subject": claim.subject,
        "state": claim.state.value,
        "scene": claim.scene if claim.state is State.OPEN else None,
        "is_exclusive": claim.is_exclusive,
        "person": None if claim.person is None else claim.person.hex(),
        "data": claim.shown_data,
        "made_by": claim.made_by,
        "created_at": moment(claim.created_at),
        "expires_at": moment(claim.expires_at),
        "claimed_at": moment_or_none(claim.claimed_at),
        "ended_at": moment_or_none(claim.ended_at),
    }


def _new(claim: Claim, code: Code | None = None) -> dict[str, Any]:
    if code is None or code.expires_at is None:
        return {**shown(claim), "code": None}
    minted = {"url": code.url, "ticket": code.ticket, "expires_at": moment(code.expires_at)}
    return {**shown(claim), "code": minted}


def _shown_step(step: Step) -> dict[str, Any]:
    return {
        "at": moment(step.at),
        "step": step.step,
        "person": None if step.person is None else step.person.hex(),
        "detail": step.detail,
    }
