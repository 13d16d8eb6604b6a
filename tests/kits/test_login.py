"""What people read who scan a login code, type numbers, or say that it was not they; and the settings."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, text, update

from tests.kits.conftest import Site
from tests.kits.logging_in import RETURN_TO, SETTINGS, Browser, exchange
from wxbot import Plugin, TextMessage
from wxbot.api.keys import Keys
from wxbot.bindings.logins import CODE_SECONDS
from wxbot.db.business import webhook_deliveries
from wxbot.db.models import jobs
from wxbot.db.statements import database_now
from wxbot.errors import PluginError
from wxbot.kits import link, login
from wxbot.kits.login_about import place_of, time_of
from wxbot.kits.login_config import LoginConfig
from wxbot.web.browser import _BROWSERS, _SYSTEMS, address_of, device_of, shortened
from wxbot.webhooks.webhook import Draft

pytestmark = pytest.mark.every_store

Start = Callable[..., Site]
chat = Plugin("chat")


@chat.text("8888")
def eights(message: TextMessage) -> str:
    """Answer a number of the site's own."""
    return "会员专线"


@chat.message("text")
def anything(message: TextMessage) -> str:
    """Answer what nobody else takes."""
    return "聊天"


@pytest.fixture
def site(start: Start) -> Site:
    """Return a site with a login page, whose bot also chats."""
    return logging(start)


def logging(start: Start, **changes: object) -> Site:
    """Start a bot with these settings of the kit."""
    return start([login.plugin, chat], plugins={"login": {**SETTINGS, **changes}})


def log_in(site: Site, browser: Browser, person: Any) -> dict[str, str]:
    """Go all the way; return what the browser brought to the site."""
    person.scan(browser.show().scene)
    person.say(browser.number())
    brought = browser.finish()
    assert exchange(site, brought["code"], browser.state).status_code == 200
    return brought


def test_who_scans_reads_what_wants_to_log_in(site: Site) -> None:
    ailin, bo = site.wx.user("Ailin"), site.wx.user("Bo", follows=False)

    told = [who.scan(Browser(site, who.name).show().scene).text for who in (ailin, bo)]

    for each in told:
        assert "「测试商城」" in each and "设备：Chrome · Windows" in each and "位置：IP 203.0.113.*" in each
        assert "时间：" in each and "4 位数字" in each and "不是我" in each


def test_a_forged_user_agent_says_nothing(site: Site) -> None:
    (ailin,) = site.people("Ailin")
    browser = Browser(site, "b", address="not an address")
    browser.headers["User-Agent"] = "您的银行 <a href=x> 请确认"

    told = ailin.scan(browser.show().scene).text

    assert "银行" not in told and "设备" not in told and "位置" not in told and "时间：" in told


def test_the_typed_number_confirms(site: Site) -> None:
    (ailin,) = site.people("Ailin")
    browser = Browser(site, "b")
    claim = browser.show()
    ailin.scan(claim.scene)
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in browser.number())  # as an input method may give

    told = ailin.say(f" {wide} ").text

    assert told == "已确认，网页马上登录「测试商城」。\n如果不是您本人操作，请回复“不是我”。"
    assert site.state(claim) == "confirmed"
    assert ailin.scan(claim.scene).text == told


@pytest.mark.parametrize(
    ("said", "answer"), [("8888", "会员专线"), ("1234", "聊天"), ("不是我", "聊天"), ("你好", "聊天")]
)
def test_who_does_not_log_in_is_not_disturbed(said: str, answer: str, site: Site) -> None:
    (bo,) = site.people("Bo")

    assert bo.say(said).text == answer


@pytest.mark.parametrize(("said", "answer"), [("12", "聊天"), ("123456", "聊天"), ("你好", "聊天")])
def test_other_texts_count_for_nothing_while_a_login_waits(said: str, answer: str, site: Site) -> None:
    (ailin,) = site.people("Ailin")
    browser = Browser(site, "b")
    claim = browser.show()
    ailin.scan(claim.scene)

    assert [ailin.say(said).text for _ in range(4)] == [answer] * 4
    assert site.state(claim) == "claimed"


def test_a_number_of_the_sites_own_is_a_try_while_a_login_waits(site: Site) -> None:
    (ailin,) = site.people("Ailin")
    browser = Browser(site, "b")
    claim = browser.show()
    while claim.data["number"] == "8888":
        claim = browser.show()
    ailin.scan(claim.scene)

    assert ailin.say("8888").text == "数字不对，还可以试 2 次。请看登录网页上显示的数字。"


