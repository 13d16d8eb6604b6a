"""Linking that begins in WeChat: WeChat names the person, the site its user, and a token joins them once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.kits.conftest import Site
from wxbot import Plugin
from wxbot.api.keys import Keys
from wxbot.emulator.server import create_emulator
from wxbot.kits.link import plugin
from wxbot.kits.link_pages import MOST_AT_ONCE
from wxbot.testing import User
from wxbot.wechat.oauth import OAuth

Start = Callable[..., Site]
PUBLIC = "http://bot.test"
LOGIN = "https://shop.example.com/wechat?from=wechat"


@pytest.fixture
def start_link(start: Start) -> Start:
    """Return what starts a bot with the kit, a login of the site, and these settings."""

    def start_link(**section: Any) -> Site:
        section = {"login_url": LOGIN} | section
        return start([plugin], plugins={"link": section}, server={"public_url": PUBLIC})

    return start_link


@pytest.fixture
def site(start_link: Start) -> Site:
    """Return a bot with the kit."""
    return start_link()


def sent_to_wechat(site: Site, browser: FlaskClient, **query: str) -> str:
    """Open the first page; return where it leads."""
    answer = browser.get("/link/start", query_string=query)
    assert answer.status_code == 302
    return answer.headers["Location"]


def back_from_wechat(site: Site, person: User, address: str) -> str:
    """Let WeChat answer; return the path and query with which the browser comes back."""
    with create_emulator(site.wx.world).test_client() as wechat:
        wechat.set_cookie("wx_person", person.openid, path="/connect")
        parts = urlsplit(address)
        answer = wechat.get(parts.path, query_string=parts.query)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"].removeprefix(PUBLIC)


def token_in(answer: TestResponse) -> str:
    assert answer.status_code == 302, answer.text
    location = answer.headers["Location"]
    assert location.startswith(f"{LOGIN}&wxbot_link=")
    (token,) = parse_qs(urlsplit(location).query)["wxbot_link"]
    return token


def token_of(site: Site, person: User) -> str:
    """Go the whole way in a browser of the person's own; return the token that the site is brought."""
    browser = site.wx.app.test_client()
    path = back_from_wechat(site, person, sent_to_wechat(site, browser))
    return token_in(browser.get(path))


def bind(site: Site, token: str, user: str, key: str = "", **more: Any) -> TestResponse:
    """Bind over the API, as the site does."""
    key = key or Keys(site.wx.bot.engine).create("shop").text
    body = {"token": token, "site_user": user, **more}
    headers = {"Authorization": f"Bearer {key}"}
    return site.wx.app.test_client().post("/api/v1/bindings", json=body, headers=headers)


def users(site: Site, person: User) -> list[str]:
    return [each.site_user for each in site.bindings.of_person("default", person.openid)]


def test_a_person_comes_from_wechat_and_is_bound_by_the_site(site: Site) -> None:
    [ailin] = site.people("ailin")

    answer = bind(site, token_of(site, ailin), "u1")

    assert answer.status_code == 201
    assert (answer.json or {})["site_user"] == "u1"
    assert ailin.openid not in answer.text
    assert users(site, ailin) == ["u1"]


def test_a_token_binds_once(site: Site) -> None:
    [ailin] = site.people("ailin")
    token = token_of(site, ailin)

    answers = [bind(site, token, user).status_code for user in ("u1", "u2", "u1")]

    assert answers == [201, 404, 404]
    assert users(site, ailin) == ["u1"]


def test_a_token_is_good_for_ten_minutes(site: Site) -> None:
    [ailin] = site.people("ailin")
    token = token_of(site, ailin)
    [claim] = site.claims.of_person("default", ailin.openid)
    site.expire(claim)

    answer = bind(site, token, "u1")

    assert (answer.status_code, (answer.json or {})["code"]) == (404, "no_token")
    assert users(site, ailin) == []


def test_a_token_cannot_be_made_up(site: Site) -> None:
    """F1: nor from what a code of the site's own brings."""
    ailin, bo = site.people("ailin", "bo")
    token = token_of(site, ailin)
    claim = site.offer("link", "u1")
    bo.scan(claim.scene)
    scene = claim.scene.rpartition(":")[2]
    made_up = [
        "",
        "x",
        f"{token[:-1]}x",
        f"{token[:32]}{'A' * 22}",
        f"{token[32:]}{token[:32]}",
        f"{claim.id.hex()}{scene}",
        f"{token[:32]}{scene}",
    ]

    answers = {bind(site, each, "u1").status_code for each in made_up}

    assert answers == {404}
    assert users(site, ailin) == users(site, bo) == []


