"""WeChat's error codes as this emulator gives them, and the one exception that carries them."""

MESSAGES = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40013: "invalid appid",
    40014: "invalid access_token",
    40016: "invalid button size",
    40017: "invalid button type",
    40018: "invalid button name size",
    40019: "invalid button key size",
    40020: "invalid button url size",
    40023: "invalid sub button size",
    40033: "invalid charset. please check your request, if include \\uxxxx will create fail!",
    40052: "invalid action name",
    40053: "invalid action info, please check document",
    40125: "invalid appsecret",
    40164: "invalid ip {0} ipv6 ::ffff:{0}, not in whitelist",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    42001: "access_token expired",
    43002: "require POST method",
    44002: "empty post data",
    40201: "callback url not set",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    45029: "qrcode count out of limit",
    46003: "menu no exist",
    47001: "data format error",
    48001: "api unauthorized",
    48006: "forbid to clear quota because of reaching the limit",
    76021: "cgi_path not found, please check",
}


class Refusal(Exception):
    """An API call that is answered with an error code; `errmsg` is the vendor's text without the `rid`."""

    def __init__(self, errcode: int, *details: str) -> None:
        self.errcode = errcode
        self.errmsg = MESSAGES.get(errcode, "error").format(*details)
        super().__init__(f"{errcode} {self.errmsg}")
