"""Channels, promoters and people are managed by forms; who may only look changes nothing."""

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from tests.admin.conftest import Browser, Office
from tests.admin.pages import count
from wxbot.admin import channel_form
from wxbot.admin.trail import Trail
from wxbot.channels.channel import Channel
from wxbot.db.business import channels
from wxbot.db.models import events, followers, qrcodes
from wxbot.people import forgetting
from wxbot.people.places import Who
from wxbot.qrcodes.mint import Code, Minter
from wxbot.wechat.errcodes import QuotaError
from wxbot.wechat.replies import Text

NEW = "/admin/new-channel"
SHOP = "/admin/channels/shop-1"


def found(office: Office, name: str = "shop-1") -> Channel:
    return office.wx.bot.channels.book.find("default", name)


def make(browser: Browser, **more: str) -> None:
    values = {
        "name": "shop-1",
        "title": "东门店",
        "group": "华东",
        "reply_kind": "text",
        "reply_text": "欢迎",
    }
    assert browser.post(NEW, **{**values, **more}).status_code == 303


def edited(browser: Browser, office: Office, **changes: str) -> int:
    shown = channel_form.shown(found(office), ZoneInfo("Asia/Shanghai"))
    return browser.post(f"{SHOP}/edit", **{**shown, **changes}).status_code


def test_channel_is_made_changed_archived_and_restored(office: Office) -> None:
    browser = office.browser_of("operator")

    make(browser)
    made = found(office)
    assert (made.title, made.group, made.scene, made.reply) == ("东门店", "华东", "shop-1", Text("欢迎"))

    assert edited(browser, office, title="西门店", ends_at="2030-01-01T08:00") == 303
    assert (found(office).title, found(office).ends_at) == ("西门店", 1_893_456_000)
    assert found(office).reply == Text("欢迎")

    for action, is_archived in (("archive", True), ("restore", False)):
        assert browser.post(f"{SHOP}/{action}").status_code == 303
        assert (found(office).archived_at is not None) is is_archived
    audited = [each.action for each in Trail(office.wx.bot.engine).newest(4)]
    assert audited == [f"channel.{action}" for action in ("restore", "archive", "change", "create")]


def test_times_that_have_no_date_in_china_are_shown_as_the_last_that_has_one(office: Office) -> None:
    browser = office.browser_of("operator")
    make(browser)
    office.wx.user("ailin").scan("shop-1")
    with office.wx.session() as session:
        session.execute(update(channels).values(ends_at=253_402_300_799))
        session.execute(update(events).values(created_at=253_402_300_799))
        event = session.execute(select(events.c.key)).scalars().first()
    assert event is not None

    pages = [browser.get(path) for path in (SHOP, f"{SHOP}/edit", f"/admin/events/{event.hex()}")]

    assert [page.status_code for page in pages] == [200, 200, 200]
    assert ["9999-12-31" in page.text for page in pages] == [True, True, True]


@pytest.mark.parametrize("overrides", [{"analytics": {"timezone": "Europe/Berlin"}}])
def test_moments_are_shown_as_they_were_typed_whatever_the_time_zone_of_figures(office: Office) -> None:
    browser = office.browser_of("operator")

    make(browser, starts_at="2030-01-01T12:00")

    assert "<dd>2030-01-01 12:00:00</dd>" in browser.get(SHOP).text
    assert 'value="2030-01-01T12:00"' in browser.get(f"{SHOP}/edit").text
    assert "按北京时间" in browser.get(f"{SHOP}/edit").text


def test_faults_are_told_and_what_was_typed_stays(office: Office) -> None:
    browser = office.browser_of("operator")

    answer = browser.post(NEW, name="一号", title="字" * 65, promoter="nobody", reply_kind="text")

    assert answer.status_code == 422
    assert "“一号”不能当名称" in answer.text
    assert "没有名称是“nobody”的推广员" in answer.text and "不是显示名称" in answer.text
    assert "选了这种回复，就要填上内容" in answer.text
    assert answer.text.count('aria-invalid="true"') == 2
    assert 'value="一号"' in answer.text


def test_no_field_of_a_reply_that_is_not_shown_keeps_a_browser_from_sending_the_form(office: Office) -> None:
    page = office.browser_of("operator").get(NEW).text

    fields = re.findall('<(?:input|textarea) [^>]*name="reply[^>]*>', page)

    assert len(fields) > 8
    for each in fields:
        assert not re.search(r'type="(?!text|radio)|required|pattern=|minlength=', each), each


def test_number_is_taken_for_a_channel(office: Office) -> None:
    make(office.browser_of("operator"), scene="", number="1")

    assert found(office).scene.isdecimal()


def test_viewer_sees_and_changes_nothing(office: Office) -> None:
    make(office.browser_of("operator"))
    viewer = office.browser_of("viewer")

    assert viewer.get(SHOP).status_code == 200
    for path in (NEW, f"{SHOP}/edit", f"{SHOP}/archive", f"{SHOP}/permanent", "/admin/new-promoter"):
        assert viewer.post(path, page="/admin/followers", name="x").status_code == 403
    assert found(office).archived_at is None


