"""`/qrcode/<scene>`: a page that shows the code of one scene, for people who hold an API key."""

import base64
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from flask import Blueprint, Response, request

from wxbot import clock
from wxbot.clock import CHINA
from wxbot.errors import WxbotError
from wxbot.pages.login import Login
from wxbot.pages.words import WORDS
from wxbot.qrcodes.drawing import draw
from wxbot.qrcodes.kinds import SceneRefusedError, looks_like_number
from wxbot.qrcodes.mint import Code, Minter
from wxbot.web.accounts import account_meant
from wxbot.web.origin import is_from_here
from wxbot.web.pages import LARGEST_FORM_BYTES, Pages


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
        self._pages = Pages("qrcode", WORDS, __name__, has_scripts=False)

    @property
    def blueprint(self) -> Blueprint:
        """The routes below `/qrcode`."""
        add = self._pages.blueprint.add_url_rule
        add("/<scene>", view_func=self.show, methods=["GET"], strict_slashes=False)
        add("/<scene>", view_func=self.sign_in, methods=["POST"], strict_slashes=False)
        return self._pages.blueprint

    def show(self, scene: str) -> Response:
        """GET: the code, or what keeps it from being shown."""
        account = account_meant(request.args.get("account"), self._accounts)
        if account is None:
            return self._page("pages/failed.html", status=404, scene=scene, heading="no_account")
        if not self._login.is_known(request):
            return self._page("pages/login.html", status=401, scene=scene)
        try:
            code = _code(self._minter, scene, account, may_mint=self._login.may_mint(request))
        except SceneRefusedError as error:
            return self._page(
                "pages/failed.html", status=400, scene=scene, heading="refused", reason=str(error)
            )
        except WxbotError as error:
            return self._page(
                "pages/failed.html", status=503, scene=scene, heading="failed", reason=str(error)
            )
        if code is None:
            return self._page("pages/failed.html", status=403, scene=scene, heading="not_minted")
        return self._shown(code, self._answered_by(code.scene, account))

    def sign_in(self, scene: str) -> Response:
        """POST: the form with the key, or the button that ends the session."""
        request.max_content_length = LARGEST_FORM_BYTES
        if not is_from_here():  # nobody is signed in, or out, by another site
            return self._page("pages/login.html", status=403, scene=scene)
        response = Response(status=303)
        response.location = _asked()
        if request.form.get("do") == "sign_out":
            self._login.sign_out(response)
            return response
        if self._login.sign_in(request.form.get("key", ""), response, is_secure=request.is_secure):
            return response
        return self._page("pages/login.html", status=401, scene=scene, is_wrong=True)

    def _shown(self, code: Code, handler: str) -> Response:
        kind = (
            f"{'permanent' if code.is_permanent else 'temporary'} {'number' if code.is_integer else 'text'}"
        )
        ends = (
            None
            if code.expires_at is None
            else datetime.fromtimestamp(code.expires_at, UTC).astimezone(CHINA)
        )
        return self._page(
            "pages/code.html",
            scene=code.scene,
            code=code,
            kind=kind,
            handler=handler,
            has_key=self._login.has_cookie(request),
            ends=f"{ends:%Y-%m-%d %H:%M} (UTC+8)" if ends else "",
            svg=_data("image/svg+xml", draw(code.url, kind="svg")),
            png=_data("image/png", draw(code.url, kind="png")),
        )

    def _page(self, template: str, *, status: int = 200, **values: object) -> Response:
        account = request.args.get("account", "")
        switch = urlencode({"account": account}) if account else ""
        return self._pages.show(
            template,
            status=status,
            switch=switch,
            users=f"/admin/login?{urlencode({'next': _asked()})}",
            **values,
        )


def _asked() -> str:
    """Return the address of the request as it was sent: decoded, it may hold a line end, or a query."""
    path = quote(request.path, safe="/:")
    query = quote(request.query_string, safe="!$&'()*+,;=:@/?%[]")
    return f"{path}?{query}" if query else path


def _code(minter: Minter, scene: str, account: str, *, may_mint: bool) -> Code | None:
    """Return the code to show: the one on record if it lives, a new one of the same type otherwise.

    None where it would have to be minted, and may not.
    """
    known = minter.find(scene, account=account)
    if known is not None and known.is_permanent:
        return known
    if not may_mint:
        is_alive = known is not None and (known.expires_at or 0) > clock.now().timestamp()
        return known if is_alive else None
    is_number = known.is_integer if known is not None else looks_like_number(scene)
    return minter.mint(int(scene) if is_number else scene, account=account)


def _data(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
