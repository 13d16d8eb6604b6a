"""Two windows: somebody signs in by scanning and typing the number that their own browser shows."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.windows import Phone, Shop

pytestmark = pytest.mark.timeout(180)

Keep = Callable[[Page, str], None]
Open = Callable[..., tuple[Shop, Phone]]


EXPIRED, CANCELLED = "二维码已经失效", "这次登录已取消"
NO_GOOD = "这个登录二维码无效，或者已经失效"


def begin(shop: Shop) -> None:
    """Go to the bot's login page, and wait for its code."""
    shop.page.goto(f"{shop.dev.shop}/login")
    shop.press("login-wechat")
    shop.page.wait_for_url(f"{shop.dev.bot}/login/**")
    expect(shop.page.locator("#picture")).to_be_visible()


def shown_number(shop: Shop) -> str:
    """Return the number that the login page shows once somebody has scanned."""
    number = shop.page.locator("#number")
    expect(number).to_have_text(re.compile(r"^\d{4}$"))
    expect(number).to_be_visible()
    return number.inner_text()


def another(number: str) -> str:
    return str((int(number) - 999) % 9000 + 1000)


def test_scan_alone_signs_nobody_in_and_the_number_does(windows: Open, keep: Keep) -> None:
    shop, phone = windows()
    begin(shop)
    keep(shop.page, "journey-login-code")

    phone.scan(phone.newest_ticket("login:"), "Bo")

    expect(phone.last).to_contain_text("有人正在网页上登录「山间茶铺 Hillside Tea」")
    number = shown_number(shop)
    assert number not in phone.last.inner_text()
    keep(shop.page, "journey-login-number")
    shop.page.wait_for_timeout(1500)
    assert shop.page.url.startswith(shop.dev.bot), "nothing happens before the number is sent"
    phone.say(number)
    shop.page.wait_for_url(f"{shop.dev.shop}/settings")
    expect(shop.page.get_by_test_id("guest")).to_be_visible()
    expect(phone.last).to_contain_text("已确认")
    keep(shop.page, "journey-login-done")
    keep(phone.page, "journey-login-phone")


@pytest.mark.parametrize(("width", "locale"), [(1280, "zh-CN"), (390, "en-GB")])
def test_linked_person_signs_in_as_their_account(
    windows: Open, keep: Keep, *, width: int, locale: str
) -> None:
    shop, phone = windows(width=width, locale=locale)
    shop.sign_in()
    shop.press("link")
    phone.scan(shop.ticket, "Ailin")
    phone.say(phone.asked_number)
    expect(shop.linking).to_have_attribute("data-state", "linked")
    shop.press("logout")

    begin(shop)
    keep(shop.page, f"journey-login-code-{locale}-{width}")
    phone.scan(phone.newest_ticket("login:"), "Ailin")
    phone.say(shown_number(shop))

    shop.page.wait_for_url(f"{shop.dev.shop}/settings")
    expect(shop.page.get_by_test_id("hello")).to_have_text(re.compile("小林|Lin"))
    expect(shop.linking).to_have_attribute("data-state", "linked")
    assert shop.fits() and phone.fits()
    shop.press("unlink")


def test_wrong_numbers_call_the_login_off(windows: Open, keep: Keep) -> None:
    shop, phone = windows()
    begin(shop)
    phone.scan(phone.newest_ticket("login:"), "Ailin")
    number = shown_number(shop)

    for left in (2, 1):
        phone.say(another(number))
        expect(phone.last).to_contain_text(f"还可以试 {left} 次")
    phone.say(another(number))

    expect(phone.last).to_contain_text("这次登录已取消")
    expect(shop.page.get_by_text(CANCELLED)).to_be_visible()
    keep(shop.page, "journey-login-cancelled")
    phone.say(number)
    phone.wait_for_answers()
    assert shop.page.url.startswith(shop.dev.bot)


def test_person_who_did_not_ask_calls_it_off(windows: Open) -> None:
    shop, phone = windows()
    begin(shop)
    phone.scan(phone.newest_ticket("login:"), "Ailin")
    number = shown_number(shop)

    phone.say("不是我")

    expect(phone.last).to_contain_text("这次登录已取消")
    expect(shop.page.get_by_text(CANCELLED)).to_be_visible()
    phone.say(number)
    phone.wait_for_answers()
    assert shop.page.url.startswith(shop.dev.bot)


def test_person_takes_a_confirmed_login_back_and_the_shop_ends_it(windows: Open) -> None:
    shop, phone = windows()
    begin(shop)
    phone.scan(phone.newest_ticket("login:"), "Bo")
    phone.say(shown_number(shop))
    shop.page.wait_for_url(f"{shop.dev.shop}/settings")

    phone.say("不是我")

    expect(shop.page.get_by_test_id("nav-login")).to_be_visible()
    expect(phone.last).to_contain_text("作废")
    shop.page.goto(f"{shop.dev.shop}/settings")
    expect(shop.page.get_by_test_id("login-wechat")).to_be_visible()


def test_second_person_cannot_confirm(windows: Open) -> None:
    shop, phone = windows()
    begin(shop)
    ticket = phone.newest_ticket("login:")
    phone.scan(ticket, "Ailin")
    number = shown_number(shop)

    phone.scan(ticket, "Bo")
    expect(phone.last).to_contain_text(NO_GOOD)
    phone.say(number)
    phone.wait_for_answers()

    assert shop.page.url.startswith(shop.dev.bot)
    expect(shop.page.locator("#number")).to_be_visible()


def test_expired_code_signs_nobody_in_and_a_new_one_does(windows: Open, keep: Keep) -> None:
    shop, phone = windows()
    begin(shop)
    old = phone.newest_ticket("login:")
    shop.dev.expire("login")

    expect(shop.page.get_by_text(EXPIRED)).to_be_visible()
    keep(shop.page, "journey-login-expired")
    phone.scan(old, "Ailin")
    expect(phone.last).to_contain_text(NO_GOOD)

    shop.page.locator("[data-refresh]:visible").click()
    expect(shop.page.locator("#left")).to_be_visible()
    phone.scan(phone.newest_ticket("login:"), "Ailin")
    phone.say(shown_number(shop))
    shop.page.wait_for_url(f"{shop.dev.shop}/settings")


def test_somebody_elses_return_address_signs_nobody_in(windows: Open) -> None:
    shop, phone = windows()
    begin(shop)
    phone.scan(phone.newest_ticket("login:"), "Ailin")
    with shop.page.expect_request(re.compile(r"/login/back\?")) as sent:
        phone.say(shown_number(shop))
    brought = sent.value.url
    shop.page.wait_for_url(f"{shop.dev.shop}/settings")

    victim, _ = windows()
    victim.page.goto(brought)

    expect(victim.page.get_by_test_id("login-failed")).to_be_visible()
    expect(victim.page.get_by_test_id("nav-login")).to_be_visible()