def test_a_repeated_delivery_is_no_second_try(site: Site) -> None:
    (ailin,) = site.people("Ailin")
    browser = Browser(site, "b")
    ailin.scan(browser.show().scene)
    wrong = str((int(browser.number()) - 999) % 9000 + 1000)

    first = ailin.say(wrong)
    again = [ailin.redeliver() for _ in range(3)]

    assert {each.text for each in again} == {first.text} and browser.sees()["state"] == "scanned"


def test_scanning_another_code_ends_the_login_before(site: Site) -> None:
    (ailin,) = site.people("Ailin")
    first, second = Browser(site, "b1"), Browser(site, "b2")
    ailin.scan(first.show().scene)
    old = first.number()

    ailin.scan(second.show().scene)
    ailin.say(old)

    assert first.sees() == {"state": "cancelled"} and first.finish() == {}
    assert second.sees()["state"] in ("scanned", "confirmed")


def test_saying_not_me_calls_a_waiting_login_off(site: Site) -> None:
    (ailin,) = site.people("Ailin")
    browser = Browser(site, "b")
    ailin.scan(browser.show().scene)
    number = browser.number()

    told = ailin.say("不是我").text

    assert told == "好的，这次登录已取消。" and browser.sees() == {"state": "cancelled"}
    assert ailin.say(number).text == "聊天"


def test_saying_not_me_takes_a_login_back(site: Site) -> None:
    (ailin,) = site.people("Ailin")
    browser = Browser(site, "b")
    ailin.scan((claim := browser.show()).scene)
    ailin.say(browser.number())
    code = browser.finish()["code"]

    told = ailin.say("Not me").text

    assert "作废" in told and site.state(claim) == "released"
    assert exchange(site, code, browser.state).status_code == 404
    assert browser.finish() == {} and ailin.say("不是我").text == "聊天"


def test_a_login_of_long_ago_is_not_taken_back(site: Site) -> None:
    (ailin,) = site.people("Ailin")
    browser = Browser(site, "b")
    ailin.scan((claim := browser.show()).scene)
    ailin.say(browser.number())

    site.wx.world.clock.offset_seconds += 25 * 3600

    assert ailin.say("不是我").text == "聊天" and site.state(claim) == "confirmed"


def test_a_new_device_is_told_of_once(site: Site) -> None:
    ailin, bo = site.people("Ailin", "Bo")
    laptop, phone = Browser(site, "laptop"), Browser(site, "phone")

    for browser, who in ((laptop, ailin), (laptop, ailin), (phone, ailin), (laptop, bo)):
        browser.page_token = ""
        log_in(site, browser, who)
        site.wx.work()

    assert [len(who.messages) for who in (ailin, bo)] == [2, 1]
    assert "新设备" in ailin.messages[0].text and "Chrome · Windows" in ailin.messages[0].text
    assert "不是我" in ailin.messages[0].text


def test_a_device_is_known_by_what_the_site_has_heard_of(site: Site) -> None:
    (ailin,) = site.people("Ailin")
    browser = Browser(site, "b")
    ailin.scan(browser.show().scene)
    ailin.say(browser.number())
    browser.page_token = ""

    log_in(site, browser, ailin)
    site.wx.work()

    assert len(ailin.messages) == 1


def test_a_login_that_is_exchanged_at_the_last_moment_is_told_of(site: Site) -> None:
    (ailin,) = site.people("Ailin")
    browser = Browser(site, "b")
    ailin.scan((claim := browser.show()).scene)
    ailin.say(browser.number())
    site.expire(claim, seconds=-CODE_SECONDS - 10)
    site.wx.work()  # by the worker's clock, which is before the database's, it is over
    site.expire(claim, seconds=-CODE_SECONDS + 10)

    assert exchange(site, browser.finish()["code"], browser.state).status_code == 200
    with site.wx.bot.engine.begin() as connection:
        connection.execute(update(jobs).values(run_at=database_now()))
    site.wx.work()

    assert len(ailin.messages) == 1


