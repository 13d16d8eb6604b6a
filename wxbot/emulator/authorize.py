"""The page at which somebody, inside WeChat, lets the account's site know who they are.

Which of the phones has opened it stands in a cookie that the phone page sets when a link is tapped.
"""

from dataclasses import dataclass
from typing import Any, get_args
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, redirect, render_template, request

from wxbot.emulator.grants import Grant, Scope
from wxbot.emulator.phone import CONTENT_SECURITY_POLICY, language_of_reader
from wxbot.emulator.words import words_for
from wxbot.emulator.world import Person, World, openid_of

PATH = "/connect/oauth2/authorize"
PERSON_COOKIE = "wx_person"
LONGEST_STATE = 128
ORDER = ["appid", "redirect_uri", "response_type", "scope", "state"]
MISSING = {"scope": "10010", "redirect_uri": "10011", "appid": "10012", "state": "10013"}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a site asks for, after all checks."""

    redirect_uri: str
    scope: Scope
    state: str


class PageError(Exception):
    """The page that people see instead; `code` is WeChat's number, or a slug where it has none."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(f"the page shows {code}")


def authorize_face(world: World) -> Blueprint:
    """Return the page of a world as a blueprint."""
    face = Blueprint("authorize", __name__)

    @face.get(PATH)
    def authorize() -> Response:
        """Send the browser back with a code, at once or after the person has agreed."""
        with world.lock:
            try:
                wanted = read_wanted(world)
                person = world.people.get(request.cookies.get(PERSON_COOKIE, ""))
                if person is None:
                    return _page("who", people=list(world.people.values()))
                _check_person(world, person)
            except PageError as error:
                return _page("fault", code=error.code)
            back = _address(wanted, world.grants.new_code(_grant(world, wanted, person), world.clock.now()))
            is_silent = wanted.scope == "snsapi_base" or world.trouble.snapshot_page
            # What stands behind the `#` never reaches a server; a page's script can see it.
            if is_silent and "text/html" not in request.headers.get("Accept", ""):
                return _kept_private(redirect(back))
            return _page(
                "on" if is_silent else "ask",
                person=person,
                back=back,
                refused=_address(wanted, ""),
                site=urlsplit(wanted.redirect_uri).netloc,
                checks_fragment=world.rules.checks_fragment,
            )

    return face


def read_wanted(world: World) -> Wanted:
    """Return what the present request asks for; PageError where WeChat shows a page with a number."""
    asked = request.args
    for name, code in MISSING.items():
        if not asked.get(name):
            raise PageError(code)
    if asked["appid"] != world.account.appid:
        raise PageError("appid")
    # More may follow: WeChat adds parameters of its own when it opens the page a second time.
    if list(asked)[: len(ORDER)] != ORDER or asked["response_type"] != "code":
        raise PageError("order")
    scope = asked["scope"]
    if scope not in get_args(Scope) or not world.rules.is_verified_service:
        raise PageError("10005")
    if len(asked["state"]) > LONGEST_STATE or not (asked["state"].isascii() and asked["state"].isalnum()):
        raise PageError("state")
    if not _is_own(asked["redirect_uri"], world):
        raise PageError("10003")
    return Wanted(redirect_uri=asked["redirect_uri"], scope=scope, state=asked["state"])  # type: ignore[arg-type]


def _is_own(redirect_uri: str, world: World) -> bool:
    """Tell whether an address is on the account's domain for web OAuth, and on no other below or above it."""
    try:
        parts = urlsplit(redirect_uri)
        host = parts.netloc if world.rules.checks_redirect_port else parts.hostname or ""
    except ValueError:
        return False
    domain = world.account.oauth_domain or urlsplit(world.account.callback_url).netloc
    if not world.rules.checks_redirect_port:
        domain = domain.partition(":")[0]
    return parts.scheme in ("http", "https") and host == domain != ""


def _check_person(world: World, person: Person) -> None:
    if world.rules.oauth_only_for_followers and person.state != "following":
        raise PageError("10006")


def _grant(world: World, wanted: Wanted, person: Person) -> Grant:
    if not world.trouble.snapshot_page:
        return Grant(openid=person.openid, name=person.name, scope=wanted.scope)
    made_up = openid_of(world.account.appid, f"snapshot of {person.openid}")
    return Grant(openid=made_up, name="微信用户", scope=wanted.scope, is_snapshot=True)


def _address(wanted: Wanted, code: str) -> str:
    """Return where the browser goes on; without a code when the person refused."""
    answer = {**({"code": code} if code else {}), "state": wanted.state}
    separator = "&" if "?" in wanted.redirect_uri else "?"
    return f"{wanted.redirect_uri}{separator}{urlencode(answer)}"


def _page(view: str, **shown: Any) -> Response:
    language = language_of_reader()
    html = render_template("authorize.html", view=view, t=words_for(language), lang=language, **shown)
    return _kept_private(Response(html, headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY}))


def _kept_private(response: Any) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    answer: Response = response
    return answer
