"""Who gets into the dashboard, and who stays in: passwords, guesses, sessions, and where a login leads."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select
from werkzeug.datastructures import Headers

from tests.admin.conftest import PASSWORD, Browser, Office
from wxbot.admin import users
from wxbot.admin.gate import MOST_AT_ONCE, MOST_OF_ONE
from wxbot.admin.guesses import MOST_GUESSES, WINDOW_SECONDS
from wxbot.admin.users import Proof, Users
from wxbot.app import create_app
from wxbot.db.administration import admin_sessions

ELSEWHERE = {"REMOTE_ADDR": "203.0.113.9"}
WRONG = "not the right words"
OTHER = "another tree and words"

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
    browsers = {f"203.0.113.{number}": office.browser() for number in range(MOST_AT_ONCE)}
    late, waiting, go_on = office.browser(), threading.Semaphore(0), threading.Event()
    verified = Users.verify

    def slow(users: Users, name: str, password: str) -> Proof | None:
        waiting.release()
        go_on.wait(10)
        return verified(users, name, password)

    monkeypatch.setattr(Users, "verify", slow)
    with ThreadPoolExecutor(MOST_AT_ONCE) as threads:
        first = [
            threads.submit(each.log_in, "owner", environ_base={"REMOTE_ADDR": address})
            for address, each in browsers.items()
        ]
        assert all(waiting.acquire(timeout=10) for _ in first)
        refused = late.log_in("owner")
        go_on.set()

    assert (refused.status_code, "请过几秒再试" in refused.text) == (503, True)
    assert [each.result().status_code for each in first] == [303] * MOST_AT_ONCE
    assert late.log_in("owner").status_code == 303


@pytest.mark.parametrize("address", ["203.0.113.9", "2001:db8::{number:x}"])
def test_one_address_does_not_get_all_the_places_where_passwords_are_looked_at(
    office: Office, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    settled, go_on, verified = threading.Semaphore(0), threading.Event(), Users.verify
    viewer = office.browser_of("viewer")
    token = viewer.token("/admin/me")

    def slow(users: Users, name: str, password: str) -> Proof | None:
        if name.startswith("nobody"):
            settled.release()
            go_on.wait(60)
        return verified(users, name, password)

    def environ(number: int) -> dict[str, str]:
        return {"REMOTE_ADDR": address.format(number=number)}

    def guess(number: int) -> int:
        status = fails(office.browser(), f"nobody{number}", environ_base=environ(number))
        if status == 503:
            settled.release()
        return status

    monkeypatch.setattr(Users, "verify", slow)
    with ThreadPoolExecutor(MOST_AT_ONCE) as threads:
        guesses = [threads.submit(guess, number) for number in range(MOST_AT_ONCE)]
        all_settled = all(settled.acquire(timeout=60) for _ in guesses)
        same = viewer.client.post(
            "/admin/me/password", data={"csrf": token, "now": PASSWORD}, environ_base=environ(99)
        )
        elsewhere = office.browser().log_in("owner", environ_base={"REMOTE_ADDR": "198.51.100.7"})
        go_on.set()

    assert all_settled and elsewhere.status_code == 303
    assert sorted(each.result() for each in guesses) == [401] * MOST_OF_ONE + [503] * (
        MOST_AT_ONCE - MOST_OF_ONE
    )
    assert same.status_code == 422 and "请过几秒再试" in same.text
    assert office.browser().log_in("owner", environ_base=environ(0)).status_code == 303


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


def meanwhile(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """Let something happen each time that a password has been looked at, before anything comes of it."""
    matches = users._matches

    def slow(hashed: str, password: str) -> bool:
        is_right = matches(hashed, password)
        change()
        return is_right

    monkeypatch.setattr(users, "_matches", slow)


def sessions(office: Office) -> int:
    with office.wx.session() as session:
        return int(session.execute(select(func.count()).select_from(admin_sessions)).scalar_one())


@pytest.mark.every_store
@pytest.mark.parametrize(
    "change",
    [
        lambda office: office.users.set_password("viewer", OTHER),
        lambda office: office.users.disable("viewer"),
    ],
    ids=["new password", "disabled"],
)
def test_a_login_that_is_under_way_ends_with_the_others(
    office: Office, monkeypatch: pytest.MonkeyPatch, change: Callable[[Office], object]
) -> None:
    meanwhile(monkeypatch, lambda: change(office))

    refused = office.browser().log_in("viewer")

    assert refused.status_code == 401 and "session=" not in str(refused.headers)
    assert sessions(office) == 0


@pytest.mark.parametrize(("new", "status"), [(OTHER, 401), (PASSWORD, 303)])
def test_a_password_that_is_kept_anew_does_not_replace_a_new_one(
    office: Office, monkeypatch: pytest.MonkeyPatch, new: str, status: int
) -> None:
    monkeypatch.setattr(users, "_HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    once = [partial(office.users.set_password, "owner", new)]

    meanwhile(monkeypatch, lambda: once and once.pop()())

    assert office.browser().log_in("owner").status_code == status
    assert office.browser().log_in("owner", new).status_code == 303
    assert office.browser().log_in("viewer").status_code == 303


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