def test_a_key_of_another_account_binds_nobody(site: Site) -> None:
    [ailin] = site.people("ailin")
    key = Keys(site.wx.bot.engine).create("other", accounts=["other"]).text

    answer = bind(site, token_of(site, ailin), "u1", key)

    assert answer.status_code == 404
    assert users(site, ailin) == []


def test_who_is_taken_is_refused_and_the_token_stays_good(site: Site) -> None:
    ailin, bo = site.people("ailin", "bo")
    bind(site, token_of(site, ailin), "u1")
    token = token_of(site, bo)

    refused, taken_over = bind(site, token, "u1"), bind(site, token, "u1", is_replacing=True)

    assert (refused.status_code, (refused.json or {})["code"]) == (409, "taken")
    assert taken_over.status_code == 201
    assert (users(site, ailin), users(site, bo)) == ([], ["u1"])


def test_a_state_of_another_browser_is_refused(site: Site) -> None:
    """F3: an attacker's way back, sent to a victim, must not make the victim the attacker's."""
    [bo] = site.people("bo")
    attacker, victim = site.wx.app.test_client(), site.wx.app.test_client()
    path = back_from_wechat(site, bo, sent_to_wechat(site, attacker))

    bare = victim.get(path)
    sent_to_wechat(site, victim)
    with_own_cookie = victim.get(path)

    assert (bare.status_code, with_own_cookie.status_code) == (403, 403)
    assert site.claims.of_person("default", bo.openid) == []
    assert "wxbot_link" not in bare.text + with_own_cookie.text


@pytest.mark.parametrize("change", ["no state", "wrong state", "half a state", "other cookie", "twice"])
def test_only_the_very_way_back_is_taken(site: Site, change: str) -> None:
    [ailin] = site.people("ailin")
    browser = site.wx.app.test_client()
    path = back_from_wechat(site, ailin, sent_to_wechat(site, browser))
    base, _, state = path.rpartition("state=")
    bent = {"no state": base, "wrong state": f"{base}state={'0' * 64}", "half a state": path[:-32]}
    if change == "other cookie":
        browser.set_cookie("wxbot_link_oauth", f"{state} 9999999999 default.{'A' * 22}", path="/link")
    if change == "twice":
        browser.get(path)

    answer = browser.get(bent.get(change, path))

    assert answer.status_code == 403
    assert "请从头再来" in answer.text


def test_a_way_back_that_took_too_long_is_refused(site: Site) -> None:
    [ailin] = site.people("ailin")
    browser = site.wx.app.test_client()
    path = back_from_wechat(site, ailin, sent_to_wechat(site, browser))

    site.wx.world.clock.offset_seconds += 601
    cookie = browser.get_cookie("wxbot_link_oauth", path="/link")
    assert cookie is not None

    assert browser.get(path).status_code == 403


def test_the_cookie_of_the_way_is_for_no_script_and_comes_along_from_wechat(site: Site) -> None:
    answer = site.wx.app.test_client().get("/link/start")

    (cookie,) = [each for each in answer.headers.getlist("Set-Cookie") if "oauth" in each]
    assert {"HttpOnly", "SameSite=Lax", "Path=/link", "Max-Age=600"} <= set(cookie.split("; "))
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "same-origin"


def test_a_snapshot_user_is_refused_with_a_way_on(site: Site) -> None:
    [ailin] = site.people("ailin")
    site.wx.world.trouble = type(site.wx.world.trouble)(snapshot_page=True)
    browser = site.wx.app.test_client()

    answer = browser.get(back_from_wechat(site, ailin, sent_to_wechat(site, browser)))

    assert answer.status_code == 403
    assert "使用完整服务" in answer.text and "/link/start?account=default" in answer.text
    assert site.claims.of_person("default", ailin.openid) == []


def test_who_does_not_agree_is_not_named(site: Site) -> None:
    browser = site.wx.app.test_client()
    (state,) = parse_qs(urlsplit(sent_to_wechat(site, browser)).query)["state"]

    answer = browser.get("/link/callback", query_string={"state": state})

    assert (answer.status_code, "没有获得授权" in answer.text) == (403, True)


def test_a_code_that_was_used_is_explained(site: Site) -> None:
    [ailin] = site.people("ailin")
    browser = site.wx.app.test_client()
    first = back_from_wechat(site, ailin, sent_to_wechat(site, browser))
    (code,) = parse_qs(urlsplit(first).query)["code"]
    browser.get(first)
    (state,) = parse_qs(urlsplit(sent_to_wechat(site, browser)).query)["state"]

    answer = browser.get("/link/callback", query_string={"code": code, "state": state})

    assert (answer.status_code, "链接已失效" in answer.text) == (403, True)
    assert code not in answer.text


