"""WeChat's API, one method a call: the token renewed when it is refused, error codes become exceptions."""

import ipaddress
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Literal, Protocol
from urllib.parse import quote, urlsplit

from wxbot import clock
from wxbot.errors import ConfigurationError
from wxbot.wechat.answers import Data, read_answer, to_json, unusable
from wxbot.wechat.errcodes import (
    TOKEN_REFUSED,
    ApiError,
    QuotaError,
    TicketUnknownError,
    UnreachableError,
    error_for,
)
from wxbot.wechat.http import Http
from wxbot.wechat.replies import Reply
from wxbot.wechat.service_messages import service_message
from wxbot.wechat.summaries import UserDay, user_day

TokenKind = Literal["stable", "classic"]
# The path of the call that sends one, as errors name it.
SERVICE_MESSAGE = "message/custom/send"
_BUSY_PAUSES = (0.2, 0.4)
# A try takes up to four seconds, and all of them together no more than five.
_LAST_TRY = timedelta(seconds=1)
_NO_MENU = 46003
# Somebody may have had the quota cleared: it is tried again now and then.
_LONGEST_SILENCE = timedelta(minutes=10)

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ApiAccount:
    """An account as the API needs it; ConfigurationError for a base that would send secrets in clear."""

    name: str
    appid: str
    secret: str = field(repr=False)
    api_base: str = "https://api.weixin.qq.com"
    mp_base: str = "https://mp.weixin.qq.com"
    open_base: str = "https://open.weixin.qq.com"
    token_kind: TokenKind = "stable"

    def __post_init__(self) -> None:
        bases = {"api_base": self.api_base, "mp_base": self.mp_base, "open_base": self.open_base}
        for key, base in bases.items():
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


@dataclass(frozen=True, kw_only=True)
class Tag:
    """A tag of the account; `count` is how many followers have it, 0 for a new one."""

    tag_id: int
    name: str
    count: int = 0


@dataclass(frozen=True, kw_only=True)
class UserInfo:
    """What WeChat tells about a person; of somebody who does not follow only `is_following`.

    `qr_scene` and `qr_scene_str` tell the code that led to the follow, and of which kind it was.
    """

    is_following: bool
    subscribed_at: int = 0
    subscribe_scene: str = ""
    qr_scene: int = 0
    qr_scene_str: str = ""
    remark: str = ""
    unionid: str = field(default="", repr=False)
    tag_ids: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Quota:
    """The calls of one API that this day allows, and how many are used."""

    daily_limit: int
    used: int
    remain: int


