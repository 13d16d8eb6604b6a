"""`/link/start` and `/link/callback`: whoever opens them in WeChat is named by WeChat, and led to the site.

Nothing is bound here: the site, which knows its user, exchanges the token over the API.
"""

import hmac
import logging
import secrets
import threading
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import urlencode

from flask import Response, request

from wxbot import clock
from wxbot.bindings.linking import Confirming, Linking
from wxbot.kits.addresses import Addresses
from wxbot.kits.link_config import LinkConfig
from wxbot.web.accounts import account_meant
from wxbot.web.origin import is_from_here
from wxbot.web.pages import LARGEST_FORM_BYTES, Pages, bare
from wxbot.wechat.errcodes import ApiError, CodeRefusedError
from wxbot.wechat.oauth import OAuth

START = "/start"
CALLBACK = "/callback"
TOKEN_PARAMETER = "wxbot_link"
_COOKIE = "oauth"
_SECONDS = 600
# Anybody may come back with a made-up code: a slow WeChat must not take the threads that answer it.
MOST_AT_ONCE = 4

log = logging.getLogger(__name__)


class LinkPages:
    """The two pages; `oauths` are those of the accounts, `public_url` is where the pages are."""

    def __init__(
        self,
        pages: Pages,
        linking: Linking,
        config: LinkConfig,
        *,
        addresses: Addresses,
        oauths: Mapping[str, OAuth],
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._pages = pages
        self._linking = linking
        self._config = config
        self._addresses = addresses
        self._oauths = oauths
        self._now = now
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)

    def add(self) -> None:
        """Add the pages to the kit's."""
        self._pages.blueprint.add_url_rule(START, view_func=self.start, methods=["GET"])
        self._pages.blueprint.add_url_rule(CALLBACK, view_func=self.callback, methods=["GET"])
        if self._config.confirm == "page":
            rule = "/<token>/confirm"
            self._pages.blueprint.add_url_rule(rule, view_func=self.confirm, methods=["POST"])

    def start(self) -> Response:
        """Send the browser to WeChat, which sends it back with a code; remember that it was this browser."""
        account = account_meant(request.args.get("account"), self._oauths)
        public_url = self._addresses.public_url
        if account is None or not (self._config.login_url and public_url):
            return self._told("no_way", status=404)
        state = secrets.token_hex(32)
        response = _sent_to(self._oauths[account].authorize_url(f"{public_url}/link{CALLBACK}", state))
        kept = self._addresses.signed(_COOKIE, f"{state} {self._seconds() + _SECONDS} {account}")
        self._pages.set_cookie(response, _COOKIE, kept, max_age=_SECONDS)
        return response

    def callback(self) -> Response:
        """Take whom WeChat names to the site, with a token that stands for them once."""
        response = self._answered()
        # A state is good for one return, whatever came of it.
        self._pages.delete_cookie(response, _COOKIE)
        return response

    def confirm(self, token: str) -> Response:
        """Take the number that somebody typed on the page of their code."""
        request.max_content_length = LARGEST_FORM_BYTES
        named = self._addresses.named(self._pages.name, token)
        if named is None or not is_from_here() or not self._addresses.is_visitor(self._pages):
            return self._told("not_yours", status=403)
        number = unicodedata.normalize("NFKC", request.form.get("number", "")).strip()
        what = self._linking.confirm(named.account, named.id, number)
        response = bare(Response(status=303))
        flag = {Confirming.WRONG: "?said=wrong", Confirming.TAKEN: "?said=taken"}.get(what, "")
        response.location = f"/link/{token}{flag}"
        return response

    def _answered(self) -> Response:
        account = self._account()
        if account is None:
            return self._told("not_yours", status=403)
        code = request.args.get("code", "")
        if not code:
            return self._told("refused", status=403, account=account)
        if not self._places.acquire(blocking=False):
            return self._told("failed", status=503, account=account)
        try:
            person = self._oauths[account].exchange(code)
        except CodeRefusedError:
            return self._told("too_late", status=403, account=account)
        except ApiError as error:
            log.error("web OAuth of account %s: %s", account, error)
            return self._told("failed", status=503, account=account)
        finally:
            self._places.release()
        if person.is_snapshot:
            return self._told("snapshot", status=403, account=account)
        token = self._linking.offer(account, person.openid)
        separator = "&" if "?" in self._config.login_url else "?"
        return _sent_to(f"{self._config.login_url}{separator}{urlencode({TOKEN_PARAMETER: token})}")

    def _account(self) -> str | None:
        """Return the account for which this browser set out, None if it did not, or not just now."""
        kept = self._addresses.read(_COOKIE, self._pages.cookie(_COOKIE))
        if kept is None:
            return None
        state, ends_at, account = kept.split(" ")
        is_same = hmac.compare_digest(state.encode(), request.args.get("state", "").encode())
        return account if is_same and self._seconds() < int(ends_at) and account in self._oauths else None

    def _seconds(self) -> int:
        return int(self._now().timestamp())

    def _told(self, what: str, *, status: int, account: str | None = None) -> Response:
        again = None if account is None else f"/link{START}?{urlencode({'account': account})}"
        return self._pages.show("kits/told.html", status=status, what=what, again=again)


def _sent_to(address: str) -> Response:
    response = bare(Response(status=302))
    response.location = address
    return response
