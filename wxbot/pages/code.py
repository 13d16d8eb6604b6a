"""`/qrcode/<scene>`: a page that shows the code of one scene, to those with an API key or a login."""

import base64
from collections.abc import Callable, Collection
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from wxbot import clock
from wxbot.clock import CHINA, there
from wxbot.errors import WxbotError
from wxbot.pages.login import Login
from wxbot.pages.words import WORDS
from wxbot.qrcodes.drawing import draw
from wxbot.qrcodes.kinds import SceneRefusedError, kind_of, looks_like_number, value_of
from wxbot.qrcodes.mint import WEEK_SECONDS, Code, Minter
from wxbot.web.accounts import account_meant
from wxbot.web.origin import address_asked, is_from_here
from wxbot.web.pages import LARGEST_FORM_BYTES, Pages


class CodePage:
    """The page's two requests. A code on record is shown; otherwise one is minted for a week.

    For a user of the dashboard by a button only: their cookie goes along with links of other sites, too.
    """

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
        add("/<scene>", view_func=self.act, methods=["POST"], strict_slashes=False)
        return self._pages.blueprint

    def show(self, scene: str) -> Response:
        """GET: the code, or what keeps it from being shown."""
        return self._answered(scene, self._looked_at)

    def act(self, scene: str) -> Response:
        """POST: the form with the key, the button that ends the session, or the one that makes a code."""
        request.max_content_length = LARGEST_FORM_BYTES
        if not is_from_here():  # nobody is signed in, or out, by another site
            return self._page("pages/login.html", status=403, scene=scene)
        if request.form.get("do") == "mint":
            return self._answered(scene, self._made)
        response = _here()
        if request.form.get("do") == "sign_out":
            self._login.sign_out(response)
            return response
        if self._login.sign_in(request.form.get("key", ""), response, is_secure=request.is_secure):
            return response
        return self._page("pages/login.html", status=401, scene=scene, is_wrong=True)

    def _answered(self, scene: str, answer: Callable[[str, str], Response]) -> Response:
        """Return the answer for a scene and its account, or what keeps it from being given."""
        account = account_meant(request.args.get("account"), self._accounts)
        if account is None:
            return self._page("pages/failed.html", status=404, scene=scene, heading="no_account")
        if not self._login.is_known(request):
            return self._page("pages/login.html", status=401, scene=scene)
        try:
            return answer(scene, account)
        except SceneRefusedError as error:
            return self._page(
                "pages/failed.html", status=400, scene=scene, heading="refused", reason=str(error)
            )
        except WxbotError as error:
            return self._page(
                "pages/failed.html", status=503, scene=scene, heading="failed", reason=str(error)
            )

    def _looked_at(self, scene: str, account: str) -> Response:
        if self._login.has_key(request):
            return self._shown(_minted(self._minter, scene, account))
        may_mint = self._login.noting(request) is not None
        code = self._minter.find(scene, account=account)
        left = code.seconds_left(int(clock.now().timestamp())) if code else 0
        if code is not None and left:
            return self._shown(code, may_mint=may_mint and left <= WEEK_SECONDS // 2)
        if not may_mint:
            return self._page("pages/failed.html", status=403, scene=scene, heading="not_minted")
        kind_of(value_of(scene), account=account, expires_in=WEEK_SECONDS)  # of some scenes there is none
        return self._page("pages/mint.html", scene=scene)

    def _made(self, scene: str, account: str) -> Response:
        note = self._login.noting(request)
        if note is None:
            return self._page("pages/failed.html", status=403, scene=scene, heading="not_minted")
        known = self._minter.find(scene, account=account)
        code = _minted(self._minter, scene, account)
        if known is None or known.ticket != code.ticket:
            note(code.scene, account=account)
        return _here()

    def _shown(self, code: Code, *, may_mint: bool = False) -> Response:
        ends = None if code.expires_at is None else there(code.expires_at, CHINA)
        return self._page(
            "pages/code.html",
            scene=code.scene,
            code=code,
            kind=code.kind_words,
            handler=self._answered_by(code.scene, code.account),
            may_mint=may_mint,
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
            users=f"/admin/login?{urlencode({'next': address_asked()})}",
            **values,
        )


def _here() -> Response:
    response = Response(status=303)
    response.location = address_asked()
    return response


def _minted(minter: Minter, scene: str, account: str) -> Code:
    """Return the code on record if it lives long enough, and a new one of the same type otherwise."""
    known = minter.find(scene, account=account)
    if known is not None and known.is_permanent:
        return known
    is_number = known.is_integer if known is not None else looks_like_number(scene)
    return minter.mint(int(scene) if is_number else scene, account=account)


def _data(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
