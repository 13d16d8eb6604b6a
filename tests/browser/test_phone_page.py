"""People scan, write and leave on the phone page, on a laptop and on a phone, in both languages."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from wxbot.emulator.world import World

Open = Callable[..., Page]
Keep = Callable[[Page, str], None]


def mint(page: Page, scene: str, kind: str = "QR_STR_SCENE") -> None:
    page.get_by_test_id("scene").fill(scene)
    page.get_by_test_id("kind").select_option(kind)
    page.get_by_test_id("create-code").click()
    expect(page.locator(f"[data-scene='{scene}'] img")).to_have_js_property("complete", True)


def scan(page: Page, scene: str) -> None:
    page.locator(f"[data-scene='{scene}']").get_by_test_id("scan").click()


def send_message(page: Page, world: World, **message: object) -> None:
    """Send Ailin a service message over the API; a `command` goes to the call that shows typing."""
    ailin = next(person for person in world.people.values() if person.name.startswith("Ailin"))
    token, _ = world.tokens.issue_stable(world.clock.now())
    call = "typing" if "command" in message else "send"
    data = {"touser": ailin.openid, **message}
    page.request.post(f"/cgi-bin/message/custom/{call}?access_token={token}", data=data)


def test_stranger_follows_scans_writes_and_leaves(open_page: Open, keep: Keep) -> None:
    page = open_page()
    bubbles = page.get_by_test_id("bubble")
    bo = page.get_by_test_id("person-Bo")
    mint(page, "vip")
    bo.click()

    scan(page, "vip")
    page.get_by_test_id("sheet-follow").click()
    expect(bubbles).to_have_text(["subscribe: qrscene_vip"])
    expect(bo.get_by_test_id("state")).to_have_text("已关注")

    scan(page, "vip")
    expect(bubbles).to_have_text(["subscribe: qrscene_vip", "SCAN: vip"])

    page.get_by_test_id("text").fill("几点关门？")
    page.get_by_test_id("text").press("Enter")
    expect(bubbles.nth(2)).to_have_text("几点关门？")
    expect(bubbles.nth(3)).to_have_text("text: 几点关门？")
    keep(page, "phone-conversation")

    page.get_by_test_id("more").click()
    page.get_by_test_id("unfollow").click()
    expect(bo.get_by_test_id("state")).to_have_text("已取消关注")
    expect(page.get_by_test_id("composer")).to_be_hidden()
    expect(bubbles).to_have_count(4)


def test_exchange_unfolds_into_the_documents(open_page: Open, keep: Keep) -> None:
    page = open_page()
    mint(page, "1001", "QR_LIMIT_SCENE")
    scan(page, "1001")

    exchange = page.get_by_test_id("exchange")
    expect(exchange).to_have_count(1)
    expect(exchange).to_have_text(re.compile(r"200 · \d+ ms · 第 1 次"))
    exchange.locator("summary").click()

    documents = page.get_by_test_id("xml")
    expect(documents.nth(0)).to_contain_text("<EventKey><![CDATA[1001]]></EventKey>")
    expect(documents.nth(1)).to_contain_text("<Content><![CDATA[SCAN: 1001]]></Content>")
    page.get_by_test_id("again").click()
    expect(exchange.nth(1)).to_contain_text("重复推送 · 回复相同")
    keep(page, "phone-exchange")


def test_text_of_a_person_is_never_markup(open_page: Open) -> None:
    page = open_page()
    evil = "<img src=x onerror=document.title='owned'>]]>"

    page.get_by_test_id("text").fill(evil)
    page.get_by_test_id("send").click()

    expect(page.get_by_test_id("bubble").first).to_have_text(evil)
    expect(page.get_by_test_id("entry").locator("img")).to_have_count(0)
    assert page.title() != "owned"


def test_trouble_brings_the_notice_and_its_reason(open_page: Open, keep: Keep) -> None:
    page = open_page()
    page.get_by_test_id("trouble-lost_answers").select_option("3")
    expect(page.locator("#trouble-on")).to_be_visible()

    page.get_by_test_id("text").fill("在吗")
    page.get_by_test_id("send").click()

    expect(page.get_by_test_id("fault")).to_have_text("该公众号提供的服务出现故障，请稍后再试")
    expect(page.get_by_test_id("exchange")).to_have_count(3)
    expect(page.get_by_test_id("exchange").first).to_contain_text("回复在路上丢了")
    keep(page, "phone-trouble")


def test_callback_url_is_verified_from_the_page(open_page: Open) -> None:
    page = open_page()

    page.get_by_test_id("verify").click()

    expect(page.get_by_test_id("verified")).to_contain_text("验证通过")


def test_expired_code_shows_a_sheet_and_pushes_nothing(open_page: Open) -> None:
    page = open_page()
    mint(page, "vip")
    page.request.post("/control/clock", data={"offset_seconds": 604800})

    expect(page.get_by_test_id("code")).to_contain_text("已过期")
    scan(page, "vip")

    expect(page.get_by_test_id("expired-sheet")).to_be_visible()
    expect(page.get_by_test_id("bubble")).to_have_count(0)


def test_person_and_codes_of_all_kinds_can_be_added(open_page: Open) -> None:
    page = open_page()

    page.get_by_label("新联系人的名字").fill("Dana")
    page.get_by_label("新联系人的名字").press("Enter")
    expect(page.get_by_test_id("person-Dana")).to_have_attribute("aria-current", "true")
    kinds = ("QR_SCENE", "QR_LIMIT_SCENE", "QR_STR_SCENE", "QR_LIMIT_STR_SCENE")
    for number, kind in enumerate(kinds, start=1):
        mint(page, str(number), kind)

    expect(page.get_by_test_id("code")).to_have_count(4)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_narrow_screen_shows_one_panel_at_a_time(open_page: Open, keep: Keep, scheme: str) -> None:
    page = open_page(width=390, height=844, locale="en-GB", color_scheme=scheme)

    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_test_id("conversation")).to_be_visible()
    page.get_by_test_id("tab-codes").click()
    expect(page.get_by_test_id("conversation")).to_be_hidden()
    mint(page, "vip")
    keep(page, f"phone-narrow-codes-{scheme}")
    scan(page, "vip")
    expect(page.get_by_test_id("bubble")).to_have_text("SCAN: vip")
    keep(page, f"phone-narrow-chat-{scheme}")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390


def test_language_is_switched_and_remembered(open_page: Open) -> None:
    page = open_page()

    page.get_by_test_id("language").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("WeChat emulator")
    page.goto(page.url.split("?")[0])

    expect(page.get_by_role("heading", level=1)).to_have_text("WeChat emulator")


@pytest.mark.parametrize(("locale", "caption"), [("zh-CN", "客服消息"), ("en-GB", "Service message")])
@pytest.mark.parametrize("width", [390, 1280])
def test_service_message_appears_by_itself(
    open_page: Open, keep: Keep, world: World, *, locale: str, caption: str, width: int
) -> None:
    page = open_page(width=width, height=844, locale=locale)
    bubbles = page.get_by_test_id("bubble")
    page.get_by_test_id("text").fill("报告")
    page.get_by_test_id("send").click()
    expect(bubbles).to_have_text(["报告", "text: 报告"])

    send_message(page, world, msgtype="text", text={"content": "报告好了：https://example.com/report/42"})

    expect(bubbles).to_have_text(["报告", "text: 报告", "报告好了：https://example.com/report/42"])
    late = page.get_by_test_id("entry").last
    expect(late).to_have_attribute("data-side", "account")
    expect(late.get_by_test_id("service-message")).to_have_text(re.compile(rf"{caption} · \d\d:\d\d"))
    expect(late.locator(".avatar.account")).to_be_visible()
    expect(late).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    keep(page, f"phone-message-{locale}-{width}")


def test_menu_message_is_answered_and_a_refused_one_explained(
    open_page: Open, keep: Keep, world: World
) -> None:
    page = open_page(width=390, height=844)
    page.get_by_test_id("text").fill("在吗")
    page.get_by_test_id("send").click()
    # Only who has written may be written to: a service message that came first would be refused.
    expect(page.get_by_test_id("bubble").nth(1)).to_have_text("text: 在吗")
    choices = [{"id": "1", "content": "满意"}, {"id": "2", "content": "不满意"}]
    menu = {"head_content": "您对这次服务满意吗？", "list": choices, "tail_content": "谢谢"}
    send_message(page, world, msgtype="msgmenu", msgmenu=menu)
    send_message(page, world, msgtype="text", text={"content": "字" * 683})
    send_message(page, world, command="Typing")

    expect(page.get_by_text("微信拒绝了一条客服消息：45002")).to_be_visible()
    expect(page.get_by_test_id("typing")).to_be_visible()
    keep(page, "phone-menu-message")
    page.get_by_test_id("choice").first.click()

    expect(page.get_by_test_id("bubble").nth(3)).to_have_text("满意")
    expect(page.get_by_test_id("bubble").nth(4)).to_have_text("text: 满意")
    page.request.post("/control/clock", data={"offset_seconds": 16})
    expect(page.get_by_test_id("typing")).to_be_hidden()
