"""WeChat's error codes as exceptions that tell the operator what to do.

No text here repeats what WeChat said: only the code, the refused address and the request's `rid` are taken.
"""

import re
from datetime import UTC, datetime, timedelta

from wxbot.clock import CHINA
from wxbot.errors import WxbotError

TOKEN_REFUSED = frozenset({40001, 40014, 42001})
CODE_REFUSED = frozenset({40029, 40163})
_RID = re.compile(r"rid:\s*([0-9a-f]{8}(?:-[0-9a-f]{8}){2})\b")
_ADDRESS = re.compile(r"invalid ip ([0-9A-Fa-f.:]{2,45})(?![0-9A-Fa-f.:])")

ADVICE = {
    -1: "WeChat is busy; try again in a moment",
    40001: "the access token or the AppSecret is not accepted; check `secret`, and that no other program "
    "fetches tokens of this account with the classic call",
    40002: "the grant type is wrong; this is a fault in wxbot",
    40003: "the openid belongs to another account or to somebody who does not follow",
    40013: "the AppID is unknown; check `appid` of the account",
    40014: "the access token is not accepted",
    40016: "the menu has more buttons than WeChat takes, or none",
    40017: "a menu button is of a type that this account may not use",
    40018: "the name of a menu button is empty or too long",
    40019: "the key of a menu button is empty or too long",
    40020: "the address of a menu button is empty or too long",
    40023: "a menu button has more than five others below it",
    40029: "the code is wrong or older than five minutes; the person has to open the page anew",
    40032: "a call takes at most 50 openids",
    40052: "the kind of QR code is unknown; this is a fault in wxbot",
    40053: "the scene is not accepted; use 1 to 64 characters of A-Z a-z 0-9 _ . : = - or a number in range",
    40054: "the address of a menu button is not accepted; use https:// and a domain of your own",
    40055: "the address of a menu button is not accepted; use https:// and a domain of your own",
    40125: "the AppSecret is wrong; check `secret` of the account, or reset it on mp.weixin.qq.com",
    40163: "the code was used before; the person has to open the page anew",
    40201: "no callback URL is set; enter it under server configuration on mp.weixin.qq.com",
    40243: "the AppSecret is frozen; unfreeze it on mp.weixin.qq.com",
    41001: "the access token is missing; this is a fault in wxbot",
    41002: "the AppID is missing; set `appid` of the account",
    41004: "the AppSecret is missing; set `secret` of the account",
    41008: "the code is missing; this is a fault in wxbot",
    42001: "the access token has expired",
    43002: "the call needs POST; this is a fault in wxbot",
    43004: "the person does not follow the account",
    43019: "the person is on the account's blacklist",
    44002: "the call was empty; this is a fault in wxbot",
    45002: "the message is too long; a text has at most 2048 bytes",
    45008: "a service message takes one article",
    45015: "too late to write to this person: one minute after a scan or follow, 48 hours after a message",
    45029: "the permanent QR codes of this kind are used up; use temporary ones",
    45047: "no more messages may be sent to this person until they write, scan or tap again",
    45056: "the account has 100 tags, which is all it may have; delete one",
    45058: "WeChat's own tags cannot be changed",
    45059: "the person has 20 tags, which is all one may have; take one away",
    45157: "the tag's name is taken or not accepted",
    45158: "the tag's name is too long; it has at most 30 characters",
    45159: "there is no such tag",
    45169: "the person is being tagged by another call; try again in a moment",
    46003: "the account has no menu that a program made",
    47001: "the call was not understood; this is a fault in wxbot",
    48006: "the quota was cleared 10 times this month, which is all that is allowed",
    49003: "the openid belongs to another account",
    50002: "the person's WeChat account is limited",
    50004: "this account may not fetch access tokens; see its notices on mp.weixin.qq.com",
    50005: "the person does not follow the account",
    50007: "the account is frozen; see its notices on mp.weixin.qq.com",
    61501: "WeChat tells of at most seven days at once, and only of days that are over",
    61024: "the AppID is that of a third-party platform; set the AppID of an Official Account",
    65301: "the account has no such menu",
    70000: "WeChat blocked the message to protect minors",
    89503: "the account's administrator must confirm the call; see the message on their phone",
    89506: "the account's administrator refused the call; ask them, and try again in 24 hours",
    89507: "the account's administrator refused the call; ask them, and try again in an hour",
}
_NOT_ALLOWED = {
    48001: "this kind of account may not make the call; QR codes need a verified service account (服务号)",
    48002: "the person refuses messages from the account",
    48004: "the account is barred from the call; see its notices on mp.weixin.qq.com",
}


