"""The section `[plugins.order]`: what customers read, and where the site's own data come from."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    model_validator,
)

from wxbot.kits.languages import Bilingual
from wxbot.kits.order_facts import CANCELLED, UNPAID
from wxbot.kits.order_lookup import Lookup, function_named
from wxbot.kits.order_site import SiteLookup, check_secret
from wxbot.kits.texts import placeholders, web_address
from wxbot.settings import checks

_ABOUT = ("title", "amount", "state", "items", "url", "pay_url")
_OrderText = Annotated[str, AfterValidator(placeholders(*_ABOUT, always=("number",)))]
_PlainText = Annotated[str, AfterValidator(placeholders())]
_OptionalText = Annotated[str, AfterValidator(checks.visible_or_empty)]
_DETAILS = "{title}\n{items}\n金额：{amount}\n"
_STATES = {
    UNPAID: "待付款",
    "paid": "已付款",
    "shipped": "已发货",
    "done": "已完成",
    "refunded": "已退款",
    CANCELLED: "已取消",
}


def _site_address(value: str) -> str:
    if value and not web_address(value):
        raise ValueError("must be an address of the site, as in https://shop.example.com/wxbot/order")
    return value


_DETAILS_IN_ENGLISH = "{title}\n{items}\nTotal: {amount}\n"
_TO_THE_ORDER = '<a href="{url}">Open the order</a>'


class OrderConfig(Bilingual):
    """Texts and the lookup of the order kit; a line goes when all its placeholders are empty."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)

    english: ClassVar[Mapping[str, object]] = {
        "welcome": "Thanks for following!",
        "bound": "Order {number} is now in your WeChat.\n"
        f"{_DETAILS_IN_ENGLISH}State: {{state}}\n{_TO_THE_ORDER}",
        "unpaid": "Order {number} is now in your WeChat, and not paid yet.\n"
        f'{_DETAILS_IN_ENGLISH}<a href="{{pay_url}}">Pay now</a>\n{_TO_THE_ORDER}',
        "cancelled": f"Order {{number}} was cancelled; there is no need to scan.\n{_TO_THE_ORDER}",
        "gone": "Order {number} was not found; it may have been deleted. "
        "Please look at the site again, or write to us here.",
        "held": "This order is in somebody else’s WeChat. "
        "Please look there; if you have a question, write to us here.",
        "no_good": "This code is no good, or not any more. "
        "Please reload the page of the order and scan again.",
        "trouble": "We are busy, and the order was not bound. Please scan again in a little while.",
        "news_title": "Order {number}",
        "states": {
            UNPAID: "to be paid",
            "paid": "paid",
            "shipped": "on its way",
            "done": "complete",
            "refunded": "refunded",
            CANCELLED: "cancelled",
        },
    }

    reply: Literal["text", "news"] = "text"
    welcome: _OptionalText = "感谢关注！"
    bound: _OrderText = (
        f'订单 {{number}} 已经绑定到您的微信。\n{_DETAILS}状态：{{state}}\n<a href="{{url}}">查看订单</a>'
    )
    unpaid: _OrderText = (
        f"订单 {{number}} 已经绑定到您的微信，还没有付款。\n{_DETAILS}"
        '<a href="{pay_url}">去付款</a>\n<a href="{url}">查看订单</a>'
    )
    cancelled: _OrderText = '订单 {number} 已经取消，不用再扫码了。\n<a href="{url}">查看订单</a>'
    gone: _OrderText = "没有查到订单 {number}，可能已经删除。请回到网站核对一下，也可以直接在这里留言。"
    held: _PlainText = "这个订单已经绑定了另一个微信。请用当时扫码的微信查看；有疑问的话，直接在这里留言。"
    no_good: _PlainText = "这个二维码无效，或者已经失效。请回到订单页面，刷新后再扫一次。"
    trouble: _PlainText = "系统忙，这次没有绑定成功。请过一会儿再扫一次。"
    news_title: _OrderText = "订单 {number}"
    news_image_url: str = ""
    states: dict[str, str] = Field(default=_STATES)
    lookup: Annotated[Callable[..., Any] | None, BeforeValidator(function_named)] = None
    lookup_url: Annotated[str, AfterValidator(_site_address)] = ""
    lookup_secret: SecretStr = SecretStr("")
    lookup_seconds: float = Field(2.0, ge=0.2, le=2.5, allow_inf_nan=False)
    _ask: Lookup | None = PrivateAttr(None)

    @property
    def ask(self) -> Lookup | None:
        """What knows more of an order than its claim does, if anything: the function, or the site."""
        return self._ask

    @model_validator(mode="after")
    def _one_lookup(self) -> "OrderConfig":
        if self.lookup is not None and self.lookup_url:
            raise ValueError("lookup and lookup_url are two ways to the same: set one of them")
        if self.lookup_url:
            check_secret(self.lookup_secret.get_secret_value())
            secret = self.lookup_secret.get_secret_value()
            self._ask = SiteLookup(self.lookup_url, secret, seconds=self.lookup_seconds)
        else:
            self._ask = self.lookup
        return self
