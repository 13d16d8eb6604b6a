"""`/login/`: the page that shows a code, follows what becomes of it, and leads back to the site.

All that the page asks for is a POST with a token that goes with its cookie; of somebody else's login it
learns nothing, not even that there is one.
"""

import base64
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Blueprint, Response, json, request

from wxbot.bindings.claim import Claim, State
from wxbot.bindings.logins import Attempt, Logins, number_of
from wxbot.errors import WxbotError
from wxbot.kits.login_about import place_of
from wxbot.kits.login_config import LoginConfig
from wxbot.kits.login_session import PAGE_SECONDS, Pace, Page, Shown, Tokens, digest, new_secret
from wxbot.kits.login_words import WORDS
from wxbot.qrcodes.drawing import draw
from wxbot.qrcodes.mint import Minter
from wxbot.streams import CONTENT_TYPE, HEADERS, Seen, Streams
from wxbot.web.accounts import account_meant
from wxbot.web.browser import address_of, customer_of, device_of
from wxbot.web.origin import is_from_here
from wxbot.web.pages import LARGEST_FORM_BYTES, Pages, as_json

_YEAR_SECONDS = 31_536_000
_SESSION, _DEVICE = "session", "device"
_RETRY = {"Retry-After": "2"}
# What the site passes as state: long enough that nobody guesses it, and nothing that a URL would change.
_STATE_LENGTHS = range(16, 257)
_STATES = {
    State.OPEN: "waiting",
    State.CLAIMED: "scanned",
    State.CONFIRMED: "confirmed",
    State.CANCELLED: "cancelled",
    State.RELEASED: "cancelled",
    State.EXPIRED: "expired",
}
_GOES_ON = ("waiting", "scanned")
# Anybody may ask for codes: a slow WeChat must not take the threads that answer it.
MOST_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the pages work with. `accounts` are those for which the kit answers."""

    config: LoginConfig
    logins: Logins
    minter: Minter
    streams: Streams
    tokens: Tokens
    accounts: Collection[str]


class LoginPages:
    """The requests of the login page."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._pages = Pages("login", WORDS, __name__)
        self._pace = Pace(parts.config.codes_a_minute)
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)
        add = self._pages.blueprint.add_url_rule
        add("/", view_func=self.show, methods=["GET"])
        for name in ("code", "state", "stream", "finish"):
            add(f"/{name}", endpoint=name, view_func=self._checked(getattr(self, name)), methods=["POST"])

    @property
    def blueprint(self) -> Blueprint:
        """The routes below `/login`."""
        return self._pages.blueprint

    def show(self) -> Response:
        """GET: the page, in a session of its own. One that somebody else has planted ends with that."""
        asked = self._asked()
        if asked is None:
            return self._pages.show("kits/login_refused.html", status=400)
        account, return_to, state = asked
        former = self._pages.cookie(_SESSION)
        if former:
            self._parts.logins.call_off(account, digest(former), detail="the page was opened again")
        session, device = new_secret(), self._pages.cookie(_DEVICE) or new_secret()
        browser = {"browser": digest(session), "device": digest(device)}
        page = Page(account=account, return_to=return_to, state=state, **browser)
        response = self._pages.show(
            "kits/login.html",
            site=self._parts.config.site_name,
            token=self._parts.tokens.for_page(page),
            switch=urlencode({"account": account, "return_to": return_to, "state": state}),
        )
        self._pages.set_cookie(response, _SESSION, session, max_age=PAGE_SECONDS)
        self._pages.set_cookie(response, _DEVICE, device, max_age=_YEAR_SECONDS)
        return response

    def code(self, token: object) -> Response:
        """POST: a new code for the page; the one before is called off."""
        page = self._parts.tokens.page(token, self._pages.cookie(_SESSION))
        if page is None:
            return _lost()
        config = self._parts.config
        peer, forwarded = request.remote_addr or "", request.headers.get("X-Forwarded-For", "")
        address = address_of(peer, forwarded, proxies=config.proxies)
        if not self._pace.allows(customer_of(address)):
            return as_json({"problem": "too_many"}, status=429)
        if not self._places.acquire(blocking=False):
            return as_json({"problem": "failed"}, status=503)
        try:
            return self._minted(self._begin(page, address))
        finally:
            self._places.release()

    def state(self, token: object) -> Response:
        """POST: where the login stands; for browsers that get no stream."""
        shown = self._shown(token)
        return _lost() if shown is None else as_json(_told(self._find(shown)))

    def stream(self, token: object) -> Response:
        """POST: the same as server-sent events, as long as there is room for one more stream."""
        shown = self._shown(token)
        if shown is None:
            return _lost()

        def look() -> Seen:
            told = _told(self._find(shown))
            return Seen(json.dumps(told), is_last=told["state"] not in _GOES_ON)

        stream = self._parts.streams.open("state", look)
        if stream is None:
            response = as_json({"problem": "full"}, status=503)
            response.headers.update(_RETRY)
            return response
        return Response(stream, content_type=CONTENT_TYPE, headers=HEADERS)

    def finish(self, token: object) -> Response:
        """POST: where to go after the confirmation, with a code that the site exchanges once."""
        shown = self._shown(token)
        claim = None if shown is None else self._find(shown)
        code = None if claim is None else self._parts.logins.code(claim)
        if claim is None or code is None:
            return _lost()
        return_to, state = str(claim.data["return_to"]), str(claim.data["state"])
        if return_to not in self._parts.config.return_to:  # it was taken off the list meanwhile
            return _lost()
        sign = "&" if "?" in return_to else "?"
        return as_json({"location": f"{return_to}{sign}{urlencode({'code': code, 'state': state})}"})

    def _checked(self, view: Callable[[object], Response]) -> Callable[[], Response]:
        def checked() -> Response:
            request.max_content_length = LARGEST_FORM_BYTES
            body = _body()
            if not is_from_here() or not isinstance(body, dict):
                return _lost()
            return view(body.get("token"))

        return checked

    def _asked(self) -> tuple[str, str, str] | None:
        """Return account, address and state of the site's request; None when one of them is not right."""
        parts = self._parts
        known = parts.config.return_to
        return_to = request.args.get("return_to", known[0] if len(known) == 1 else "")
        state = request.args.get("state", "")
        account = account_meant(request.args.get("account"), parts.accounts)
        is_state = len(state) in _STATE_LENGTHS and state.isascii() and state.isprintable()
        if account is None or return_to not in known or not is_state:
            return None
        return account, return_to, state

    def _begin(self, page: Page, address: str) -> Claim:
        config, language = self._parts.config, self._pages.language()
        about = {
            "device": device_of(request.headers.get("User-Agent", ""), config.read_in(language).language),
            "place": place_of(address, config.place),
        }
        return self._parts.logins.begin(
            Attempt(
                account=page.account,
                browser=page.browser,
                device=page.device,
                return_to=page.return_to,
                state=page.state,
                about=about,
                language=language,
                digits=config.digits,
                lifetime_seconds=config.seconds,
            )
        )

    def _minted(self, claim: Claim) -> Response:
        config = self._parts.config
        try:
            code = self._parts.minter.mint(claim.scene, account=claim.account, expires_in=config.seconds)
        except WxbotError:
            self._parts.logins.call_off(claim.account, claim.subject, detail="no code")
            return as_json({"problem": "failed"}, status=503)
        picture = base64.b64encode(draw(code.url, kind="svg")).decode()
        shown = Shown(account=claim.account, browser=claim.subject, id=claim.id.hex())
        return as_json(
            {
                "token": self._parts.tokens.for_login(shown),
                "picture": f"data:image/svg+xml;base64,{picture}",
                "seconds": config.seconds,
            }
        )

    def _shown(self, token: object) -> Shown | None:
        return self._parts.tokens.login(token, self._pages.cookie(_SESSION))

    def _find(self, shown: Shown) -> Claim | None:
        return self._parts.logins.find(shown.account, bytes.fromhex(shown.id), shown.browser)


def _body() -> object:
    """Return the JSON of the request, None for what is none, or is nested too deeply to be read."""
    try:
        return request.get_json(silent=True)
    except RecursionError:
        return None


def _told(claim: Claim | None) -> dict[str, str]:
    """Return what the browser may know: the number once somebody has scanned, and never who."""
    state = "expired" if claim is None else _STATES[claim.state]
    number = {"number": number_of(claim)} if claim is not None and state == "scanned" else {}
    return {"state": state, **number}


def _lost() -> Response:
    """Answer whoever is not the browser that the login belongs to; the same, whatever the reason."""
    return as_json({"problem": "lost"}, status=403)