def test_code_is_minted_drawn_printed_and_lives(office: Office) -> None:
    browser = office.browser_of("operator")
    make(browser)
    assert browser.get(f"{SHOP}/code.svg").status_code == 404

    assert browser.post(f"{SHOP}/permanent").status_code == 303
    assert browser.get(f"{SHOP}/code.svg").text.startswith("<svg")
    assert browser.get(f"{SHOP}/code.png?save=1").data.startswith(b"\x89PNG")
    assert browser.post(f"{SHOP}/living").status_code == 303
    assert "/q/shop-1.png" in browser.get(SHOP).text
    assert browser.get("/q/shop-1.svg").status_code == 200

    sheet = browser.post("/admin/channel-sheet", names="shop-1", what="checked", columns="2")
    assert sheet.headers["Content-Disposition"].startswith("attachment")
    assert sheet.text.count("<figure>") == 1 and "东门店" in sheet.text
    nothing = browser.post("/admin/channel-sheet", what="checked", columns="2")
    assert nothing.status_code == 303
    # The permanent one was minted once, however often it was drawn; the other is the living one.
    with office.wx.bot.engine.connect() as connection:
        assert sorted(connection.execute(select(qrcodes.c.is_permanent)).scalars()) == [False, True]


def test_sheet_has_the_others_and_names_a_channel_that_can_have_no_code(office: Office) -> None:
    browser = office.browser_of("operator")
    make(browser)
    make(browser, name="shop-2", scene="7", title="西门店")
    office.wx.bot.numbers.release("default", 7)

    both = browser.post("/admin/channel-sheet", names=["shop-2", "shop-1"], what="checked", columns="2")
    told = browser.get("/admin/channels").text
    alone = browser.post("/admin/channel-sheet", names="shop-2", what="checked", columns="2")

    assert both.text.count("<figure>") == 1 and "东门店" in both.text
    assert "shop-2: " in told and "不在打印页里" in told
    assert alone.status_code == 303 and "shop-2: " in browser.get("/admin/channels").text


def test_page_with_archived_channels_is_printed_without_them(office: Office) -> None:
    browser = office.browser_of("operator")
    make(browser)
    make(browser, name="shop-2", title="西门店")
    browser.post(f"{SHOP}/archive")

    page = browser.get("/admin/channels?state=all").text

    assert re.findall('name="page" value="([^"]+)"', page) == ["shop-2"]
    assert re.findall('name="names" value="([^"]+)"', page) == ["shop-1", "shop-2"]


def test_codes_of_a_sheet_that_came_to_nothing_are_in_the_audit_log(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = office.browser_of("operator")
    for name in ("shop-1", "shop-2", "shop-3"):
        make(browser, name=name, scene=name)
    assert browser.post(f"{SHOP}/permanent").status_code == 303
    mint = Minter.mint

    def mint_until_the_calls_are_used_up(self: Minter, scene: int | str, **options: Any) -> Code:
        if scene == "shop-3":
            raise QuotaError(45009, call="qrcode/create", ends_at=datetime(2026, 1, 1, tzinfo=UTC))
        return mint(self, scene, **options)

    monkeypatch.setattr(Minter, "mint", mint_until_the_calls_are_used_up)

    sheet = browser.post("/admin/channel-sheet", names=["shop-1", "shop-2", "shop-3"], what="checked")

    assert sheet.status_code == 303
    minted = [each for each in Trail(office.wx.bot.engine).newest(9) if each.action == "channel.mint"]
    assert [each.subject for each in minted] == ["shop-2", "shop-1"]


def test_promoter_is_made_changed_and_archived(office: Office) -> None:
    browser, book = office.browser_of("operator"), office.wx.bot.channels.promoters

    assert browser.post("/admin/new-promoter", name="li", title="李", target="ten").status_code == 422
    assert browser.post("/admin/new-promoter", name="li", title="李", target="10").status_code == 303
    assert "0%" in browser.get("/admin/promoters").text
    assert browser.post("/admin/promoters/li/edit", title="李雷", target="").status_code == 303
    assert (book.find("default", "li").title, book.find("default", "li").target) == ("李雷", None)
    assert browser.post("/admin/promoters/li/archive").status_code == 303
    assert book.find("default", "li").archived_at is not None


def test_follower_is_found_by_openid_which_no_page_and_no_address_shows(office: Office) -> None:
    make(office.browser_of("operator"))
    ailin = office.wx.user("ailin", follows=False)
    ailin.scan("shop-1")
    office.wx.work()
    count(office)
    viewer = office.browser_of("viewer")

    answer = viewer.post("/admin/followers", openid=f" {ailin.openid} ")

    assert re.fullmatch("/admin/followers/[0-9a-f]{32}", answer.location)
    pages = [viewer.get(answer.location).text, viewer.get("/admin/followers?state=new").text]
    assert all(ailin.openid not in page for page in pages)
    assert "扫码" in pages[0] or "关注" in pages[0]
    assert viewer.post(answer.location + "/forget", page="/admin/followers").status_code == 403
    assert viewer.post("/admin/followers", openid="oNobody").location == "/admin/followers"
    assert "没有找到这个人" in viewer.get("/admin/followers").text


def test_owner_exports_and_forgets_a_person(office: Office) -> None:
    bo = office.wx.user("bo", follows=False)
    bo.scan("shop-1")
    office.wx.work()
    owner = office.browser_of("owner")
    page = owner.post("/admin/followers", openid=bo.openid).location

    export = owner.post(f"{page}/export", page=page)
    assert bo.openid in export.text and export.headers["Content-Disposition"].startswith("attachment")
    assert "events" in owner.get(f"{page}/forget").text
    assert owner.post(f"{page}/forget", page=f"{page}/forget").location == "/admin/followers"

    assert owner.get(page).status_code == 404
    with office.wx.bot.engine.connect() as connection:
        people = connection.execute(select(followers.c.person)).scalars().all()
        kept = connection.execute(select(events.c.person)).scalars().all()
    person = bytes.fromhex(page.rpartition("/")[2])
    who = Who(account="default", person=person, openid=bo.openid)
    assert not forgetting.leftovers(office.wx.bot.engine, who)
    assert person not in people and person not in kept and kept