class ApiClient:
    """Calls the API of one account; threads may share it. Every method may raise ApiError.

    A refused token is renewed once and the call repeated once. A busy WeChat is asked twice more, if it was
    quick to say so. A path whose quota is used up is left alone until the quota's end, but for ten minutes at
    most.
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
        self._used_up: dict[str, tuple[int, datetime]] = {}

    def refresh_token(self) -> None:
        """Have the access token renewed if it nears its end; without a secret there is none."""
        if self.account.secret:
            self._token.current()

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
            raise unusable("qrcode/create")
        if not is_permanent and (not isinstance(seconds, int) or seconds <= 0):
            raise unusable("qrcode/create")
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
            raise unusable("showqrcode", status=answer.status)
        return answer.content

    def send_service_message(self, openid: str, reply: Reply) -> None:
        """Send a message to a person; WeChat allows it for a while after they did something.

        ValueError for a Transfer.
        """
        self._post(SERVICE_MESSAGE, service_message(openid, reply))

    def create_tag(self, name: str) -> Tag:
        """Make a tag; an account has at most 100."""
        tag = self._post("tags/create", {"tag": {"name": name}}).get("tag")
        return _tag(tag, call="tags/create")

    def tags(self) -> list[Tag]:
        """Return all tags of the account, WeChat's own as well."""
        return [_tag(tag, call="tags/get") for tag in _list(self._get("tags/get"), "tags", call="tags/get")]

    def rename_tag(self, tag_id: int, name: str) -> None:
        """Give a tag another name."""
        self._post("tags/update", {"tag": {"id": tag_id, "name": name}})

    def delete_tag(self, tag_id: int) -> None:
        """Delete a tag; its followers lose it."""
        self._post("tags/delete", {"tag": {"id": tag_id}})

    def tag_followers(self, tag_id: int, openids: Sequence[str]) -> None:
        """Give a tag to at most 50 followers."""
        self._post("tags/members/batchtagging", {"openid_list": list(openids), "tagid": tag_id})

    def untag_followers(self, tag_id: int, openids: Sequence[str]) -> None:
        """Take a tag from at most 50 followers."""
        self._post("tags/members/batchuntagging", {"openid_list": list(openids), "tagid": tag_id})

    def tags_of(self, openid: str) -> list[int]:
        """Return the ids of a follower's tags."""
        call = "tags/getidlist"
        return list(_numbers(self._post(call, {"openid": openid}).get("tagid_list"), call=call))

    def user_info(self, openid: str) -> UserInfo:
        """Return what WeChat tells about a person."""
        told = self._get("user/info", openid=openid, lang="zh_CN")
        if told.get("subscribe") not in (0, 1):
            raise unusable("user/info")
        return UserInfo(
            is_following=told["subscribe"] == 1,
            subscribed_at=_number(told, "subscribe_time"),
            subscribe_scene=_text(told, "subscribe_scene"),
            qr_scene=_number(told, "qr_scene"),
            qr_scene_str=_text(told, "qr_scene_str"),
            remark=_text(told, "remark"),
            unionid=_text(told, "unionid"),
            tag_ids=_numbers(told.get("tagid_list") or [], call="user/info"),
        )

    def user_summary(self, first: date, last: date) -> list[UserDay]:
        """Return how many followed and left, by day and source; seven days at most, before today."""
        call = "/datacube/getusersummary"
        told = self._post(call, {"begin_date": first.isoformat(), "end_date": last.isoformat()})
        try:
            return [user_day(line) for line in _list(told, "list", call=call)]
        except ValueError:
            raise unusable(call) from None

    def menu(self) -> Data | None:
        """Return the account's menu as it was last pushed, None when there is none that a program made."""
        try:
            menu = self._get("menu/get").get("menu")
        except ApiError as error:
            if error.errcode == _NO_MENU:
                return None
            raise
        if not isinstance(menu, dict) or not isinstance(menu.get("button"), list):
            raise unusable("menu/get")
        return menu

    def create_menu(self, menu: Mapping[str, object]) -> None:
        """Replace the account's menu; phones show the new one within some minutes."""
        self._post("menu/create", menu)

    def callback_ips(self) -> tuple[str, ...]:
        """Return the addresses and networks that callbacks come from."""
        call = "getcallbackip"
        return tuple(str(address) for address in _list(self._get(call), "ip_list", call=call))

    def check_callback(self) -> Data:
        """Let WeChat look for the callback's server; returns its findings under `dns` and `ping`."""
        return self._post("callback/check", {"action": "all", "check_operator": "DEFAULT"})

    def quota(self, path: str) -> Quota:
        """Return what is left of today's calls of a path, as in `qrcode/create`."""
        told = self._post("openapi/quota/get", {"cgi_path": f"/cgi-bin/{path}"}).get("quota")
        if not isinstance(told, dict):
            raise unusable("openapi/quota/get")
        limit, used, remain = (_number(told, name) for name in ("daily_limit", "used", "remain"))
        return Quota(daily_limit=limit, used=used, remain=remain)

    def clear_quota(self) -> None:
        """Let all daily calls begin anew; allowed ten times a month."""
        self._post("clear_quota", {"appid": self.account.appid})
        self._used_up.clear()

    def _get(self, path: str, **query: str) -> Data:
        return self._call("GET", path, query=query)

    def _post(self, path: str, body: Mapping[str, object]) -> Data:
        return self._call("POST", path, body=to_json(body))

    def _call(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Data:
        """Return the answer of a call that succeeded, with a fresh token if the first was refused."""
        self._check_breaker(path)
        token = self._fetched(self._token.current)
        answer = self._ask(method, path, query={**(query or {}), "access_token": token}, body=body)
        if answer.get("errcode") in TOKEN_REFUSED:
            token = self._fetched(partial(self._token.refused, token))
            answer = self._ask(method, path, query={**(query or {}), "access_token": token}, body=body)
        errcode = answer.get("errcode", 0)
        if errcode:
            error = error_for(errcode, answer.get("errmsg"), call=path, now=self._now())
            if isinstance(error, QuotaError):
                self._used_up[path] = (errcode, min(error.ends_at, self._now() + _LONGEST_SILENCE))
            raise error
        return answer

    def _fetched(self, fetch: Callable[[], str]) -> str:
        """Return a token; where there is none the call itself has not been sent."""
        try:
            return fetch()
        except UnreachableError as error:
            error.was_sent = False
            raise

    def _check_breaker(self, path: str) -> None:
        errcode, until = self._used_up.get(path, (0, None))
        now = self._now()
        # An end further ahead was noted while the clock was.
        if until is not None and now < until <= now + _LONGEST_SILENCE:
            raise error_for(errcode, None, call=path, now=now)
        self._used_up.pop(path, None)

    def _ask(self, method: str, path: str, *, query: Mapping[str, str], body: bytes | None) -> Data:
        url = f"{self.account.api_base}{path if path.startswith('/') else f'/cgi-bin/{path}'}"
        ends_at = self._now() + _LAST_TRY
        for pause in (*_BUSY_PAUSES, None):
            started = clock.monotonic()
            answer = read_answer(self._http, method, url, call=path, query=query, body=body)
            took = 1000 * (clock.monotonic() - started)
            log.info("asked WeChat for %s: errcode %s in %.0f ms", path, answer.get("errcode", 0), took)
            if answer.get("errcode") != -1 or pause is None:
                break
            if self._now() + timedelta(seconds=pause) > ends_at:
                break
            self._sleep(pause)
        return answer


def _tag(told: object, *, call: str) -> Tag:
    if not isinstance(told, dict) or not isinstance(told.get("id"), int):
        raise unusable(call)
    return Tag(tag_id=told["id"], name=_text(told, "name"), count=_number(told, "count"))


def _list(answer: Data, name: str, *, call: str) -> list[Any]:
    value = answer.get(name)
    if not isinstance(value, list):
        raise unusable(call)
    return value


def _numbers(told: object, *, call: str) -> tuple[int, ...]:
    if not isinstance(told, list):
        raise unusable(call)
    return tuple(number for number in told if isinstance(number, int))


def _text(told: Data, name: str) -> str:
    value = told.get(name)
    return value if isinstance(value, str) else ""


def _number(told: Data, name: str) -> int:
    value = told.get(name)
    return value if isinstance(value, int) else 0


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
