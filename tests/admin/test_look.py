"""How somebody wants to see the pages, and of which account: kept by the browser, told by the address."""

from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from tests.admin.conftest import Office
from wxbot.db.administration import audit

SECOND = {"appid": "wx0123456789abcdef", "token": "secondsecondtoken22", "mode": "plain"}


def test_language_and_theme_are_kept(office: Office) -> None:
    browser = office.browser_of("viewer")
    assert 'lang="zh-CN" data-theme="auto"' in browser.get("/admin/me").text

    switched = browser.get("/admin/me?x=1&lang=en&theme=dark&y=%2F%2Fevil.test")

    assert (switched.status_code, switched.location) == (303, "/admin/me?x=1&y=%2F%2Fevil.test")
    page = browser.get("/admin/me").text
    assert 'lang="en" data-theme="dark"' in page and "My account" in page
    browser.get("/admin/me?theme=auto")
    assert 'lang="en" data-theme="auto"' in browser.get("/admin/me").text


@pytest.mark.parametrize("asked", ["lang=fr", "theme=pink", "lang=%22%3E", "theme=../../x"])
def test_what_there_is_not_changes_nothing(office: Office, asked: str) -> None:
    browser = office.browser_of("viewer")

    browser.get(f"/admin/me?{asked}")

    assert 'lang="zh-CN" data-theme="auto"' in browser.get("/admin/me").text


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ("/admin/channels/%0d%0aX:1", "/admin/channels/%0D%0AX:1"),
        ("/admin/channels/a%3fb", "/admin/channels/a%3Fb"),
        ("/admin/users/%E5%BC%A0", "/admin/users/%E5%BC%A0"),
        ("/admin/a%23b%25c", "/admin/a%23b%25c"),
    ],
)
def test_another_language_leads_to_the_same_address(office: Office, asked: str, path: str) -> None:
    browser = office.browser_of("owner")

    changed = browser.get(f"{asked}?lang=en&before=x")

    assert (changed.status_code, changed.location) == (303, f"{path}?before=x")
    assert f'href="{path}?lang=zh-CN"' in browser.get(asked).text
    assert office.browser().get(asked).location == f"/admin/login?{urlencode({'next': path}, safe='/:')}"


def test_the_login_can_be_read_in_both_languages(office: Office) -> None:
    browser = office.browser()

    assert "用户名" in browser.get("/admin/login").text
    assert browser.get("/admin/login?next=/admin/me&lang=en").location == "/admin/login?next=%2Fadmin%2Fme"
    page = browser.get("/admin/login?next=%2Fadmin%2Fme").text
    assert "User name" in page and 'name="next" value="/admin/me"' in page


def test_one_account_is_not_chosen(office: Office) -> None:
    page = office.browser_of("viewer").get("/admin/me").text

    assert "account=" not in page and '<details class="accounts"' not in page


@pytest.mark.parametrize("overrides", [{"accounts": {"second": SECOND}}])
def test_an_address_says_which_account_it_is_about(office: Office, overrides: dict[str, Any]) -> None:
    browser = office.browser_of("operator")

    first, second = browser.get("/admin/me").text, browser.get("/admin/me?account=second").text

    assert 'href="/admin/audit?account=default"' in first and 'href="/admin/me?account=second"' in first
    assert 'href="/admin/audit?account=second"' in second
    assert 'href="/admin/audit?account=second"' in browser.get("/admin/me").text  # as it was seen last
    assert 'href="/admin/audit?account=default"' in browser.get("/admin/me?account=default").text
    for unknown in ("third", "", "Default", "second\x00"):
        assert browser.get("/admin/me", query_string={"account": unknown}).status_code == 404


@pytest.mark.parametrize("overrides", [{"accounts": {"second": SECOND}}])
def test_forms_that_ask_keep_the_account(office: Office, overrides: dict[str, Any]) -> None:
    browser = office.browser_of("operator")
    made = {"name": "door", "title": "Door", "kind": "text"}
    browser.post("/admin/new-channel?account=second", page="/admin/me", **made)

    for path in ("", "leaderboard", "compare", "channels", "channels/door", "promoters", "audit", "events"):
        page = browser.get(f"/admin/{path}?account=second").text
        forms = [form.partition("</form>")[0] for form in page.split("<form")[1:]]
        asking = [form for form in forms if 'method="get"' in form]
        assert asking and all('name="account" value="second"' in form for form in asking), path


@pytest.mark.parametrize("overrides", [{"accounts": {"second": SECOND}}])
def test_a_change_is_noted_for_the_account_of_its_form(office: Office, overrides: dict[str, Any]) -> None:
    browser = office.browser_of("operator")
    browser.get("/admin/me?account=second")

    made = {"name": "door", "title": "Door", "kind": "text"}
    sent = browser.post("/admin/new-channel?account=default", page="/admin/me", **made)

    assert sent.status_code == 303 and "account=default" in sent.location
    with office.wx.bot.engine.connect() as connection:
        noted = connection.execute(select(audit.c.account, audit.c.subject).where(audit.c.action != "login"))
        assert [tuple(row) for row in noted] == [("default", "door")]
