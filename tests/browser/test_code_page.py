"""The page of a claim's code in a real browser: it follows the claim by itself, on any screen."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.services import fresh_database_url
from wxbot.app import kit_addresses
from wxbot.bindings.claim import Claim, Offer
from wxbot.bindings.linking import PAGE_DIGITS, number_of
from wxbot.emulator.threaded import Running
from wxbot.kits import link, order
from wxbot.testing import Wx

Keep = Callable[[Page, str], None]
DATA = {
    "title": "牛皮笔记本",
    "amount": "¥128.00",
    "state": "unpaid",
    "name": "李伟",
    "url": "https://shop.example.com/o/42",
    "pay_url": "https://shop.example.com/pay/42",
}


class Window:
    """The pages of a bot's claims, in windows in which nothing may go wrong."""

    def __init__(self, wx: Wx, url: str, browser: Browser) -> None:
        self.wx = wx
        self.wrong: list[str] = []
        self._url = url
        self._browser = browser

    def offer(self, purpose: str) -> Claim:
        """Make a claim."""
        return self.wx.bot.claims.make(Offer(account="default", purpose=purpose, subject="42", data=DATA))

    def open(self, claim: Claim, **options: Any) -> Page:
        """Open its page in a browser of its own."""
        page = self._browser.new_context(**{"locale": "zh-CN", **options}).new_page()
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("console", lambda line: self.wrong.append(line.text) if line.type == "error" else None)
        page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
        page.goto(f"{self._url}{kit_addresses(self.wx.bot).of(claim)}")
        return page


@pytest.fixture
def confirm() -> str:
    """Return how links are confirmed."""
    return "chat"


@pytest.fixture
def window(tmp_path: Path, browser: Browser, confirm: str) -> Iterator[Window]:
    """Return the pages of a bot with both kits."""
    plugins = [order.plugin, link.plugin]
    overrides = {"plugins": {"link": {"confirm": confirm}}}
    wx = Wx(tmp_path, plugins=plugins, overrides=overrides, database_url=fresh_database_url(tmp_path))
    with Running(wx.app) as bot:
        window = Window(wx, bot.url, browser)
        yield window
        for context in browser.contexts:
            context.close()
    wx.close()
    assert window.wrong == []


@pytest.mark.parametrize(
    ("locale", "width", "words"),
    [
        ("zh-CN", 1100, ("扫码绑定订单 42", "订单 42 已绑定", "去付款")),
        ("en", 360, ("Scan to bind order 42", "Order 42 is bound", "Pay now")),
    ],
)
def test_the_page_follows_the_scan_by_itself(
    window: Window, keep: Keep, locale: str, width: int, words: tuple[str, str, str]
) -> None:
    waits, done, pay = words
    claim = window.offer("order")
    page = window.open(claim, locale=locale, viewport={"width": width, "height": 760})
    expect(page.get_by_role("heading", level=1)).to_have_text(waits)
    expect(page.locator(".picture img")).to_have_js_property("naturalWidth", 430)
    keep(page, f"code-page-open-{locale}-{width}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    window.wx.user("ailin").scan(claim.scene)

    expect(page.get_by_role("heading", level=1)).to_have_text(done)
    expect(page.get_by_role("link", name=pay)).to_have_attribute("href", DATA["pay_url"])
    expect(page.locator(".picture")).to_have_count(0)
    keep(page, f"code-page-done-{locale}-{width}")


def test_linking_waits_for_the_number(window: Window, keep: Keep) -> None:
    claim = window.offer("link")
    page = window.open(claim, viewport={"width": 390, "height": 760})
    ailin = window.wx.user("ailin")
    expect(page.get_by_text("李伟")).to_be_visible()

    ailin.scan(claim.scene)
    expect(page.get_by_role("heading", level=1)).to_have_text("已扫码，等待确认")
    keep(page, "code-page-waiting")
    ailin.say(number_of(claim.id, ailin.openid))

    expect(page.get_by_role("heading", level=1)).to_have_text("微信已绑定")


@pytest.mark.parametrize("confirm", ["page"])
def test_the_number_can_be_typed_on_the_page(window: Window, keep: Keep) -> None:
    claim = window.offer("link")
    page = window.open(claim, viewport={"width": 390, "height": 760})
    ailin = window.wx.user("ailin")
    ailin.scan(claim.scene)
    expect(page.get_by_role("heading", level=1)).to_have_text("请输入微信里的数字")
    page.get_by_label("六位数字").fill("000000")
    page.get_by_role("button", name="确认绑定").click()
    expect(page.get_by_role("alert")).to_have_text("数字不对，请核对后再输入。")
    keep(page, "code-page-typing")

    page.get_by_label("六位数字").fill(number_of(claim.id, ailin.openid, digits=PAGE_DIGITS))
    page.get_by_role("button", name="确认绑定").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("微信已绑定")


def test_the_language_can_be_changed(window: Window) -> None:
    page = window.open(window.offer("order"))

    page.get_by_role("link", name="English").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Scan to bind order 42")
