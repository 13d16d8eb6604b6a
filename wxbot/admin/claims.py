"""Claims: what was offered to be claimed with a scan, who took it, and what happened to it since."""

from flask import abort

from wxbot.admin.area import Area, Go, Page, Visit
from wxbot.admin.asked import asked_choice, asked_digest, asked_place, asked_text, cursor_of, id_of
from wxbot.admin.claims_words import WORDS
from wxbot.bindings.claim import LONGEST_SUBJECT, Claim, State
from wxbot.bindings.claims import Claims
from wxbot.bindings.linking import is_binding
from wxbot.bindings.rows import Wanted

_ON_PAGE = 50
_BY_HAND = "from the dashboard"
TONES = {"open": "info", "claimed": "good", "confirmed": "good", "cancelled": "warn", "released": "warn"}
_CANCELLED = (State.OPEN, State.CLAIMED)
_RELEASED = (State.CLAIMED, State.CONFIRMED)


def views(claims: Claims) -> Area:
    """Return `/admin/claims`."""
    area = Area("claims", words=WORDS)
    area.entry("index", group="work", word="claims", icon="claims", order=30)
    _add_reading(area, claims)
    _add_ending(area, claims)
    return area


def _add_reading(area: Area, claims: Claims) -> None:
    @area.get("/claims")
    def index(visit: Visit) -> Page:
        place, purposes = asked_place(visit), claims.purposes(visit.account)
        purpose, state = asked_choice("purpose", purposes), asked_choice("state", list(State))
        subject, person = asked_text("subject", LONGEST_SUBJECT).strip(), asked_digest("person")
        wanted = Wanted(
            purpose=purpose or None,
            subject=subject or None,
            person=person,
            state=State(state) if state else None,
            after=place,
        )
        found = claims.listed((visit.account,), wanted, limit=_ON_PAGE)
        return Page(
            "admin/claims.html",
            title=visit.t.claims,
            claims=found.claims,
            older=cursor_of(found.after),
            is_later=place is not None,
            looked_until=found.after.at if found.is_cut and found.after is not None else None,
            asked={"purpose": purpose, "state": state, "subject": subject, "person": asked_text("person")},
            is_filtered=bool(purpose or state or subject or person),
            purposes=purposes,
            states=list(State),
            tones=TONES,
        )

    @area.get("/claims/<id>")
    def one(visit: Visit, id: str) -> Page:
        claim = _found(claims, visit, id)
        return Page(
            "admin/claim.html",
            title=visit.t.claim_title,
            claim=claim,
            steps=claims.steps(claim.account, claim.id),
            # What a site attached may be somebody's: only its names are shown.
            data=sorted(claim.shown_data),
            tones=TONES,
            can_cancel=claim.state in _CANCELLED,
            can_release=claim.state in _RELEASED and not is_binding(claim),
        )


def _add_ending(area: Area, claims: Claims) -> None:
    @area.post("/claims/<id>/cancel", role="operator")
    def cancel(visit: Visit, id: str) -> Go:
        claim = _found(claims, visit, id)
        if claims.cancel(claim.account, claim.id, detail=_BY_HAND) is not None:
            visit.audit("claim.cancel", id, purpose=claim.purpose, about=claim.subject)
            visit.tell("claim_cancelled_now")
        else:
            visit.tell("claim_changed_meanwhile", tone="warn")
        return Go(visit.url("claims.one", id=id))

    @area.post("/claims/<id>/release", role="operator")
    def release(visit: Visit, id: str) -> Go:
        claim = _found(claims, visit, id)
        if is_binding(claim):
            visit.tell("claim_is_binding", tone="warn")
        elif claims.release(claim.account, claim.id, detail=_BY_HAND) is not None:
            visit.audit("claim.release", id, purpose=claim.purpose, about=claim.subject)
            visit.tell("claim_released_now")
        else:
            visit.tell("claim_changed_meanwhile", tone="warn")
        return Go(visit.url("claims.one", id=id))


def _found(claims: Claims, visit: Visit, id: str) -> Claim:
    claim = claims.find(visit.account, id_of(id))
    if claim is None:
        abort(404)
    return claim
