"""`/qrcode/<scene>`: a page that shows the code of one scene, for people who hold an API key."""

import base64
import secrets
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta, timezone

from flask import Blueprint, Response, render_template, request

from wxbot.errors import WxbotError
from wxbot.pages.login import Login
from wxbot.pages.words import LANGUAGES, words_for
from wxbot.qrcodes.drawing import draw
from wxbot.qrcodes.kinds import SceneRefusedError, looks_like_number
from wxbot.qrcodes.mint import Code, Minter

_CHINA = timezone(timedelta(hours=8))
LARGEST_FORM_BYTES = 4096


class CodePage:
    """The page's two requests. A code on record is shown; otherwise one is minted for a week."""

    def __init__(
        self,
        minter: Minter,
        login: Login,
        *,
        accounts: Collection[str],
        answered_by: Callable[[str, str], str],
    ) -> None:
        self._minter = minter
        self._login = login
        self._accounts = accounts
        self._answered_by = answered_by

    def show(self, scene: str) -> Response:
        """GET: the code, or what keeps it from being shown."""
        account = _account(self._accounts)
        if account is None:
            return _page("failed.html", status=404, scene=scene, heading="no_account")
        if not self._login.is_known(request):
            return _page("login.html", status=401, scene=scene)
        try:
            code = _code(self._minter, scene, account)
        except SceneRefusedError as error:
            return _page("failed.html", status=400, scene=scene, heading="refused", reason=str(error))
        except WxbotError as error:
            return _page("failed.html", status=503, scene=scene, heading="failed", reason=str(error))
        return _shown(code, self._answered_by(code.scene, account))

    def sign_in(self, scene: str) -> Response:
        """POST: the form with the key, or the button that ends the session."""
        request.max_content_length = LARGEST_FORM_BYTES
        response = Response(status=303)
        response.location = request.full_path.rstrip("?")
        if request.form.get("do") == "sign_out":
            self._login.sign_out(response)
            return response
        if self._login.sign_in(request.form.get("key", ""), response, is_secure=request.is_secure):
            return response
        return _page("login.html", status=401, scene=scene, is_wrong=True)


def code_blueprint(page: CodePage) -> Blueprint:
    """Return `/qrcode/<scene>`."""
    blueprint = Blueprint("code", __name__, template_folder="templates")
    rule = "/qrcode/<scene>"
    blueprint.add_url_rule(rule, view_func=page.show, methods=["GET"], strict_slashes=False)
    blueprint.add_url_rule(rule, view_func=page.sign_in, methods=["POST"], strict_slashes=False)
    return blueprint


def _code(minter: Minter, scene: str, account: str) -> Code:
    """Return the code to show: the one on record if it lives, a new one of the same type otherwise."""
    known = minter.find(scene, account=account)
    if known is not None and known.is_permanent:
        return known
    is_number = known.is_integer if known is not None else looks_like_number(scene)
    return minter.mint(int(scene) if is_number else scene, account=account)


def _account(accounts: Collection[str]) -> str | None:
    """Return the account that is asked for: `default`, or the only one, unless named."""
    only = next(iter(accounts)) if len(accounts) == 1 else "default"
    name = request.args.get("account", only)
    return name if name in accounts else None


def _shown(code: Code, handler: str) -> Response:
    kind = f"{'permanent' if code.is_permanent else 'temporary'} {'number' if code.is_integer else 'text'}"
    ends = (
        None if code.expires_at is None else datetime.fromtimestamp(code.expires_at, UTC).astimezone(_CHINA)
    )
    return _page(
        "code.html",
        scene=code.scene,
        code=code,
        kind=kind,
        handler=handler,
        ends=f"{ends:%Y-%m-%d %H:%M} (UTC+8)" if ends else "",
        svg=_data("image/svg+xml", draw(code.url, kind="svg")),
        png=_data("image/png", draw(code.url, kind="png")),
    )


def _page(template: str, *, status: int = 200, **values: object) -> Response:
    language = _language()
    nonce = secrets.token_urlsafe(16)
    html = render_template(
        template,
        t=words_for(language),
        lang=language,
        other=next(each for each in LANGUAGES if each != language),
        nonce=nonce,
        account=request.args.get("account", ""),
        **values,
    )
    response = Response(html, status=status)
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; img-src data:; style-src 'nonce-{nonce}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.set_cookie("lang", language, path="/qrcode", max_age=31536000, httponly=True, samesite="Lax")
    return response


def _language() -> str:
    for wanted in (request.args.get("lang"), request.cookies.get("lang")):
        if wanted in LANGUAGES:
            return wanted
    best = request.accept_languages.best_match(["zh", *LANGUAGES], default=LANGUAGES[0])
    return "en" if best == "en" else LANGUAGES[0]


def _data(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