def test_an_outage_of_wechat_is_explained(site: Site) -> None:
    [ailin] = site.people("ailin")
    browser = site.wx.app.test_client()
    path = back_from_wechat(site, ailin, sent_to_wechat(site, browser))
    site.wx.world.trouble = type(site.wx.world.trouble)(api_faults=("sns/oauth2/access_token=-1",))

    answer = browser.get(path)

    assert (answer.status_code, "暂时连不上微信" in answer.text) == (503, True)


def test_few_wait_for_wechat_and_the_others_are_asked_to_come_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = site.people(*(f"person {number}" for number in range(MOST_AT_ONCE + 1)))
    ways = []
    for each in people:
        browser = site.wx.app.test_client()
        ways.append((browser, back_from_wechat(site, each, sent_to_wechat(site, browser))))
    waiting, go_on = threading.Semaphore(0), threading.Event()
    asked = OAuth.exchange

    def slow(oauth: OAuth, code: str) -> Any:
        waiting.release()
        go_on.wait(10)
        return asked(oauth, code)

    monkeypatch.setattr(OAuth, "exchange", slow)
    with ThreadPoolExecutor(MOST_AT_ONCE) as threads:
        first = [threads.submit(browser.get, path) for browser, path in ways[:-1]]
        assert all(waiting.acquire(timeout=10) for _ in first)
        browser, path = ways[-1]
        refused = browser.get(path)
        go_on.set()

    assert (refused.status_code, "请过一会儿再试" in refused.text) == (503, True)
    assert [each.result().status_code for each in first] == [302] * MOST_AT_ONCE


def test_who_was_offered_cannot_be_confirmed_in_the_chat_or_by_a_scan(site: Site) -> None:
    """F3: the token is for the site; its claim is no code."""
    ailin, bo = site.people("ailin", "bo")
    token = token_of(site, ailin)
    [claim] = site.claims.of_person("default", ailin.openid)

    ailin.scan(claim.scene)
    bo.scan(claim.scene)

    assert users(site, ailin) == users(site, bo) == []
    assert bind(site, token, "u1").status_code == 201


@pytest.mark.parametrize("section", [{"login_url": ""}, {}], ids=["no login", "no account"])
def test_where_linking_cannot_begin_the_page_says_so(start_link: Start, section: Any) -> None:
    site = start_link(**section)

    answer = site.wx.app.test_client().get("/link/start", query_string={} if section else {"account": "x"})

    assert (answer.status_code, "这里不能绑定" in answer.text) == (404, True)


def test_every_account_has_a_way_of_its_own(start: Start) -> None:
    second = {"appid": "wx00000000000000b2", "secret": "s", "token": "anothertoken12345678", "mode": "plain"}
    third = second | {"appid": "wx00000000000000c3", "token": "yetanothertoken12345", "plugins": ["other"]}
    site = start(
        [plugin, Plugin("other")],
        plugins={"link": {"login_url": LOGIN}},
        server={"public_url": PUBLIC},
        accounts={"second": second, "third": third},
    )
    browser = site.wx.app.test_client()

    address = sent_to_wechat(site, browser, account="second")

    assert parse_qs(urlsplit(address).query)["appid"] == ["wx00000000000000b2"]
    assert browser.get("/link/start?account=third").status_code == 404


def test_only_account_with_linking_need_not_be_named(start: Start) -> None:
    second = {"appid": "wx00000000000000b2", "secret": "s", "token": "anothertoken12345678", "mode": "plain"}
    site = start(
        [plugin, Plugin("other")],
        plugins={"link": {"login_url": LOGIN}},
        server={"public_url": PUBLIC},
        accounts={"default": {"plugins": ["other"]}, "second": second},
    )

    address = sent_to_wechat(site, site.wx.app.test_client())

    assert parse_qs(urlsplit(address).query)["appid"] == ["wx00000000000000b2"]


def test_the_api_names_the_page_of_a_new_claim(site: Site) -> None:
    key = Keys(site.wx.bot.engine).create("shop").text
    shop = site.wx.app.test_client()
    headers = {"Authorization": f"Bearer {key}"}

    made = {
        purpose: shop.post("/api/v1/claims", json={"purpose": purpose, "subject": "u1"}, headers=headers).json
        for purpose in ("link", "order")
    }

    assert made["link"]["page"].startswith(f"{PUBLIC}/link/")
    assert "扫码绑定微信" in shop.get(made["link"]["page"].removeprefix(PUBLIC)).text
    assert made["order"]["page"] is None
    assert (made["link"]["is_exclusive"], made["order"]["is_exclusive"]) == (False, True)
