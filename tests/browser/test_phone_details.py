"""What the phone page shows of a person, the pages that messages and the menu open, and who opens them."""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from wxbot.emulator.threaded import Running
from wxbot.emulator.world import APPID, SECRET, World

Open = Callable[..., Page]
Keep = Callable[[Page, str], None]


def openid_of(world: World, name: str) -> str:
    return next(person.openid for person in world.people.values() if person.name.startswith(name))


def call(page: Page, world: World, path: str, body: Any) -> Any:
    """Call the API as the account's software does."""
    token, _ = world.tokens.issue_stable(world.clock.now())
    data = json.dumps(body, ensure_ascii=False).encode()
    return page.request.post(f"/cgi-bin/{path}?access_token={token}", data=data).json()


def authorize(phone: Running, bot: Running, scope: str = "snsapi_base", end: str = "#wechat_redirect") -> str:
    back = quote(f"{bot.url}/back", safe="")
    query = f"appid={APPID}&redirect_uri={back}&response_type=code&scope={scope}&state=abc123"
    return f"{phone.url}/connect/oauth2/authorize?{query}{end}"


def tapped(context: BrowserContext, link: Locator) -> Page:
    """Return the page that a link opens, once it has arrived."""
    with context.expect_page() as opened:
        link.click()
    opened.value.wait_for_load_state()
    return opened.value


def openid_brought_to(page: Page, phone: Running) -> str:
    """Exchange the code in a page's address, and return whose it is."""
    page.wait_for_url(re.compile(r"/back\?code="))
    code = re.findall(r"code=(\w+)&state=abc123$", page.url)[0]
    client = f"appid={APPID}&secret={SECRET}&grant_type=authorization_code"
    address = f"{phone.url}/sns/oauth2/access_token?{client}&code={code}"
    return str(json.loads(page.request.get(address).body())["openid"])


@pytest.mark.parametrize(("width", "locale"), [(1280, "zh-CN"), (390, "en-GB")])
def test_details_and_tags_are_those_of_the_api(
    open_page: Open, keep: Keep, world: World, *, width: int, locale: str
) -> None:
    page = open_page(width=width, height=844, locale=locale)
    bo = openid_of(world, "Bo")
    if width < 800:
        page.get_by_test_id("tab-people").click()
    page.get_by_test_id("person-Bo").click()
    code = world.mint("poster:1")
    page.request.post(f"/phone/api/people/{bo}/scan", data={"ticket": code.ticket, "follows": True})
    tag = call(page, world, "tags/create", {"tag": {"name": "老客户"}})["tag"]["id"]
    call(page, world, "tags/members/batchtagging", {"openid_list": [bo], "tagid": tag})

    page.get_by_test_id("more").click()
    page.get_by_test_id("details").click()

    sheet = page.get_by_test_id("details-sheet")
    expect(sheet).to_contain_text(bo)
    expect(sheet).to_contain_text("poster:1")
    expect(sheet.get_by_test_id("tags")).to_have_text("老客户")
    expect(sheet).to_contain_text(re.compile(r"3 条，还有 \d+ 秒|3 messages within \d+ s"))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    keep(page, f"phone-details-{locale}-{width}")
    world.clock.offset_seconds += 61
    expect(sheet).to_contain_text(re.compile("等对方扫码或发消息|not before the next scan"))


def test_link_opens_on_the_phone_of_who_taps_it(
    open_page: Open, world: World, phone: Running, echo_bot: Running
) -> None:
    page = open_page()
    page.get_by_test_id("text").fill(authorize(phone, echo_bot))
    page.get_by_test_id("send").click()
    link = page.get_by_test_id("bubble").first.locator("a")

    ailins = tapped(page.context, link)

    assert openid_brought_to(ailins, phone) == openid_of(world, "Ailin")
    page.get_by_test_id("person-Bo").click()
    page.get_by_test_id("follow-now").click()
    page.get_by_test_id("text").fill(authorize(phone, echo_bot))
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("bubble").nth(1)).to_be_visible()
    bos = tapped(page.context, page.get_by_test_id("bubble").nth(1).locator("a"))
    assert openid_brought_to(bos, phone) == openid_of(world, "Bo")


def test_menu_button_pushes_and_opens_its_page(
    open_page: Open, world: World, phone: Running, echo_bot: Running
) -> None:
    page = open_page()
    items = [{"type": "view", "name": "我的订单", "url": authorize(phone, echo_bot)}]
    menu = {"button": [{"type": "view", "name": "商城", "url": f"{echo_bot.url}/back"}]}
    menu["button"].append({"name": "更多", "sub_button": items})  # type: ignore[dict-item]
    assert call(page, world, "menu/create", menu)["errcode"] == 0

    mall = tapped(page.context, page.get_by_test_id("menu").get_by_text("商城"))
    page.get_by_test_id("menu").get_by_text("更多").click()
    orders = tapped(page.context, page.get_by_test_id("menu").get_by_text("我的订单"))

    assert mall.url == f"{echo_bot.url}/back"
    assert openid_brought_to(orders, phone) == openid_of(world, "Ailin")
    expect(page.get_by_text("点菜单打开了「我的订单」")).to_be_visible()


@pytest.mark.parametrize(("width", "locale"), [(1280, "zh-CN"), (390, "en-GB")])
def test_larger_scope_is_asked_for_and_may_be_refused(
    open_page: Open,
    keep: Keep,
    world: World,
    phone: Running,
    echo_bot: Running,
    *,
    width: int,
    locale: str,
) -> None:
    page = open_page(width=width, height=844, locale=locale)
    page.goto(authorize(phone, echo_bot, "snsapi_userinfo"))
    page.get_by_test_id("oauth-as-Bo").click()

    expect(page.get_by_test_id("oauth-ask")).to_contain_text("Bo 小博")
    keep(page, f"oauth-ask-{locale}-{width}")
    expect(page.get_by_test_id("oauth-refuse")).to_have_attribute("href", f"{echo_bot.url}/back?state=abc123")
    allowed = page.get_by_test_id("oauth-allow").get_attribute("href") or ""

    assert re.fullmatch(rf"{echo_bot.url}/back\?code=\w+&state=abc123", allowed)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_address_without_the_fragment_goes_nowhere(
    open_page: Open, world: World, phone: Running, echo_bot: Running
) -> None:
    page = open_page()
    page.get_by_test_id("text").fill(authorize(phone, echo_bot, end=""))
    page.get_by_test_id("send").click()

    opened = tapped(page.context, page.get_by_test_id("bubble").first.locator("a"))

    expect(opened.get_by_test_id("oauth-fault")).to_be_visible()
    assert opened.url.startswith(phone.url)


def test_snapshot_pages_are_switched_on_the_phone_page(
    open_page: Open, world: World, phone: Running, echo_bot: Running
) -> None:
    page = open_page()
    page.get_by_test_id("trouble-snapshot_page").check()
    expect(page.locator("#trouble-on")).to_be_visible()
    page.get_by_test_id("text").fill(authorize(phone, echo_bot))
    page.get_by_test_id("send").click()

    opened = tapped(page.context, page.get_by_test_id("bubble").first.locator("a"))

    assert openid_brought_to(opened, phone) not in world.people
