"""Web OAuth: the address at which WeChat tells a site who has opened its page, and the call that reads it.

Nothing is kept and nothing is repeated: a code is good for one call.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from urllib.parse import quote, urlencode, urlsplit

from wxbot import clock
from wxbot.wechat.answers import read_answer
from wxbot.wechat.api import ApiAccount
from wxbot.wechat.errcodes import UnreachableError, error_for
from wxbot.wechat.http import Http

Scope = Literal["snsapi_base", "snsapi_userinfo"]
CALL = "sns/oauth2/access_token"
_STATE = re.compile(r"[A-Za-z0-9]{1,128}")
# What comes in an address and is longer, or not plain ASCII, was never WeChat's.
_CODE = re.compile(r"[!-~]{1,512}")
_OPENID = re.compile(r"[!-~]{1,128}")
_INVALID_CODE = 40029


@dataclass(frozen=True, kw_only=True)
class OAuthPerson:
    """Who has opened a page: the openid is that of callbacks, and exists for people who do not follow, too.

    `is_snapshot`: a made-up person, as WeChat shows pages to people who have not agreed to anything; must
    never be linked to anything. `unionid` is empty unless the scope and the account tell it.
    """

    openid: str = field(repr=False)
    is_snapshot: bool
    scope: str
    unionid: str = field(default="", repr=False)


class OAuth:
    """Web OAuth of one account; threads may share it."""

    def __init__(
        self, account: ApiAccount, http: Http | None = None, *, now: Callable[[], datetime] = clock.now
    ) -> None:
        self._account = account
        self._http = http or Http()
        self._now = now

    def authorize_url(self, redirect_uri: str, state: str, scope: Scope = "snsapi_base") -> str:
        """Return where to send a browser inside WeChat; it comes back with `code` and `state`.

        WeChat compares the parts of this address literally: they stand in its order. ValueError for a
        `redirect_uri` that is none, or a `state` that is not 1 to 128 letters and digits.
        """
        parts = urlsplit(redirect_uri)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment:
            raise ValueError("redirect_uri must be an address with http(s):// and without a fragment")
        if not _STATE.fullmatch(state):
            raise ValueError("state must be 1 to 128 letters and digits of ASCII")
        query = urlencode(
            {
                "appid": self._account.appid,
                "redirect_uri": redirect_uri,
                "response_type": "code",
                "scope": scope,
                "state": state,
            },
            quote_via=quote,
            safe="",
        )
        return f"{self._account.open_base}/connect/oauth2/authorize?{query}#wechat_redirect"

    def exchange(self, code: str) -> OAuthPerson:
        """Return who brought this code; CodeRefusedError for a wrong, old or used one, else ApiError."""
        if not _CODE.fullmatch(code):
            raise error_for(_INVALID_CODE, None, call=CALL, now=self._now())
        account = self._account
        query = {
            "appid": account.appid,
            "secret": account.secret,
            "code": code,
            "grant_type": "authorization_code",
        }
        answer = read_answer(self._http, "GET", f"{account.api_base}/{CALL}", call=CALL, query=query)
        if answer.get("errcode"):
            raise error_for(answer["errcode"], answer.get("errmsg"), call=CALL, now=self._now())
        openid, scope, unionid = (answer.get(name, "") for name in ("openid", "scope", "unionid"))
        if not isinstance(openid, str) or not _OPENID.fullmatch(openid):
            raise UnreachableError("the answer has no openid in it", call=CALL, was_sent=True)
        return OAuthPerson(
            openid=openid,
            # Whatever WeChat may write there one day: only a plain no is a no.
            is_snapshot=answer.get("is_snapshotuser", 0) not in (0, "0", "", None),
            scope=scope if isinstance(scope, str) else "",
            unionid=unionid if isinstance(unionid, str) else "",
        )
