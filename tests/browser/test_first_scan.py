"""The first ten minutes: `wxbot dev`, the phone page, a scan, an edited handler, another scan."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.dev import STARTS_WITHIN_SECONDS, Dev

Open = Callable[..., Page]
Keep = Callable[[Page, str], None]


@pytest.fixture
def phone(dev: Dev) -> Dev:
    """Let `open_page` open the phone page of `wxbot dev`."""
    return dev


def scan(page: Page, scene: str) -> None:
    page.locator(f"[data-scene='{scene}']").get_by_test_id("scan").click()


def test_stranger_and_follower_reach_the_handler_and_its_edit(
    open_page: Open, keep: Keep, phone: Dev
) -> None:
    page = open_page()
    bubbles = page.get_by_test_id("bubble")

    scan(page, "vip")
    expect(bubbles).to_have_text(["会员您好，欢迎再次光临！"])
    page.get_by_test_id("person-Bo").click()
    scan(page, "vip")
    page.get_by_test_id("sheet-follow").click()
    expect(bubbles.last).to_have_text(re.compile("欢迎加入会员"))
    scan(page, "poster:1001")
    expect(bubbles.last).to_have_text(re.compile("您扫的是 1001 号海报"))
    page.get_by_test_id("text").fill("帮助")
    page.get_by_test_id("text").press("Enter")
    expect(bubbles.last).to_have_text(re.compile("您可以"))
    page.get_by_text("营业时间", exact=True).click()
    expect(bubbles.last).to_have_text(re.compile("每天 9:00–21:00"))
    page.locator("[data-scene^='ord:']").get_by_test_id("scan").click()
    expect(bubbles.last).to_contain_text("示例小店 · 订单 1001")
    keep(page, "first-scan")

    welcome = phone.folder / "handlers" / "welcome.py"
    welcome.write_text(welcome.read_text().replace("欢迎再次光临", "今天也请多关照"))
    give_up_at = time.monotonic() + STARTS_WITHIN_SECONDS
    while "今天也请多关照" not in (bubbles.last.text_content() or ""):
        assert time.monotonic() < give_up_at
        scan(page, "vip")
        page.wait_for_timeout(1000)  # the same person's scans within one second are one event

    page.get_by_test_id("more").click()
    page.get_by_test_id("unfollow").click()
    expect(page.get_by_test_id("person-Bo").get_by_test_id("state")).to_have_text("已取消关注")