@pytest.mark.parametrize(("notice", "count"), [("always", 2), ("never", 0)])
def test_notices_are_the_sites_choice(notice: str, count: int, start: Start) -> None:
    site = logging(start, notice=notice)
    (ailin,) = site.people("Ailin")
    browser = Browser(site, "b")

    for _ in range(2):
        browser.page_token = ""
        log_in(site, browser, ailin)
        site.wx.work()

    assert len(ailin.messages) == count


def test_nothing_is_told_of_a_login_that_the_site_never_heard_of(site: Site) -> None:
    (ailin,) = site.people("Ailin")
    browser = Browser(site, "b")
    ailin.scan(browser.show().scene)
    ailin.say(browser.number())

    site.wx.work()

    assert ailin.messages == []


def test_the_site_hears_when_a_login_is_taken_back(site: Site) -> None:
    (ailin,) = site.people("Ailin")
    draft = Draft(account="default", url="https://shop.test/hook", kinds=("claim.released",))
    site.wx.bot.hooks.webhooks.add(draft)
    site.wx.bot.hooks.publisher.look()
    browser = Browser(site, "b")
    ailin.scan((claim := browser.show()).scene)
    ailin.say(browser.number())

    ailin.say("不是我")

    with site.wx.bot.engine.connect() as connection:
        (told,) = [json.loads(body) for body in connection.scalars(select(webhook_deliveries.c.body))]
    assert (told["type"], told["data"]["id"]) == ("claim.released", claim.id.hex())
    assert claim.data["number"] not in json.dumps(told) and browser.state not in json.dumps(told)


def test_keys_do_not_see_what_the_page_and_the_person_have_between_them(site: Site) -> None:
    (ailin,) = site.people("Ailin")
    ailin.scan((claim := Browser(site, "b").show()).scene)
    key = Keys(site.wx.bot.engine).create("site")

    shown = site.wx.app.test_client().get(
        f"/api/v1/claims/{claim.id.hex()}", headers={"Authorization": f"Bearer {key.text}"}
    )

    assert (shown.json["state"], shown.json["data"]) == ("claimed", {})


def test_numbers_of_both_kits_find_their_way(start: Start) -> None:
    settings = {"login": SETTINGS, "link": {"site": "测试商城"}}
    site = start([login.plugin, link.plugin, chat], plugins=settings)
    (ailin,) = site.people("Ailin")
    asked = ailin.scan(site.offer("link", "user-7").scene).text
    number = re.findall(r"[0-9]{4}", asked)[0]

    assert "user-7" in ailin.say(number).text
    assert [each.site_user for each in site.bindings.of_person("default", ailin.openid)] == ["user-7"]

    browser = Browser(site, "b")
    ailin.scan(browser.show().scene)
    assert "已确认" in ailin.say(browser.number()).text
    assert exchange(site, browser.finish()["code"], browser.state).json["site_user"] == "user-7"


