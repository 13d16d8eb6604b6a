"""The login page itself: sessions, codes, streams, limits, languages and headers."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import update

from tests.kits.conftest import Site
from tests.kits.logging_in import SETTINGS, Browser, latest
from wxbot.db.business import claims as table
from wxbot.kits import login
from wxbot.kits.login_pages import MOST_AT_ONCE
from wxbot.kits.login_session import Pace
from wxbot.qrcodes.mint import Minter

Start = Callable[..., Site]


@pytest.fixture
def site(start: Start) -> Site:
    """Return a site with a login page."""
    return start([login.plugin], plugins={"login": SETTINGS})


@pytest.fixture
def browser(site: Site) -> Browser:
    """Return a browser."""
    return Browser(site, "b")


def test_opening_the_page_makes_nothing_yet(site: Site, browser: Browser) -> None:
    page = browser.open()

    assert page.status_code == 200 and "测试商城" in page.text
    assert site.wx.world.codes.minted == {}
    session = [each for each in page.headers.getlist("Set-Cookie") if "login_session" in each]
    assert {"HttpOnly", "SameSite=Lax", "Path=/login"} <= set(session[0].split("; "))


def test_a_session_has_one_live_code(site: Site, browser: Browser) -> None:
    first = browser.show()
    second = browser.show()
    browser.open()
    third = browser.show()

    assert [site.state(each) for each in (first, second, third)] == ["cancelled", "cancelled", "open"]
    assert second.expires_at - second.created_at == 120


def test_the_number_appears_when_somebody_has_scanned(site: Site, browser: Browser) -> None:
    (ailin,) = site.people("Ailin")
    claim = browser.show()
    before = browser.sees()
    ailin.scan(claim.scene)

    assert before == {"state": "waiting"}
    assert browser.sees() == {"state": "scanned", "number": claim.data["number"]}


def test_a_stream_tells_of_the_end(site: Site, browser: Browser) -> None:
    (ailin,) = site.people("Ailin")
    ailin.scan(browser.show().scene)
    ailin.say(browser.number())

    stream = browser.ask("stream")

    assert stream.text == 'event: state\ndata: {"state": "confirmed"}\n\n'
    assert (
        stream.content_type.startswith("text/event-stream") and stream.headers["Cache-Control"] == "no-store"
    )
    assert site.wx.app.extensions["wxbot.streams"].free == 4


def test_without_room_for_a_stream_asking_goes_on(site: Site, browser: Browser) -> None:
    browser.show()
    streams = site.wx.app.extensions["wxbot.streams"]
    taken = [streams.open("state", lambda: None) for _ in range(streams.free)]

    refused = browser.ask("stream")

    assert refused.status_code == 503 and refused.headers["Retry-After"] == "2"
    assert browser.sees() == {"state": "waiting"}
    for each in taken:
        each.close()


def test_codes_are_given_at_a_walking_pace(start: Start) -> None:
    site = start([login.plugin], plugins={"login": {**SETTINGS, "codes_a_minute": 2}})
    first, second, other = (Browser(site, name) for name in ("first", "second", "other"))
    other.headers["X-Forwarded-For"] = "198.51.100.1"

    for each in (first, second, other):
        each.open()
    answers = [each.ask("code", each.page_token).status_code for each in (first, second, first, other)]

    assert answers == [200, 200, 429, 200]


def test_codes_for_a_network_of_ipv6_are_counted_together(start: Start) -> None:
    site = start([login.plugin], plugins={"login": {**SETTINGS, "codes_a_minute": 2}})
    addresses = ["2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:0:1::3", "2001:db8:0:1::1"]
    browsers = [Browser(site, f"b{number}", address=each) for number, each in enumerate(addresses)]

    for each in browsers:
        each.open()
    answers = [each.ask("code", each.page_token).status_code for each in browsers]

    assert answers == [200, 200, 429, 200]


def test_codes_for_an_address_of_ipv4_are_counted_however_it_is_written(start: Start) -> None:
    site = start([login.plugin], plugins={"login": {**SETTINGS, "codes_a_minute": 1}})
    addresses = ["::ffff:198.51.100.1", "198.51.100.1", "::ffff:198.51.100.2"]
    browsers = [Browser(site, f"b{number}", address=each) for number, each in enumerate(addresses)]

    for each in browsers:
        each.open()
    answers = [each.ask("code", each.page_token).status_code for each in browsers]

    assert answers == [200, 429, 200]


def test_few_wait_for_wechat_and_the_others_are_told_to_come_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    browsers = [Browser(site, f"b{number}") for number in range(MOST_AT_ONCE + 1)]
    for each in browsers:
        each.open()
    waiting, go_on = threading.Semaphore(0), threading.Event()
    minted = Minter.mint

    def slow(minter: Minter, *arguments: Any, **options: Any) -> Any:
        waiting.release()
        go_on.wait(10)
        return minted(minter, *arguments, **options)

    monkeypatch.setattr(Minter, "mint", slow)
    with ThreadPoolExecutor(MOST_AT_ONCE) as threads:
        first = [threads.submit(each.ask, "code", each.page_token) for each in browsers[:-1]]
        assert all(waiting.acquire(timeout=10) for _ in first)
        refused = browsers[-1].ask("code", browsers[-1].page_token)
        go_on.set()

    assert (refused.status_code, refused.json) == (503, {"problem": "failed"})
    assert [each.result().status_code for each in first] == [200] * MOST_AT_ONCE
    assert browsers[-1].ask("code", browsers[-1].page_token).status_code == 200


@pytest.mark.sqlite_only
def test_the_pace_is_counted_anew_each_minute() -> None:
    now = [0.0]
    pace = Pace(2, monotonic=lambda: now[0])

    allowed = [pace.allows("a") for _ in range(3)]
    now[0] = 60.0

    assert allowed == [True, True, False] and pace.allows("a") and all(pace.allows("") for _ in range(5))


def test_an_outage_of_wechat_is_told_and_leaves_nothing(site: Site, browser: Browser) -> None:
    browser.open()
    site.wx.world.trouble = type(site.wx.world.trouble)(api_errors=(48001,) * 9)

    answer = browser.ask("code", browser.page_token)

    assert (answer.status_code, answer.json) == (503, {"problem": "failed"})
    assert latest(site).state == "cancelled"


@pytest.mark.sqlite_only
def test_the_page_speaks_both_languages_and_keeps_what_was_asked(browser: Browser) -> None:
    browser.headers["Accept-Language"] = "en-GB,en;q=0.8"

    english, chinese = browser.open(), browser.open(lang="zh-CN")

    assert "Log in to 测试商城" in english.text and "Scan it with WeChat" in english.text
    assert "登录测试商城" in chinese.text and "请用微信扫一扫" in chinese.text
    assert f"state={browser.state}&amp;lang=zh-CN" in english.text and "return_to=https%3A" in english.text


@pytest.mark.sqlite_only
def test_headers_are_strict(browser: Browser) -> None:
    page = browser.open()

    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert page.headers["Referrer-Policy"] == "same-origin" and page.headers["Cache-Control"] == "no-store"
    assert page.text.count("<script") == page.text.count("<script nonce=")
    assert page.text.count("<style") == page.text.count("<style nonce=") and "onclick" not in page.text


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "state", ["", "short", "x" * 257, "a state\nwith a line end", "一个足够长的中文状态值在这里啊啊"]
)
def test_a_state_is_long_and_plain(state: str, browser: Browser) -> None:
    assert browser.open(state=state).status_code == 400


@pytest.mark.sqlite_only
def test_an_account_without_the_kit_has_no_page(browser: Browser) -> None:
    assert browser.open(account="other").status_code == 400


@pytest.mark.sqlite_only
def test_with_one_address_it_need_not_be_named(browser: Browser) -> None:
    page = browser.client.get("/login/", query_string={"state": browser.state})

    assert page.status_code == 200


def test_what_was_taken_off_the_list_is_not_gone_to(site: Site, browser: Browser) -> None:
    (ailin,) = site.people("Ailin")
    claim = browser.show()
    ailin.scan(claim.scene)
    ailin.say(browser.number())
    with site.wx.bot.engine.begin() as connection:
        data = json.dumps({**claim.data, "return_to": "https://old.test/done"})
        connection.execute(update(table).where(table.c.id == claim.id).values(data=data))

    assert browser.ask("finish").status_code == 403


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "body", ["[]", "null", "7", "{", "", json.dumps({"token": ["x"]}), "\x00", "[" * 2000]
)
def test_nonsense_is_refused_like_anything_else(body: str, browser: Browser) -> None:
    browser.show()

    headers = {**browser.headers, "Content-Type": "application/json"}
    answers = [
        browser.client.post(f"/login/{what}", data=body, headers=headers)
        for what in ("code", "state", "finish")
    ]

    assert {each.status_code for each in answers} == {403}


@pytest.mark.sqlite_only
def test_a_large_body_is_not_read(browser: Browser) -> None:
    answer = browser.client.post("/login/state", json={"token": "x" * 10_000}, headers=browser.headers)

    assert answer.status_code == 413
