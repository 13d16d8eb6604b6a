"""The page of a claim's code: for sites that send their customers here instead of showing it themselves."""

import base64
from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, Response, request

from wxbot import clock
from wxbot.bindings.claim import Claim, State
from wxbot.bindings.claims import Claims
from wxbot.errors import WxbotError
from wxbot.kits.addresses import Addresses
from wxbot.kits.code_words import WORDS
from wxbot.kits.order_facts import UNPAID, facts_of
from wxbot.kits.texts import one_line
from wxbot.qrcodes.drawing import draw
from wxbot.qrcodes.kinds import SHORTEST_SECONDS
from wxbot.qrcodes.mint import Minter
from wxbot.web.origin import is_from_here
from wxbot.web.pages import Pages, as_json

_DONE = {"order": (State.CLAIMED, State.CONFIRMED), "link": (State.CONFIRMED,)}


class CodePage:
    """The page of the codes of one purpose, at an address that `Addresses` makes, and where it stands.

    A page that shows a code looks every few seconds whether somebody has scanned it, and reads the claim's
    state and nothing else, if it has the cookie that came with the page. `is_asking`: for the number that the
    person who scanned reads in WeChat; the kit has a route for it.
    """

    def __init__(
        self,
        pages: Pages,
        claims: Claims,
        minter: Minter,
        *,
        addresses: Addresses,
        is_asking: bool = False,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._pages = pages
        self._purpose = pages.name
        self._claims = claims
        self._minter = minter
        self._addresses = addresses
        self._is_asking = is_asking
        self._now = now

    def show(self, token: str) -> Response:
        """GET: the code, or what has become of it."""
        claim = self._claim(token)
        if claim is None:
            return self._page("missing", status=404)
        if claim.state is not State.OPEN:
            return self._page(self._view(claim), claim=claim)
        try:
            svg = self._picture(claim)
        except WxbotError:
            return self._page("no_code", status=503)
        minutes = -(-self._seconds_left(claim) // 60)
        return self._page("open", claim=claim, svg=svg, minutes=minutes)

    def state(self, token: str) -> Response:
        """POST: where the claim stands, for the page that shows it."""
        if not is_from_here() or not self._addresses.is_visitor(self._pages):
            return as_json({"state": "refused"}, status=403)
        claim = self._claim(token)
        if claim is None:
            return as_json({"state": "missing"}, status=404)
        return as_json({"state": claim.state})

    def _claim(self, token: str) -> Claim | None:
        named = self._addresses.named(self._purpose, token)
        return None if named is None else self._claims.find(named.account, named.id)

    def _view(self, claim: Claim) -> str:
        if claim.state in _DONE[self._purpose]:
            return "done"
        if claim.state is not State.CLAIMED:
            return "ended"
        return "typing" if self._is_asking else "waiting"

    def _picture(self, claim: Claim) -> str:
        seconds = max(SHORTEST_SECONDS, self._seconds_left(claim))
        # As long as it works at all: a code that was minted with the claim must not be replaced.
        code = self._minter.mint(claim.scene, account=claim.account, expires_in=seconds, renew_before=0)
        return f"data:image/svg+xml;base64,{base64.b64encode(draw(code.url, kind='svg')).decode()}"

    def _seconds_left(self, claim: Claim) -> int:
        return max(0, claim.expires_at - int(self._now().timestamp()))

    def _page(
        self, view: str, *, status: int = 200, claim: Claim | None = None, **values: object
    ) -> Response:
        facts = facts_of(claim.data if claim else {})
        name = _name(claim)
        pays = self._purpose == "order" and facts.state == UNPAID and facts.pay_url
        response = self._pages.show(
            "kits/code.html",
            status=status,
            view=view,
            claim=claim,
            name=name,
            facts=facts,
            is_to_pay=bool(pays),
            said=request.args.get("said", ""),
            **values,
        )
        self._addresses.welcome(self._pages, response)
        return response


def add_code_page(pages: Pages, page: CodePage) -> Blueprint:
    """Return the kit's blueprint with the two routes of the page."""
    pages.blueprint.add_url_rule("/<token>", view_func=page.show, methods=["GET"])
    pages.blueprint.add_url_rule("/<token>/state", view_func=page.state, methods=["POST"])
    return pages.blueprint


def code_pages(purpose: str) -> Pages:
    """Return the pages of a kit whose codes are shown."""
    return Pages(purpose, WORDS[purpose], __name__)


def _name(claim: Claim | None) -> str:
    """Return what the site calls whom or what the claim is about; its subject is for the site only."""
    return one_line(claim.data.get("name")) if claim else ""
