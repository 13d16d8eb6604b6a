"""The section `[plugins.link]`: who may be bound to whom, how it is confirmed, and what people read."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, ConfigDict, ValidationError

from wxbot.bindings.bindings import Policy
from wxbot.kits.languages import Bilingual
from wxbot.kits.texts import placeholders, web_address
from wxbot.settings import checks

_ABOUT = ("site", "name")
_Asked = Annotated[str, AfterValidator(placeholders(always=(*_ABOUT, "number")))]
_Named = Annotated[str, AfterValidator(placeholders(always=_ABOUT))]
_Site = Annotated[str, AfterValidator(placeholders(always=("site",)))]
_Link = Annotated[str, AfterValidator(placeholders(always=("site", "url")))]
_List = Annotated[str, AfterValidator(placeholders(always=("site", "list")))]
_Optional = Annotated[str, AfterValidator(checks.visible_or_empty)]


def _must_ask(text: str) -> str:
    if "{number}" not in text:
        raise ValueError("must have {number} in it, with which the person confirms")
    return text


def _must_lead_on(text: str) -> str:
    if "{url}" not in text:
        raise ValueError("must have {url} in it, the address at which linking begins")
    return text


def _address(value: str) -> str:
    if value and not web_address(value):
        raise ValueError("must be an address of the site, as in https://shop.example.com/wechat/link")
    return value


class LinkConfig(Bilingual):
    """Policy and texts of the link kit."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)

    english: ClassVar[Mapping[str, object]] = {
        "welcome": "Thanks for following!",
        "ask": "This WeChat is about to be linked to the account “{name}” of {site}.\n"
        "If you are doing this yourself, send the number {number} to link it.\n"
        "If not, or if it is not your account, send nothing: nothing is linked then.",
        "ask_on_page": "This WeChat is about to be linked to the account “{name}” of {site}.\n"
        "If you are doing this yourself, type the number {number} into the page with the code.\n"
        "Tell nobody the number. If it is not your account, do nothing: nothing is linked then.",
        "bound": "Linked! This WeChat is now the account “{name}” of {site}.\nTo end that, send “unlink”.",
        "person_taken": "This WeChat is linked to another account of {site}. "
        "To change that, send “unlink” first, then scan again.",
        "user_taken": "This account is linked to another WeChat. "
        "To change that, unlink it in your account settings at {site} first, then scan again.",
        "no_good": "This code is no good, or not any more. "
        "Please go back to {site}, reload the page and scan again.",
        "begin": '<a href="{url}">Log in to {site} here</a>, and then link this WeChat.',
        "how_to": "Please open your account settings at {site} on a computer, and scan the code there.",
        "ask_unlink": "This WeChat is linked to {site}:\n{list}\nTo end that, send the words in brackets.",
        "unlinked": "Unlinked: the account “{name}” of {site}.",
        "not_bound": "This WeChat is linked to no account of {site}. Send “link” to begin.",
        "trouble": "We are busy, and nothing was changed. Please try again in a little while.",
    }

    policy: Policy = Policy.ONE_TO_ONE
    confirm: Literal["chat", "page", "none"] = "chat"
    site: Annotated[str, AfterValidator(checks.visible_text)] = "网站"
    login_url: Annotated[str, AfterValidator(_address)] = ""
    welcome: _Optional = "感谢关注！"
    ask: Annotated[_Asked, AfterValidator(_must_ask)] = (
        "您正在把这个微信绑定到{site}的账号「{name}」。\n"
        "如果是您本人在操作，请回复数字 {number} 完成绑定。\n"
        "如果不是，或者这不是您的账号，请不要回复：不确认就不会绑定。"
    )
    ask_on_page: Annotated[_Asked, AfterValidator(_must_ask)] = (
        "您正在把这个微信绑定到{site}的账号「{name}」。\n"
        "如果是您本人在操作，请在刚才扫码的网页上输入数字 {number} 完成绑定。\n"
        "不要把这个数字告诉任何人。如果这不是您的账号，不用理会：不输入就不会绑定。"
    )
    bound: _Named = "绑定成功！这个微信现在就是{site}的账号「{name}」。\n以后想解除，回复「解绑」就可以。"
    person_taken: _Site = "这个微信已经绑定了{site}的另一个账号。要换账号的话，请先回复「解绑」，再重新扫码。"
    user_taken: _Site = (
        "这个账号已经绑定了另一个微信。要换微信的话，请先在{site}的账号设置里解除绑定，再重新扫码。"
    )
    no_good: _Site = "这个二维码无效，或者已经失效。请回到{site}，刷新后再扫一次。"
    begin: Annotated[_Link, AfterValidator(_must_lead_on)] = (
        '<a href="{url}">点这里登录{site}</a>，登录后就能绑定这个微信。'
    )
    how_to: _Site = "请用电脑打开{site}的账号设置，用微信扫一扫上面的二维码，就能绑定这个微信。"
    ask_unlink: _List = "这个微信绑定了{site}的账号：\n{list}\n确定要解除的话，请回复括号里的文字。"
    unlinked: _Named = "已经解除绑定：{site}的账号「{name}」。"
    not_bound: _Site = "这个微信还没有绑定{site}的账号。回复「绑定」可以开始。"
    trouble: _Site = "系统忙，这次没有成功。请过一会儿再试一次。"


def policy_of(sections: Mapping[str, Mapping[str, Any]]) -> Policy:
    """Return the policy that the settings of the plugins name; faults in them are the registry's to tell."""
    try:
        return LinkConfig.model_validate(dict(sections.get("link", {}))).policy
    except ValidationError:
        return Policy.ONE_TO_ONE
