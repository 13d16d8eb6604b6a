"""The section `[plugins.login]`: where people may be sent back to, what they read, and for how long."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from wxbot.kits.languages import Bilingual
from wxbot.kits.order_lookup import function_named
from wxbot.kits.texts import placeholders
from wxbot.settings import checks

_HERE = {"localhost", "127.0.0.1", "::1"}


def _return_address(value: str) -> str:
    """Refuse what is no plain address of a page: what is asked for is compared with it as it is written."""
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("has an address that is no URL") from None
    if not host or not parts.path or re.search(r"[^!-~]|\\", value):
        raise ValueError("needs whole addresses with a path, as in https://shop.example.com/login/done")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _HERE):
        raise ValueError("has an address without https:// (http:// is for this machine only)")
    if parts.username is not None or parts.fragment or "#" in value:
        raise ValueError("has an address with a user name or with #: leave that out")
    if {"code", "state"} & set(re.findall(r"[?&]([^=&]*)", value)):
        raise ValueError("has an address with code or state in it, which are added for each login")
    return value


def _some(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        raise ValueError("is empty: list each address that a login may lead back to")
    return value


_ABOUT = ("device", "place", "time")
_Name = Annotated[str, AfterValidator(checks.visible_text), Field(max_length=32)]
_Address = Annotated[str, AfterValidator(_return_address)]
_Number = BeforeValidator(checks.not_a_switch)
_Plain = Annotated[str, AfterValidator(placeholders(always=("site",)))]
_About = Annotated[str, AfterValidator(placeholders(*_ABOUT, always=("site",)))]
_Asking = Annotated[str, AfterValidator(placeholders(*_ABOUT, always=("site", "digits")))]
_Wrong = Annotated[str, AfterValidator(placeholders(always=("site", "left")))]
_FACTS = "设备：{device}\n位置：{place}\n时间：{time}"


_FACTS_IN_ENGLISH = "Device: {device}\nPlace: {place}\nTime: {time}"


class LoginConfig(Bilingual):
    """Texts and limits of the login kit; a line of a text goes when all its placeholders are empty."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)

    english: ClassVar[Mapping[str, object]] = {
        "asking": f"Somebody is logging in to {{site}} in a browser.\n{_FACTS_IN_ENGLISH}\n"
        "If it is you: send the {digits}-digit number that the page shows.\n"
        "If it is not you: send “not me”, and tell nobody the number.",
        "confirmed": "Confirmed: the page is going on to {site}.\nIf it was not you, send “not me”.",
        "wrong": "This is not the number; {left} more to try. Please look at the login page.",
        "given_up": "This was not the number either: the login was called off. "
        "Please reload the page and scan again.",
        "called_off": "All right, this login was called off.",
        "no_good": "This login code is no good, or not any more. Please reload the page and scan again.",
        "trouble": "We are busy, and nothing has happened. Please try again in a moment.",
        "new_device": f"Your WeChat has just logged in to {{site}} on a device that is new to us.\n"
        f"{_FACTS_IN_ENGLISH}\nIf it was not you, send “not me” at once.",
        "revoked": "Your recent logins to {site} are void. Please look after your account there.",
    }

    site_name: _Name
    return_to: Annotated[tuple[_Address, ...], BeforeValidator(checks.listed), AfterValidator(_some)]
    seconds: Annotated[int, _Number] = Field(120, ge=60, le=300)
    digits: Annotated[int, _Number] = Field(4, ge=2, le=6)
    tries: Annotated[int, _Number] = Field(3, ge=1, le=5)
    notice: Literal["new", "always", "never"] = "new"
    revoke_hours: Annotated[int, _Number] = Field(24, ge=1, le=168)
    proxies: Annotated[int, _Number] = Field(0, ge=0, le=5)
    codes_a_minute: Annotated[int, _Number] = Field(20, ge=1, le=1000)
    place: Annotated[Callable[..., Any] | None, BeforeValidator(function_named)] = None

    asking: _Asking = (
        f"有人正在网页上登录「{{site}}」。\n{_FACTS}\n"
        "是您本人：请回复网页上显示的 {digits} 位数字。\n"
        "不是您：请回复“不是我”，也不要把数字告诉别人。"
    )
    confirmed: _Plain = "已确认，网页马上登录「{site}」。\n如果不是您本人操作，请回复“不是我”。"
    wrong: _Wrong = "数字不对，还可以试 {left} 次。请看登录网页上显示的数字。"
    given_up: _Plain = "数字一直不对，这次登录已取消。请刷新网页，重新扫码。"
    called_off: _Plain = "好的，这次登录已取消。"
    no_good: _Plain = "这个登录二维码无效，或者已经失效。请刷新网页，重新扫码。"
    trouble: _Plain = "系统忙，这次没有成功。请过一会儿再试一次。"
    new_device: _About = (
        f"您的微信刚刚在一台新设备上登录了「{{site}}」。\n{_FACTS}\n不是您本人？请马上回复“不是我”。"
    )
    revoked: _Plain = "收到。您最近在「{site}」的登录已经作废，请留意账号有没有异常。"
