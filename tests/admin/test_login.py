"""Who gets into the dashboard, and who stays in: passwords, guesses, sessions, and where a login leads."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from werkzeug.datastructures import Headers

from tests.admin.conftest import PASSWORD, Browser, Office
from wxbot.admin.gate import MOST_AT_ONCE
from wxbot.admin.guesses import MOST_GUESSES, WINDOW_SECONDS
from wxbot.admin.users import User, Users
from wxbot.app import create_app

ELSEWHERE = {"REMOTE_ADDR": "203.0.113.9"}
WRONG = "not the right words"

# Each would lead away from here, or run something, if a browser took it for what it is meant to be.
AWAY = [
    *("https://evil.test", "http://evil.test/admin/", "//evil.test", "//evil.test/admin/", "///evil.test"),
    *(
        "https:evil.test",
        "https:/evil.test",
        "http:\\\\evil.test",
        "\\\\evil.test",
        "/\\evil.test",
        "\\/evil.test",
    ),
    *("/\t/evil.test", "/\n/evil.test", "\t//evil.test", " //evil.test", "/ /evil.test", "\x00//evil.test"),
    *("/admin\\@evil.test", "/admin/\\evil.test", "/admin\t/", "/admin/\r\nLocation: https://evil.test"),
    *(
        "/admin/%0d%0aSet-Cookie:a=b\r\n",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
    ),
    *("data:text/html,<script>alert(1)</script>", "vbscript:msgbox(1)", "//google.com%2F@evil.test"),
    *(
        "/%2F/evil.test",
        "/%5Cevil.test",
        "//evil%E3%80%82test",
        "／／evil.test",
        "/．evil.test",
        "@evil.test",
    ),
    *("evil.test", "admin/", "./admin/", "../admin/", "?next=//evil.test", "#//evil.test", ";//evil.test"),
    *("/adminx", "/administrator/", "/q/shop", "/wechat", "/api/docs", "/", "", "/login/", "http:///admin/"),
    *("/admin/" + "a" * 2000, "/admin/<script>", '/admin/"onload=', "/admin/é", "ftp://evil.test", "//"),
]
HERE = ["/admin/", "/admin", "/admin/channels?before=abc&kind=a%20b", "/qrcode/shop:12?account=default"]


def fails(browser: Browser, name: str, **options: Any) -> int:
    return browser.log_in(name, WRONG, **options).status_code


def test_a_user_logs_in_and_out(office: Office) -> None:
    browser = office.browser()
    assert browser.get("/admin/").location == "/admin/login?next=/admin/"

    sent = browser.log_in("owner")

    assert (sent.status_code, sent.location) == (303, "/admin/")
    assert browser.get("/admin/").status_code == 200
    assert browser.get("/admin/login").location == "/admin/"
    held = browser.cookie()
    assert browser.post("/admin/logout").location == "/admin/login"
    assert browser.get("/admin/").status_code == 303
    browser.client.set_cookie("wxbot_session", held)
    assert browser.get("/admin/").status_code == 303


@pytest.mark.parametrize(
    ("scheme", "begins", "holds"),
    [("http", "wxbot_session=", set()), ("https", "__Host-wxbot_session=", {"Secure"})],
)
def test_the_cookie_is_for_no_script_and_no_other_site(
    office: Office, scheme: str, begins: str, holds: set[str]
) -> None:
    client, url = office.app.test_client(), f"{scheme}://bot.test"
    token = client.get("/admin/login", base_url=url).text.split('csrf" value="')[1][:64]

    data = {"csrf": token, "name": "owner", "password": PASSWORD}
    sent = client.post("/admin/login", base_url=url, data=data)

    (cookie,) = [each for each in sent.headers.getlist("Set-Cookie") if "wxbot_session=" in each]
    attributes = set(cookie.split("; "))
    assert cookie.startswith(begins) and "Domain" not in cookie
    assert attributes >= {"HttpOnly", "SameSite=Lax", "Path=/", *holds}


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("owner", WRONG),
        ("owner", ""),
        ("nobody", PASSWORD),
        ("", ""),
        ("owner' OR 1=1 --", PASSWORD),
        ("owner\x00", PASSWORD),
        ("owner", PASSWORD + "\ud800"),
        ("n" * 5000, "p" * 5000),
    ],
)
def test_what_is_wrong_is_not_told(office: Office, name: str, password: str) -> None:
    refused = office.browser().log_in(name, password.encode("utf-8", "replace").decode())

    assert refused.status_code == 401
    assert "用户名或密码不对。" in refused.text
    assert "session=" not in str(refused.headers)


def test_after_ten_guesses_the_right_password_is_of_no_use(office: Office) -> None:
    browser = office.browser()
    assert {fails(browser, "owner") for _ in range(MOST_GUESSES)} == {401}

    refused = browser.log_in("owner")

    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == str(WINDOW_SECONDS)
    assert browser.log_in("OWNER ").status_code == 429
    # Full width and script letters are other characters, and yet the same user.
    for spelling in ("ｏｗｎｅｒ", "𝓸𝓌𝓃𝒆𝓻", "ⓞⓦⓝⓔⓡ", "\u3000owner"):
        assert browser.log_in(spelling).status_code == 429
    office.pass_seconds(WINDOW_SECONDS + 1)
    assert browser.log_in("owner").status_code == 303


def test_nobody_is_locked_out_by_others(office: Office) -> None:
    guesser = office.browser()
    for _ in range(MOST_GUESSES + 1):
        fails(guesser, "owner", environ_base=ELSEWHERE)

    assert guesser.log_in("owner", environ_base=ELSEWHERE).status_code == 429

    assert office.browser().log_in("owner").status_code == 303
    assert office.browser().log_in("viewer", environ_base=ELSEWHERE).status_code == 303


def test_the_right_password_begins_the_count_anew(office: Office) -> None:
    browser = office.browser()
    for _ in range(2):
        assert {fails(browser, "owner") for _ in range(MOST_GUESSES - 1)} == {401}
        assert browser.log_in("owner").status_code == 303
        browser.post("/admin/logout")


def test_guesses_at_the_same_moment_are_counted_each(office: Office) -> None:
    browsers = [office.browser() for _ in range(MOST_GUESSES + 6)]
    tokens = [browser.token("/admin/login") for browser in browsers]
    told: list[int] = []

    def guess(browser: Browser, token: str) -> None:
        data = {"csrf": token, "name": "owner", "password": WRONG}
        while (status := browser.client.post("/admin/login", data=data).status_code) == 503:
            pass  # no place free: it was not looked at
        told.append(status)

    threads = [threading.Thread(target=guess, args=each) for each in zip(browsers, tokens, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (told.count(401), told.count(429)) == (MOST_GUESSES, 6)


def test_few_passwords_are_looked_at_while_others_are_told_to_come_back(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    browsers = [office.browser() for _ in range(MOST_AT_ONCE)]
    late, waiting, go_on = office.browser(), threading.Semaphore(0), threading.Event()
    verified = Users.verify

    def slow(users: Users, name: str, password: str) -> User | None:
        waiting.release()
        go_on.wait(10)
        return verified(users, name, password)

    monkeypatch.setattr(Users, "verify", slow)
    with ThreadPoolExecutor(MOST_AT_ONCE) as threads:
        first = [threads.submit(each.log_in, "owner") for each in browsers]
        assert all(waiting.acquire(timeout=10) for _ in first)
        refused = late.log_in("owner")
        go_on.set()

    assert (refused.status_code, "请过几秒再试" in refused.text) == (503, True)
    assert [each.result().status_code for each in first] == [303] * MOST_AT_ONCE
    assert late.log_in("owner").status_code == 303


@pytest.mark.parametrize("overrides", [{"server": {"proxies": 1}}])
def test_behind_a_proxy_its_word_for_the_address_counts(office: Office, overrides: object) -> None:
    def told(client: str) -> dict[str, Any]:
        return {"headers": Headers({"X-Forwarded-For": f"10.0.0.1, {client}"})}

    guesser = office.browser()
    for number in range(MOST_GUESSES):
        # Of IPv6, one customer has 2^64 addresses.
        assert fails(guesser, "owner", **told(f"2001:db8::{number:x}")) == 401

    assert fails(guesser, "owner", **told("2001:db8::ffff")) == 429
    assert office.browser().log_in("owner", **told("2001:db8:1::1")).status_code == 303


def test_a_session_that_was_planted_is_not_the_one_after_the_login(office: Office) -> None:
    browser = office.browser()
    browser.client.set_cookie("wxbot_session", "planted-by-somebody-else")

    browser.log_in("owner")

    first = browser.cookie()
    assert first != "planted-by-somebody-else" and len(first) > 40
    planted = office.browser()
    planted.client.set_cookie("wxbot_session", "planted-by-somebody-else")
    assert planted.get("/admin/").status_code == 303


def test_the_session_before_ends_when_somebody_logs_in_anew(office: Office) -> None:
    browser = office.browser_of("viewer")
    before = browser.cookie()
    page = office.browser()
    token = page.token("/admin/login")
    page.client.set_cookie("wxbot_session", before)

    data = {"csrf": token, "name": "owner", "password": PASSWORD}
    assert page.client.post("/admin/login", data=data).status_code == 303

    assert page.cookie() != before
    assert browser.get("/admin/").status_code == 303


def test_a_session_ends_when_nobody_uses_it(office: Office) -> None:
    browser = office.browser_of("owner")
    for _ in range(3):
        office.pass_seconds(119 * 60)
        assert browser.get("/admin/").status_code == 200

    office.pass_seconds(121 * 60)

    assert browser.get("/admin/").status_code == 303


@pytest.mark.parametrize("overrides", [{"admin": {"idle_minutes": 1440, "login_hours": 1}}])
def test_a_session_ends_although_it_is_used(office: Office, overrides: object) -> None:
    browser = office.browser_of("owner")
    office.pass_seconds(59 * 60)
    assert browser.get("/admin/").status_code == 200

    office.pass_seconds(2 * 60)

    assert browser.get("/admin/").status_code == 303


def test_a_disabled_user_is_out_at_once(office: Office) -> None:
    browser = office.browser_of("viewer")

    office.users.disable("viewer")

    assert browser.get("/admin/").status_code == 303
    assert browser.log_in("viewer").status_code == 401


def test_sessions_and_guesses_hold_over_processes(office: Office) -> None:
    browser = office.browser_of("owner")

    app = create_app(office.wx.bot.settings, now=office.wx._now)
    other = Browser(app)
    assert {fails(other, "viewer") for _ in range(MOST_GUESSES)} == {401}
    assert fails(office.browser(), "viewer") == 429
    other.client.set_cookie("wxbot_session", browser.cookie())

    assert other.get("/admin/").status_code == 200
    browser.post("/admin/logout")
    assert other.get("/admin/").status_code == 303
    app.extensions["wxbot"].engine.dispose()


def test_a_login_leads_back_to_the_page_that_was_wanted(office: Office) -> None:
    for path in HERE:
        browser = office.browser()
        data = {"csrf": browser.token("/admin/login"), "name": "viewer", "password": PASSWORD, "next": path}

        assert browser.client.post("/admin/login", data=data).location == path


def test_a_login_leads_nowhere_else(office: Office) -> None:
    browser = office.browser_of("viewer")
    token = office.browser().token("/admin/login")

    asked = {path: browser.get("/admin/login", query_string={"next": path}).location for path in AWAY}

    assert len(AWAY) >= 40
    assert set(asked.values()) == {"/admin/"}, asked
    stranger = office.browser()
    token = stranger.token("/admin/login")
    data = {"csrf": token, "name": "viewer", "password": PASSWORD, "next": AWAY[2]}
    assert stranger.client.post("/admin/login", data=data).location == "/admin/"


@pytest.mark.parametrize(
    "sent",
    [
        {"csrf": ""},
        {"csrf": "0" * 64},
        {"headers": {"Origin": "https://evil.test"}},
        {"headers": {"Sec-Fetch-Site": "cross-site"}},
        {"headers": {"Sec-Fetch-Site": "same-site"}},
    ],
)
def test_nobody_is_logged_in_by_another_site(office: Office, sent: dict[str, Any]) -> None:
    browser = office.browser()
    token = browser.token("/admin/login")

    data = {"csrf": sent.get("csrf", token), "name": "owner", "password": PASSWORD}
    refused = browser.client.post("/admin/login", data=data, headers=sent.get("headers"))

    assert refused.status_code == 403
    assert browser.cookie() == ""
