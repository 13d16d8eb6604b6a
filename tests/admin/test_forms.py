"""Every change needs its role and the token of the page: each route is tried, in every wrong way."""

import re
from typing import Any

import pytest
from werkzeug.routing import Rule

from tests.admin.conftest import Browser, Office
from wxbot.admin import definitions
from wxbot.admin.roles import Role

# Their views are not behind the guard: test_login.py.
BEFORE_THE_GUARD = {"admin.login", "admin.log_in", "admin.log_out", "admin.static"}
# Looks somebody up, by what must not stand in an address.
CHANGES_NOTHING = ("/admin/followers",)
OWNERS_ONLY = ("/admin/users",)
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


def routes(office: Office) -> list[Rule]:
    """Return the guarded routes of the dashboard, whoever made them."""
    found = [rule for rule in office.app.url_map.iter_rules() if rule.rule.startswith("/admin")]
    return [rule for rule in found if rule.endpoint not in BEFORE_THE_GUARD]


def path_of(rule: Rule) -> str:
    return re.sub(r"<(?:int:)\w+>", "7", re.sub(r"<(?:path:)?\w+>", "nobody", rule.rule))


def changes(office: Office) -> list[str]:
    return [path_of(rule) for rule in routes(office) if "POST" in (rule.methods or ())]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"data": {"csrf": ""}},
        {"data": {"csrf": "0" * 64}},
        {"headers": {"X-CSRF-Token": "0" * 64}},
        {"json": {"csrf": "of"}},
        {"data": {"csrf": "of"}, "headers": {"Origin": "https://evil.test"}},
        {"data": {"csrf": "of"}, "headers": {"Origin": "null"}},
        {"data": {"csrf": "of"}, "headers": {"Sec-Fetch-Site": "cross-site"}},
        {"data": {"csrf": "of"}, "headers": {"Sec-Fetch-Site": "same-site"}},
    ],
    ids=str,
)
def test_no_change_is_made_for_another_site(office: Office, wrong: dict[str, Any]) -> None:
    browser = office.browser_of("owner")
    token = browser.token("/admin/me")
    sent = {
        key: {name: token if text == "of" else text for name, text in values.items()}
        for key, values in wrong.items()
    }

    answers = {path: browser.client.post(path, **sent).status_code for path in changes(office)}

    assert len(answers) > 8
    assert set(answers.values()) == {403}, answers


def test_a_token_of_somebody_else_is_none(office: Office) -> None:
    theirs = office.browser_of("viewer").token("/admin/me")
    browser = office.browser_of("owner")

    answers = {browser.client.post(path, data={"csrf": theirs}).status_code for path in changes(office)}

    assert answers == {403}


def test_only_the_methods_of_a_route_are_answered(office: Office) -> None:
    browser = office.browser_of("owner")
    token = browser.token("/admin/me")

    for rule in routes(office):
        known = {
            method for other in routes(office) if other.rule == rule.rule for method in other.methods or ()
        }
        for method in {"OPTIONS", "TRACE", *UNSAFE} - known:
            answer = browser.client.open(path_of(rule), method=method, data={"csrf": token})
            assert answer.status_code == 405, (method, rule.rule)


def test_a_viewer_changes_nothing_but_what_is_theirs(office: Office) -> None:
    browser = office.browser_of("viewer")
    token = browser.token("/admin/me")

    told = {
        path: browser.client.post(path, data={"csrf": token}).status_code
        for path in changes(office)
        if not path.startswith("/admin/me/") and path not in CHANGES_NOTHING
    }

    assert told and set(told.values()) == {403}, told


@pytest.mark.parametrize("name", [Role.OPERATOR, Role.VIEWER])
def test_users_are_for_owners(office: Office, name: str) -> None:
    browser = office.browser_of(name)
    token = browser.token("/admin/me")

    for rule in routes(office):
        if rule.rule.startswith(OWNERS_ONLY):
            for method in set(rule.methods or ()) - {"HEAD"}:
                answer = browser.client.open(path_of(rule), method=method, data={"csrf": token})
                assert answer.status_code == 403, rule.rule
    assert 'href="/admin/users"' not in browser.get("/admin/").text


def test_every_answer_has_the_strict_headers(office: Office) -> None:
    browser, stranger = office.browser_of("owner"), office.browser()
    paths = [path_of(rule) for rule in routes(office) if "GET" in (rule.methods or ())]

    answers = [
        each.get(path) for each in (browser, stranger) for path in ["/admin/login", "/admin/x/y", *paths]
    ]
    answers += [browser.client.post(path) for path in changes(office)]

    for answer in answers:
        policy = answer.headers["Content-Security-Policy"].split("; ")
        assert {
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        } <= set(policy)
        assert "unsafe" not in str(policy) and "script-src 'self'" in policy and "style-src 'self'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        if answer.mimetype == "text/event-stream":  # it goes on for minutes
            answer.close()
            continue
        assert not re.search(r"<script(?! src=)|<style| style=| on\w+=\"", answer.text)
        assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", answer.text)


def test_a_role_that_is_taken_away_counts_at_once(office: Office) -> None:
    browser = office.browser_of("owner")
    office.users.create("bo", password="another tree and words", role=Role.OWNER)
    assert browser.get("/admin/users").status_code == 200

    office.users.set_role("owner", Role.VIEWER)

    assert browser.get("/admin/users").status_code == 403


def test_a_form_that_is_too_large_is_refused(office: Office) -> None:
    browser = office.browser_of("owner")

    data = {"csrf": browser.token("/admin/me"), "now": "x" * 70_000}
    assert browser.client.post("/admin/me/password", data=data).status_code == 413


def test_a_fault_shows_a_number_and_nothing_else(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    browser = office.browser_of("owner")
    office.app.config["PROPAGATE_EXCEPTIONS"] = False
    office.app.view_functions["admin.auditing-index"] = broken

    page = browser.get("/admin/audit")

    assert page.status_code == 500
    number = re.search(r"<code>([0-9a-f]{8})</code>", page.text)
    assert number and f"number {number[1]}" in caplog.text
    assert "secret-of-the-fault" not in page.text and "Traceback" not in page.text


@pytest.mark.parametrize("status", [403, 404, 413, 500])
def test_somebody_logs_out_from_a_page_of_trouble(
    office: Office, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    browser = office.browser_of("viewer")
    office.app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr(definitions, "Page", broken)
    sent = {"csrf": browser.token("/admin/me"), "now": "x" * 70_000}
    page = {
        403: lambda: browser.get("/admin/users"),
        404: lambda: browser.get("/admin/nowhere"),
        413: lambda: browser.client.post("/admin/me/password", data=sent),
        500: lambda: browser.get("/admin/definitions"),
    }[status]()

    token = re.search(r'action="/admin/logout"><input type="hidden" name="csrf" value="(\w+)"', page.text)

    assert page.status_code == status and token
    browser.client.post("/admin/logout", data={"csrf": token[1]})
    assert browser.get("/admin/").status_code == 303


def broken(*_: object, **__: object) -> None:
    raise RuntimeError("secret-of-the-fault")


def test_the_pages_say_what_is_not_there(office: Office) -> None:
    browser: Browser = office.browser_of("viewer")

    for path in (
        "/admin/nowhere",
        "/admin/../etc/passwd",
        "/admin/?account=nobody",
        "/admin/static/../users.py",
    ):
        assert browser.get(path).status_code == 404, path
    assert "没有这个页面" in browser.get("/admin/nowhere").text