def test_the_site_learns_who_came(site: Site) -> None:
    ailin, bo = site.people("Ailin", "Bo")
    site.bindings.bind("default", "user-7", ailin.openid)
    told = []
    for who in (ailin, bo, bo):
        browser = Browser(site, who.name)
        who.scan(browser.show().scene)
        who.say(browser.number())
        told.append(exchange(site, browser.finish()["code"], browser.state).json)

    assert [(each["site_user"], each["is_new"]) for each in told] == [
        ("user-7", False),
        (None, True),
        (None, False),
    ]
    assert told[0]["person"] != told[1]["person"] == told[2]["person"]
    assert told[0].keys() == {"id", "account", "person", "site_user", "site_users", "is_new", "confirmed_at"}


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"site_name": None}, "site_name"),
        ({"site_name": "  "}, "site_name"),
        ({"return_to": []}, "return_to"),
        ({"return_to": ["http://shop.test/done"]}, "return_to"),
        ({"return_to": ["https://shop.test"]}, "return_to"),
        ({"return_to": ["//shop.test/done"]}, "return_to"),
        ({"return_to": ["https://a@shop.test/done"]}, "return_to"),
        ({"return_to": ["https://shop.test/done#top"]}, "return_to"),
        ({"return_to": ["https://shop.test/done?code=1"]}, "return_to"),
        ({"return_to": ["https://shop.test/\\done"]}, "return_to"),
        ({"seconds": 30}, "seconds"),
        ({"digits": 1}, "digits"),
        ({"tries": True}, "tries"),
        ({"asking": "{name}?"}, "asking"),
        ({"confirmed": " "}, "confirmed"),
        ({"place": "no_such_module:place"}, "place"),
        ({"return_tos": []}, "return_tos"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_faults_of_the_settings_name_the_key(change: dict[str, object], key: str, start: Start) -> None:
    settings = {name: value for name, value in {**SETTINGS, **change}.items() if value is not None}

    with pytest.raises(PluginError) as caught:
        start([login.plugin], plugins={"login": settings})

    assert f"[plugins.login] {key}" in str(caught.value)


@pytest.mark.sqlite_only
def test_addresses_of_this_machine_may_go_without_tls() -> None:
    for address in ("http://127.0.0.1:5000/done", "http://localhost/done", RETURN_TO):
        assert LoginConfig.model_validate({**SETTINGS, "return_to": [address]}).return_to == (address,)


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "address"),
    [
        ("203.0.113.7", "198.51.100.1", 0, "203.0.113.7"),
        ("127.0.0.1", "198.51.100.1", 0, ""),
        ("127.0.0.1", "198.51.100.1", 1, "198.51.100.1"),
        ("127.0.0.1", "6.6.6.6, 198.51.100.1", 1, "198.51.100.1"),
        ("127.0.0.1", "6.6.6.6, 198.51.100.1, 10.0.0.1", 2, "198.51.100.1"),
        ("127.0.0.1", "198.51.100.1", 2, ""),
        ("127.0.0.1", "", 1, ""),
        ("127.0.0.1", "::ffff:x", 1, ""),
        ("127.0.0.1", "::ffff:198.51.100.1", 1, "198.51.100.1"),
        ("fe80::1%eth0", "", 0, "fe80::1"),
        ("::1", "", 0, ""),
    ],
)
def test_the_address_is_what_our_own_proxies_say(
    peer: str, forwarded: str, proxies: int, address: str
) -> None:
    assert address_of(peer, forwarded, proxies=proxies) == address


@pytest.mark.sqlite_only
def test_addresses_are_shown_in_part() -> None:
    assert shortened("203.0.113.77") == "IP 203.0.113.*"
    assert shortened("2001:db8:1234:5678::1") == "IP 2001:db8:1234::*"
    assert shortened("") == ""


@pytest.mark.sqlite_only
def test_a_resolver_may_name_the_place_and_may_fail() -> None:
    def broken(address: str) -> str:
        raise RuntimeError(address)

    assert place_of("203.0.113.77", lambda _: "上海\n市") == "上海市"
    assert place_of("203.0.113.77", lambda _: None) == "IP 203.0.113.*"
    assert place_of("203.0.113.77", broken) == "IP 203.0.113.*"
    assert place_of("", broken) == ""


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
            "Safari · iPhone",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Chrome/142.0 Safari/537.36 Edg/142.0",
            "Edge · Mac",
        ),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/142.0 Mobile MicroMessenger/8.0", "微信 · 安卓"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox · Linux"),
        ("Mozilla/5.0 (Phone; OpenHarmony 5.0) ArkWeb/4.1", "鸿蒙"),
        ("curl/8.0", ""),
        ("", ""),
    ],
)
def test_browsers_are_named_in_our_words(agent: str, device: str) -> None:
    assert device_of(agent) == device


@pytest.mark.sqlite_only
def test_all_browsers_have_english_names() -> None:
    agents = [mark for mark, _ in (*_BROWSERS, *_SYSTEMS)]

    assert all(device_of(agent, "en").isascii() and device_of(agent, "en") for agent in agents)
    assert device_of("Android MicroMessenger", "en") == "WeChat · Android"


@pytest.mark.sqlite_only
def test_a_database_that_fails_is_answered_with_words(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    [ailin] = site.people("ailin")
    scene = Browser(site, "ailin").show().scene
    with site.wx.session() as session:
        session.execute(text("ALTER TABLE claims RENAME TO away"))

    said = [ailin.scan(scene).text, ailin.say("1234").text]

    assert set(said) == {LoginConfig.model_fields["trouble"].default}
    assert caplog.text.count("Traceback") == 2, "whoever runs the bot reads what is wrong"
    with site.wx.session() as session:
        session.execute(text("ALTER TABLE away RENAME TO claims"))
    assert "4 位数字" in ailin.scan(scene).text, "the code is as good as before"


def test_times_are_chinas() -> None:
    assert time_of(1_795_291_200) == "11月22日 04:00"