class ApiError(WxbotError):
    """A call to WeChat's API that was not answered as asked.

    `errcode` is WeChat's code, None when there was none; `advice` says what to do; `call` is the path that
    was asked, without its query; `rid` is what WeChat's support asks for, if WeChat named it.
    """

    def __init__(self, errcode: int | None, *, call: str, advice: str, rid: str = "") -> None:
        self.errcode = errcode
        self.call = call
        self.advice = advice
        self.rid = rid
        code = "" if errcode is None else f" (errcode {errcode}{f', rid {rid}' if rid else ''})"
        super().__init__(f"{call}: {advice}{code}")


class TokenRefusedError(ApiError):
    """WeChat does not accept our access token, and a new one was of no help."""


class CodeRefusedError(ApiError):
    """The code that a browser brought from WeChat is wrong, too old (40029) or was used before (40163)."""


class NotAllowedError(ApiError):
    """The account may not make this call: codes 48001, 48002 and 48004."""


class BusyError(ApiError):
    """WeChat was busy (code -1) and stayed so when asked again. Nothing was done; it may be tried later."""


class TicketUnknownError(ApiError):
    """There is no image for a ticket: it is wrong, or its code has expired."""


class AddressNotAllowedError(ApiError):
    """Our server is not on the account's list of addresses (code 40164); `address` is what to enter there."""

    def __init__(self, address: str, *, call: str, rid: str = "") -> None:
        self.address = address
        advice = (
            f"the address {address or 'of this server'} is not on the account's IP whitelist; add it on "
            "mp.weixin.qq.com under basic settings and wait ten minutes"
        )
        super().__init__(40164, call=call, advice=advice, rid=rid)


class QuotaError(ApiError):
    """The calls of a day (45009) or minute (45011) are used up; `ends_at` (UTC) is when they begin anew."""

    def __init__(self, errcode: int, *, call: str, ends_at: datetime, rid: str = "") -> None:
        self.ends_at = ends_at
        span = "minute" if errcode == 45011 else "day"
        advice = f"the calls of this {span} are used up; they begin anew at {ends_at:%Y-%m-%d %H:%M:%S} UTC"
        super().__init__(errcode, call=call, advice=advice, rid=rid)


class UnreachableError(ApiError):
    """No usable answer came: no connection, no answer in time, or an answer that is not WeChat's.

    `was_sent` says whether the call may have acted nevertheless.
    """

    def __init__(self, reason: str, *, call: str, was_sent: bool) -> None:
        self.was_sent = was_sent
        super().__init__(None, call=call, advice=f"{reason}; is the network up, and api_base right?")


class BlockedError(ApiError):
    """The call was not made, because the ones before it failed; `ends_at` (UTC) is when the next one may be.

    `advice` repeats why they failed.
    """

    def __init__(self, because: str, *, call: str, ends_at: datetime) -> None:
        self.ends_at = ends_at
        self.because = because
        advice = f"not asked again before {ends_at:%Y-%m-%d %H:%M:%S} UTC, because: {because}"
        super().__init__(None, call=call, advice=advice)


_KINDS: dict[int, type[ApiError]] = {
    -1: BusyError,
    **dict.fromkeys(TOKEN_REFUSED, TokenRefusedError),
    **dict.fromkeys(CODE_REFUSED, CodeRefusedError),
}


def error_for(errcode: int, errmsg: object, *, call: str, now: datetime) -> ApiError:
    """Return the exception for an answer with an error code."""
    text = errmsg if isinstance(errmsg, str) else ""
    found = _RID.search(text)
    rid = found[1] if found else ""
    if errcode == 40164:
        address = _ADDRESS.search(text)
        return AddressNotAllowedError(address[1] if address else "", call=call, rid=rid)
    if errcode in {45009, 45011}:
        return QuotaError(errcode, call=call, ends_at=quota_ends_at(errcode, now), rid=rid)
    if errcode in _NOT_ALLOWED:
        return NotAllowedError(errcode, call=call, advice=_NOT_ALLOWED[errcode], rid=rid)
    advice = ADVICE.get(
        errcode, "WeChat refused the call; its list of global error codes explains the number"
    )
    return _KINDS.get(errcode, ApiError)(errcode, call=call, advice=advice, rid=rid)


def quota_ends_at(errcode: int, now: datetime) -> datetime:
    """Return when the quota that was used up begins anew: the next minute, or midnight in China."""
    if errcode == 45011:
        return now.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    day = now.astimezone(CHINA).replace(hour=0, minute=0, second=0, microsecond=0)
    return (day + timedelta(days=1)).astimezone(UTC)
