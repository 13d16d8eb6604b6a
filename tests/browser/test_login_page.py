"""The login page in a real browser: a site sends it there, and a person with a phone lets it in."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from tests.services import fresh_database_url
from wxbot.db.business import claims
from wxbot.emulator.threaded import Running
from wxbot.kits import login
from wxbot.testing import Wx

STATE = "a-state-of-the-shop"
Keep = Callable[[Page, str], None]


class Desk:
    """A site, the bot that serves it, and windows to look at both."""

    def __init__(self, wx: Wx, url: str, done: str, browser: Browser) -> None:
        self.wx = wx
        self.url = url
        self.done = done
        self.wrong: list[str] = []
        self._browser = browser
        self._contexts: list[BrowserContext] = []

    def open(self, **options: Any) -> Page:
        """Open the login page in a browser without cookies."""
        options = {"viewport": {"width": 1100, "height": 820}, "locale": "zh-CN", **options}
        context = self._browser.new_context(**options)
        self._contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("console", lambda line: self.wrong.append(line.text) if line.type == "error" else None)
        page.goto(f"{self.url}/login/?return_to={self.done}&state={STATE}")
        return page

    def scene(self) -> str:
        """Return the scene of the code that is shown."""
        query = select(claims.c.scene).where(claims.c.state == "open")
        with self.wx.bot.engine.connect() as connection:
            return str(connection.execute(query).scalar_one())

    def close(self) -> None:
        """Close all windows; nothing may have gone wrong in them."""
        for context in self._contexts:
            context.close()


@pytest.fixture
def desk(tmp_path: Path, browser: Browser) -> Iterator[Desk]:
    """A site behind the bot's login page; both on ports of their own."""
    shop = Flask("shop")

    @shop.get("/done")
    def done() -> str:
        return f"code {len(request.args['code'])} state {request.args['state']}"

    @shop.get("/favicon.ico")
    def icon() -> tuple[str, int]:
        return "", 204

    with Running(shop) as site:
        done_url = f"{site.url}/done"
        settings = {"plugins": {"login": {"site_name": "山茶书店", "return_to": [done_url]}}}
        wx = Wx(
            tmp_path, plugins=[login.plugin], overrides=settings, database_url=fresh_database_url(tmp_path)
        )
        with Running(wx.app) as bot:
            desk = Desk(wx, bot.url, done_url, browser)
            yield desk
            desk.close()
        wx.close()
    assert desk.wrong == []


def picture(page: Page) -> Any:
    """Return the code on the page, once it is there."""
    code = page.get_by_alt_text("登录用的二维码")
    expect(code).to_be_visible()
    expect(code).to_have_js_property("complete", True)
    return code


def test_a_person_lets_a_browser_in(desk: Desk, keep: Keep) -> None:
    page, ailin = desk.open(), desk.wx.user("Ailin")
    picture(page)
    keep(page, "login-waiting")

    ailin.scan(desk.scene())
    expect(page.get_by_text("已扫码，还差一步")).to_be_visible()
    expect(page.locator("#number")).to_have_text(re.compile(r"\d{4}"))
    keep(page, "login-scanned")
    ailin.say(page.locator("#number").inner_text())

    page.wait_for_url("**/done?**")
    expect(page.locator("body")).to_have_text(f"code 54 state {STATE}")


def test_who_says_no_leaves_the_browser_outside(desk: Desk, keep: Keep) -> None:
    page, ailin = desk.open(color_scheme="dark"), desk.wx.user("Ailin")
    picture(page)
    ailin.scan(desk.scene())
    expect(page.get_by_text("已扫码，还差一步")).to_be_visible()

    ailin.say("不是我")

    expect(page.get_by_text("这次登录已取消")).to_be_visible()
    keep(page, "login-cancelled-dark")
    page.get_by_role("button", name="换一个二维码").click()
    picture(page)
    expect(page.get_by_text("请用微信扫一扫")).to_be_visible()


def test_without_a_stream_the_page_asks(desk: Desk) -> None:
    streams = desk.wx.app.extensions["wxbot.streams"]
    taken = [streams.open("state", lambda: None) for _ in range(streams.free)]
    page, ailin = desk.open(), desk.wx.user("Ailin")
    picture(page)
    ailin.scan(desk.scene())
    expect(page.get_by_text("已扫码，还差一步")).to_be_visible()
    ailin.say(page.locator("#number").inner_text())

    page.wait_for_url("**/done?**")

    for each in taken:
        each.close()
    desk.wrong = [line for line in desk.wrong if "503" not in line]  # the browser notes the refused stream


def test_a_second_window_of_the_same_browser_takes_over(desk: Desk) -> None:
    first = desk.open()
    picture(first)
    second = first.context.new_page()
    second.goto(first.url)
    picture(second)

    expect(first.get_by_text("这次登录已取消")).to_be_visible()
    first.get_by_role("button", name="换一个二维码").click()

    expect(first.get_by_text("登录页在别处又打开了")).to_be_visible()
    expect(picture(second)).to_be_visible()
    desk.wrong = [line for line in desk.wrong if "403" not in line]


def test_the_page_fits_a_phone_and_speaks_english(desk: Desk, keep: Keep) -> None:
    page = desk.open(viewport={"width": 320, "height": 640}, locale="en-GB")

    expect(page.get_by_alt_text("The QR code to log in with")).to_be_visible()
    expect(page.get_by_text(re.compile(r"good for \d{2,3} more seconds"))).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth") == 320
    keep(page, "login-narrow-english")
    page.get_by_role("link", name="中文").click()
    expect(page.get_by_text("请用微信扫一扫")).to_be_visible()


def test_a_wrong_address_is_explained(desk: Desk, keep: Keep) -> None:
    page = desk.open()
    page.goto(f"{desk.url}/login/?return_to=//evil.test&state={STATE}")

    expect(page.get_by_text("这个登录地址不对")).to_be_visible()
    keep(page, "login-refused")
    desk.wrong = [line for line in desk.wrong if "400" not in line]
