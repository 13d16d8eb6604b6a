"""The call that fetches an access token, the stable kind or the classic one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from wxbot import clock
from wxbot.wechat.answers import read_answer, to_json
from wxbot.wechat.api import ApiAccount
from wxbot.wechat.errcodes import UnreachableError, error_for
from wxbot.wechat.http import Http

_LONGEST_TOKEN = 512
# WeChat never gives less than 300; with a few seconds we would fetch all the time.
_SHORTEST_SECONDS = 60
_ONLY_ASCII = frozenset(map(chr, range(0x21, 0x7F)))


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A token as it came, and the seconds it has left."""

    token: str = field(repr=False)
    expires_in: int


class TokenCall:
    """Fetches tokens; threads may share it. Nothing is kept and nothing is repeated."""

    def __init__(self, http: Http, *, now: Callable[[], datetime] = clock.now) -> None:
        self._http = http
        self._now = now

    def fetch(self, account: ApiAccount, *, is_forced: bool) -> Fetched:
        """Return a token of the account; `is_forced` ends the stable one before, and means nothing else.

        Raises ApiError.
        """
        call = "token" if account.token_kind == "classic" else "stable_token"
        client = {"grant_type": "client_credential", "appid": account.appid, "secret": account.secret}
        url = f"{account.api_base}/cgi-bin/{call}"
        if account.token_kind == "classic":
            answer = read_answer(self._http, "GET", url, call=call, query=client)
        else:
            asked = to_json({**client, "force_refresh": is_forced})
            answer = read_answer(self._http, "POST", url, call=call, body=asked)
        if answer.get("errcode"):
            raise error_for(answer["errcode"], answer.get("errmsg"), call=call, now=self._now())
        token, seconds = answer.get("access_token"), answer.get("expires_in")
        if not _is_token(token) or type(seconds) is not int or seconds < _SHORTEST_SECONDS:
            raise UnreachableError("the answer has no access token in it", call=call, was_sent=True)
        return Fetched(token=str(token), expires_in=seconds)


def _is_token(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_TOKEN and _ONLY_ASCII.issuperset(value)
