"""Two windows, a shop's and a phone's: an order is bound to whoever scans its code first."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.windows import Phone, Shop

pytestmark = pytest.mark.timeout(180)

Keep = Callable[[Page, str], None]
Open = Callable[..., tuple[Shop, Phone]]

NO_GOOD = "这个二维码无效，或者已经失效"


def order_number(shop: Shop) -> str:
    return re.findall(r"\d{8,}", shop.page.locator("h1").inner_text())[0]


@pytest.mark.parametrize(("width", "locale"), [(1280, "zh-CN"), (390, "en-GB")])
def test_stranger_scans_follows_and_has_the_order(
    windows: Open, keep: Keep, *, width: int, locale: str
) -> None:
    shop, phone = windows(width=width, locale=locale)
    shop.order("jasmine")
    expect(shop.binding).to_have_attribute("data-view", "waiting")
    keep(shop.page, f"journey-order-code-{locale}-{width}")

    ticket = shop.ticket
    phone.scan(ticket, "Bo")

    is_english, number = locale.startswith("en"), order_number(shop)
    bound = f"Order {number} is now in your WeChat" if is_english else f"订单 {number} 已经绑定到您的微信"
    expect(phone.last).to_contain_text(bound)
    expect(phone.last).to_contain_text("¥39.00")
    expect(shop.binding).to_have_attribute("data-view", "bound")
    keep(shop.page, f"journey-order-bound-{locale}-{width}")
    keep(phone.page, f"journey-order-phone-{locale}-{width}")
    shop.press("pay")
    expect(shop.page.get_by_test_id("order-state")).to_have_text(re.compile("已付款|Paid"))
    expect(phone.last).to_have_text(re.compile(f"订单 {number} 付款成功|Order {number} is paid"))
    expect(phone.page.get_by_test_id("service-message")).to_be_visible()
    assert shop.fits() and phone.fits()
    phone.scan(ticket, "Bo")
    expect(phone.last).to_contain_text("State: paid" if is_english else "状态：已付款")


def test_second_person_is_told_and_changes_nothing(windows: Open) -> None:
    shop, phone = windows()
    shop.order("longjing")
    ticket = shop.ticket
    phone.scan(ticket, "Ailin")
    expect(shop.binding).to_have_attribute("data-view", "bound")

    phone.scan(ticket, "Bo")
    expect(phone.last).to_contain_text(NO_GOOD)
    phone.scan(ticket, "Ailin")
    expect(phone.last).to_contain_text(f"订单 {order_number(shop)} 已经绑定到您的微信")

    expect(shop.binding).to_have_attribute("data-view", "bound")


def test_expired_code_binds_nothing_and_a_new_one_does(windows: Open, keep: Keep) -> None:
    shop, phone = windows()
    shop.order("gaiwan")
    expired = shop.ticket
    shop.dev.expire("order", order_number(shop))

    expect(shop.binding).to_have_attribute("data-view", "expired")
    keep(shop.page, "journey-order-expired")
    phone.scan(expired, "Ailin")
    expect(phone.last).to_contain_text(NO_GOOD)

    shop.press("code")
    expect(shop.binding).to_have_attribute("data-view", "waiting")
    phone.scan(shop.ticket, "Ailin")
    expect(shop.binding).to_have_attribute("data-view", "bound")


def test_cancelled_order_is_bound_by_nobody(windows: Open) -> None:
    shop, phone = windows()
    shop.order("longjing")
    ticket = shop.ticket

    shop.press("cancel")

    expect(shop.binding).to_have_attribute("data-view", "cancelled")
    phone.scan(ticket, "Ailin")
    expect(phone.last).to_contain_text(NO_GOOD)
    expect(shop.binding).to_have_attribute("data-view", "cancelled")


def test_unbound_order_can_be_bound_by_somebody_else(windows: Open) -> None:
    shop, phone = windows()
    shop.order("longjing")
    phone.scan(shop.ticket, "Ailin")
    expect(shop.binding).to_have_attribute("data-view", "bound")

    shop.press("release")
    expect(shop.binding).to_have_attribute("data-view", "released")
    shop.press("code")
    phone.scan(shop.ticket, "Bo")

    expect(phone.last).to_contain_text("已经绑定到您的微信")
    expect(shop.binding).to_have_attribute("data-view", "bound")


def test_shorter_code_replaces_the_longer_one(windows: Open) -> None:
    shop, phone = windows()
    shop.order("longjing")
    first = shop.ticket

    shop.press("code-short")

    expect(shop.page.get_by_test_id("qr")).not_to_have_attribute("data-ticket", first)
    expect(shop.page.locator("[data-seconds]")).to_have_text(re.compile(r"^(1:00|0:\d\d) "))
    phone.scan(first, "Ailin")
    expect(phone.last).to_contain_text(NO_GOOD)
    expect(shop.binding).to_have_attribute("data-view", "waiting")


def test_what_passed_between_shop_and_bot_can_be_seen(windows: Open) -> None:
    shop, phone = windows()
    shop.order("longjing")
    phone.scan(shop.ticket, "Ailin")
    expect(shop.binding).to_have_attribute("data-view", "bound")

    shop.page.get_by_test_id("behind").locator("summary").click()

    behind = shop.page.get_by_test_id("behind")
    expect(behind).to_contain_text("POST /claims · 201")
    # The page does not follow what comes from the bot a moment later.
    told = f"claim.claimed · order · {order_number(shop)}"
    give_up_at = time.monotonic() + 60
    while told not in (behind.text_content() or "") and time.monotonic() < give_up_at:
        shop.page.wait_for_timeout(1000)
        shop.page.reload()
    expect(behind).to_contain_text(told)
    assert shop.page.evaluate("document.getElementById('behind').open"), "it stays open"
