"""WeChat's API, one method a call: the token renewed when it is refused, error codes become exceptions."""

import ipaddress
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol
from urllib.parse import quote, urlsplit

from wxbot import clock
from wxbot.errors import ConfigurationError
from wxbot.wechat.errcodes import TOKEN_REFUSED, TicketUnknownError, UnreachableError, error_for
from wxbot.wechat.http import Http

TokenKind = Literal["stable", "classic"]
Data = dict[str, Any]
_BUSY_PAUSES = (0.2, 0.6)


@dataclass(frozen=True, kw_only=True)
class ApiAccount:
    """An account as the API needs it; ConfigurationError for a base that would send secrets in clear."""

    name: str
    appid: str
    secret: str = field(repr=False)
    api_base: str = "https://api.weixin.qq.com"
    mp_base: str = "https://mp.weixin.qq.com"
    token_kind: TokenKind = "stable"

    def __post_init__(self) -> None:
        for key, base in (("api_base", self.api_base), ("mp_base", self.mp_base)):
            parts = urlsplit(base)
            if parts.scheme != "https" and not (
                parts.scheme == "http" and _is_loopback(parts.hostname or "")
            ):
                raise ConfigurationError(
                    f"[accounts.{self.name}] {key}: must begin with https:// (http:// only on this machine)"
                )


class TokenSource(Protocol):
    """Where a client has its access token from."""

    def current(self) -> str:
        """Return a token that should be good; raises ApiError when none can be had."""
        ...

    def refused(self, token: str) -> str:
        """Take note that WeChat refused this token, and return another one; raises ApiError."""
        ...


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """A minted QR code: `url` is what it contains, `expires_in` its seconds (None: permanent)."""

    ticket: str
    url: str
    expires_in: int | None


class ApiClient:
    """Calls the API of one account; threads may share it. Every method raises ApiError and nothing else.

    A refused token is renewed once and the call repeated once. A busy WeChat is asked twice more.
    """

    def __init__(
        self,
        account: ApiAccount,
        *,
        token: TokenSource,
        http: Http | None = None,
        now: Callable[[], datetime] = clock.now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.account = account
        self._token = token
        self._http = http or Http()
        self._now = now
        self._sleep = sleep

    def create_qrcode(self, *, scene: int | str, is_permanent: bool, expires_in: int | None) -> Ticket:
        """Mint a code; the type of `scene` decides between a number and a text. `expires_in` is seconds.

        Sends what it is given: the ranges are the caller's to check.
        """
        is_number = isinstance(scene, int)
        kind = f"QR_{'LIMIT_' if is_permanent else ''}{'' if is_number else 'STR_'}SCENE"
        body: Data = {
            "action_name": kind,
            "action_info": {"scene": {"scene_id" if is_number else "scene_str": scene}},
        }
        if not is_permanent:
            body = {"expire_seconds": expires_in, **body}
        answer = self._post("qrcode/create", body)
        ticket, url = answer.get("ticket"), answer.get("url")
        seconds = None if is_permanent else answer.get("expire_seconds")
        if not isinstance(ticket, str) or not isinstance(url, str) or not ticket or not url:
            raise _unusable("qrcode/create")
        if not is_permanent and (not isinstance(seconds, int) or seconds <= 0):
            raise _unusable("qrcode/create")
        return Ticket(ticket=ticket, url=url, expires_in=seconds)

    def show_qrcode_url(self, ticket: str) -> str:
        """Return the address of WeChat's own image of a code; it needs no token."""
        return f"{self.account.mp_base}/cgi-bin/showqrcode?ticket={quote(ticket, safe='')}"

    def show_qrcode(self, ticket: str) -> bytes:
        """Fetch WeChat's own image of a code, a JPEG; TicketUnknownError when there is none (any more)."""
        answer = self._http.send("GET", self.show_qrcode_url(ticket), call="showqrcode")
        if answer.status == 404:
            advice = "WeChat has no image for this ticket; it is wrong, or its code has expired"
            raise TicketUnknownError(None, call="showqrcode", advice=advice)
        if answer.status != 200 or not answer.content.startswith(b"\xff\xd8"):
            raise _unusable("showqrcode", status=answer.status)
        return answer.content

    def _get(self, path: str, **query: str) -> Data:
        return self._call("GET", path, query=query)

    def _post(self, path: str, body: Mapping[str, object]) -> Data:
        return self._call("POST", path, body=to_json(body))

    def _call(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Data:
        """Return the answer of a call that succeeded, with a fresh token if the first was refused."""
        token = self._token.current()
        answer = self._ask(method, path, query={**(query or {}), "access_token": token}, body=body)
        if answer.get("errcode") in TOKEN_REFUSED:
            token = self._token.refused(token)
            answer = self._ask(method, path, query={**(query or {}), "access_token": token}, body=body)
        errcode = answer.get("errcode", 0)
        if errcode:
            raise error_for(errcode, answer.get("errmsg"), call=path, now=self._now())
        return answer

    def _ask(self, method: str, path: str, *, query: Mapping[str, str], body: bytes | None) -> Data:
        url = f"{self.account.api_base}/cgi-bin/{path}"
        for pause in (*_BUSY_PAUSES, None):
            answer = read_answer(self._http, method, url, call=path, query=query, body=body)
            if answer.get("errcode") != -1 or pause is None:
                break
            self._sleep(pause)
        return answer


def to_json(body: Mapping[str, object]) -> bytes:
    """Return JSON as WeChat wants it: raw UTF-8, since it shows `\\u` escapes as they are or refuses them."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def read_answer(
    http: Http,
    method: str,
    url: str,
    *,
    call: str,
    query: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Data:
    """Send a call and return the JSON object of the answer, an error code's as well.

    Raises UnreachableError when there is no such answer.
    """
    answer = http.send(method, url, call=call, query=query, body=body)
    if answer.status != 200:
        raise _unusable(call, status=answer.status)
    try:
        data = json.loads(answer.content.decode("utf-8-sig"))
    except ValueError:
        data = None
    if not isinstance(data, dict) or type(data.get("errcode", 0)) is not int:
        raise _unusable(call)
    return data


def _unusable(call: str, *, status: int = 200) -> UnreachableError:
    return UnreachableError(f"the answer (HTTP {status}) is not WeChat's", call=call, was_sent=True)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
