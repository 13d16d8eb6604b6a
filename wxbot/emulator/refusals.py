"""WeChat's error codes as this emulator gives them, and the one exception that carries them."""

from collections.abc import Mapping

MESSAGES = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40007: "invalid media_id",
    40008: "invalid message type",
    40013: "invalid appid",
    40014: "invalid access_token",
    40016: "invalid button size",
    40017: "invalid button type",
    40018: "invalid button name size",
    40019: "invalid button key size",
    40020: "invalid button url size",
    40023: "invalid sub button size",
    40029: "invalid code",
    40030: "invalid refresh_token",
    40032: "invalid openid list size",
    40033: "invalid charset. please check your request, if include \\uxxxx will create fail!",
    40052: "invalid action name",
    40053: "invalid action info, please check document",
    40066: "invalid url",
    40125: "invalid appsecret",
    40163: "code been used",
    40164: "invalid ip {0} ipv6 ::ffff:{0}, not in whitelist",
    41001: "access_token missing",
    41002: "appid missing",
    41003: "refresh_token missing",
    41004: "appsecret missing",
    41008: "missing code",
    42001: "access_token expired",
    42002: "refresh_token expired",
    43002: "require POST method",
    43004: "require subscribe",
    43019: "user is on the blacklist",
    44002: "empty post data",
    44003: "empty news data",
    44004: "empty content",
    40201: "callback url not set",
    40202: "invalid action",
    40203: "invalid check_operator",
    45002: "content size out of limit",
    45008: "too many articles",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    45015: "response out of time limit or subscription is canceled",
    45029: "qrcode count out of limit",
    45047: "out of response count limit",
    45056: "too many tag now, no need to add new",
    45058: "can't modify sys tag",
    45059: "can not add tag to too many tags",
    45072: "invalid command",
    45080: "no exchange of messages in the last 30 seconds",
    45081: "typing already",
    45157: "invalid tag name",
    45158: "tag name too long",
    45159: "invalid tag id",
    45169: "an openid is being tagged by another call",
    45171: "partly failed",
    46003: "menu no exist",
    47001: "data format error",
    48001: "api unauthorized",
    48002: "user refuses messages",
    48006: "forbid to clear quota because of reaching the limit",
    49003: "not match openid with appid",
    50002: "user limited",
    50005: "user not follow",
    61500: "date format error",
    61501: "date range error",
    70000: "blocked for the protection of minors",
    76021: "cgi_path not found, please check",
}


class Refusal(Exception):
    """An API call that is answered with an error code; `errmsg` is the vendor's text without the `rid`.

    `more` is what else the answer holds.
    """

    def __init__(self, errcode: int, *details: str, more: Mapping[str, object] | None = None) -> None:
        self.errcode = errcode
        self.more = dict(more or {})
        self.errmsg = MESSAGES.get(errcode, "error").format(*details)
        super().__init__(f"{errcode} {self.errmsg}")
