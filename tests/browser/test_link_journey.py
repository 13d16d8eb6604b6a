"""Two windows: an account of the shop is linked to a WeChat, from either side, and the link is ended."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.windows import Phone, Shop

pytestmark = pytest.mark.timeout(180)

Keep = Callable[[Page, str], None]
Open = Callable[..., tuple[Shop, Phone]]

NO_GOOD = "这个二维码无效，或者已经失效"


def link(shop: Shop, phone: Phone, name: str = "Ailin") -> str:
    """Link somebody; return the ticket of the code."""
    shop.press("link")
    ticket = shop.ticket
    phone.scan(ticket, name)
    phone.say(phone.asked_number)
    expect(shop.linking).to_have_attribute("data-state", "linked")
    return ticket


@pytest.mark.parametrize(("width", "locale"), [(1280, "zh-CN"), (390, "en-GB")])
def test_stranger_scans_confirms_and_is_linked(windows: Open, keep: Keep, *, width: int, locale: str) -> None:
    shop, phone = windows(width=width, locale=locale)
    shop.sign_in()
    keep(shop.page, f"journey-link-none-{locale}-{width}")
    shop.press("link")
    keep(shop.page, f"journey-link-code-{locale}-{width}")

    phone.scan(shop.ticket, "Bo")

    number = phone.asked_number
    expect(shop.linking).to_have_attribute("data-state", "claimed")
    keep(shop.page, f"journey-link-claimed-{locale}-{width}")
    phone.say(number)
    expect(phone.last).to_contain_text("Linked!" if locale.startswith("en") else "绑定成功")
    expect(shop.linking).to_have_attribute("data-state", "linked")
    keep(shop.page, f"journey-link-linked-{locale}-{width}")
    keep(phone.page, f"journey-link-phone-{locale}-{width}")
    assert shop.fits() and phone.fits()


def test_wrong_number_links_nothing(windows: Open) -> None:
    shop, phone = windows()
    shop.sign_in()
    shop.press("link")
    phone.scan(shop.ticket, "Ailin")
    number = phone.asked_number

    phone.say(str((int(number) - 999) % 9000 + 1000))

    phone.wait_for_answers()
    expect(shop.linking).to_have_attribute("data-state", "claimed")
    phone.say(number)
    expect(shop.linking).to_have_attribute("data-state", "linked")


def test_second_person_learns_nothing_and_is_not_linked(windows: Open) -> None:
    shop, phone = windows()
    shop.sign_in()
    shop.press("link")
    ticket = shop.ticket
    phone.scan(ticket, "Ailin")
    number = phone.asked_number

    phone.scan(ticket, "Bo")
    expect(phone.last).to_contain_text(NO_GOOD)
    phone.say(number)
    phone.wait_for_answers()

    expect(shop.linking).to_have_attribute("data-state", "claimed")


def test_cancelled_and_expired_codes_link_nobody(windows: Open, keep: Keep) -> None:
    shop, phone = windows()
    shop.sign_in()
    shop.press("link")
    phone.scan(shop.ticket, "Ailin")
    number = phone.asked_number
    shop.press("cancel")
    expect(shop.linking).to_have_attribute("data-state", "none")
    phone.say(number)
    phone.wait_for_answers()

    shop.press("link")
    expired = shop.ticket
    shop.dev.expire("link")
    expect(shop.linking).to_have_attribute("data-state", "ended")
    keep(shop.page, "journey-link-ended")
    phone.scan(expired, "Ailin")

    expect(phone.last).to_contain_text(NO_GOOD)
    expect(shop.linking).to_have_attribute("data-state", "ended")


def test_link_ends_from_either_side(windows: Open) -> None:
    shop, phone = windows()
    shop.sign_in()
    link(shop, phone)

    phone.say("解绑")
    expect(phone.last).to_contain_text("（解绑 ")
    phone.say(re.findall(r"解绑 \d{4}", phone.last.inner_text())[0])
    expect(phone.last).to_contain_text("已经解除绑定")
    expect(shop.linking).to_have_attribute("data-state", "none")

    old = link(shop, phone)
    shop.press("unlink")
    expect(shop.linking).to_have_attribute("data-state", "none")
    phone.scan(old, "Ailin")
    expect(phone.last).to_contain_text(NO_GOOD)
    phone.say("解绑")
    expect(phone.last).to_contain_text("还没有绑定")


def test_account_is_linked_to_one_person_at_a_time(windows: Open) -> None:
    shop, phone = windows()
    shop.sign_in()
    shop.press("link")
    first = shop.ticket
    phone.scan(first, "Ailin")
    phone.say(phone.asked_number)
    expect(shop.linking).to_have_attribute("data-state", "linked")

    phone.scan(first, "Ailin")

    expect(phone.last).to_contain_text("绑定成功")
    expect(shop.page.get_by_test_id("unlink")).to_have_count(1)


def test_person_begins_in_wechat_and_agrees_in_the_shop(windows: Open, keep: Keep) -> None:
    shop, phone = windows()
    shop.sign_in()
    phone.take("Ailin")
    phone.say("绑定")
    expect(phone.last).to_contain_text("点这里登录山间茶铺 Hillside Tea")

    page = phone.tap_link()

    page.wait_for_url(f"{shop.dev.shop}/login")
    page.get_by_test_id("login-demo").click()
    keep(page, "journey-link-offered")
    expect(shop.linking).to_have_attribute("data-state", "none")
    page.get_by_test_id("accept").click()
    expect(page.get_by_test_id("linking")).to_have_attribute("data-state", "linked")
    expect(shop.linking).to_have_attribute("data-state", "linked")
    phone.say("绑定")
    expect(phone.last).to_contain_text("已经绑定")


def test_person_from_wechat_may_decline(windows: Open) -> None:
    shop, phone = windows()
    shop.sign_in()
    phone.take("Ailin")
    phone.say("绑定")
    expect(phone.last).to_contain_text("点这里登录")
    page = phone.tap_link()
    page.get_by_test_id("login-demo").click()

    page.get_by_test_id("decline").click()

    expect(page.get_by_test_id("linking")).to_have_attribute("data-state", "none")
    expect(shop.linking).to_have_attribute("data-state", "none")


def test_made_up_person_of_a_snapshot_page_is_turned_away(windows: Open, keep: Keep) -> None:
    shop, phone = windows()
    phone.take("Ailin")
    phone.say("绑定")
    expect(phone.last).to_contain_text("点这里登录")
    phone.trouble(snapshot_page=True)

    page = phone.tap_link()

    page.wait_for_url(f"{shop.dev.bot}/link/callback**")
    keep(page, "journey-link-snapshot")
    phone.trouble(snapshot_page=False)
    expect(page.locator("main")).to_contain_text("使用完整服务")
