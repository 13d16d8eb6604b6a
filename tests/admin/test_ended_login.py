"""A form sent after the login has ended: nothing is done, a page says so, and what was typed is kept."""

import re
from html import unescape

import pytest
from werkzeug.test import TestResponse

from tests.admin.conftest import Browser, Office
from wxbot.wechat.replies import Text

NEW = "/admin/new-channel"
TYPED = {"name": "s1", "title": '东"门<店', "reply_kind": "text", "reply_text": "一\r\n二"}


def hidden(answer: TestResponse) -> dict[str, str]:
    """Return what the form of a page sends that holds what was typed."""
    form = re.search(r'<form method="post">(.*?)</form>', answer.text, re.DOTALL)
    assert form is not None
    fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form[1])
    return {name: unescape(value) for name, value in fields}


def test_form_without_a_login_is_answered_in_words_with_the_way_to_the_login(office: Office) -> None:
    stranger = office.browser()

    told = stranger.client.post(NEW, data={"csrf": "y", **TYPED})
    english = stranger.client.post(NEW, data=TYPED, headers={"Accept-Language": "en"})

    assert told.status_code == english.status_code == 401
    assert "登录已失效" in told.text and "刚才的操作没有执行" in told.text
    assert "Nothing was changed" in english.text
    assert '<a class="button primary" href="/admin/login" target="_blank"' in told.text


def test_what_was_typed_is_sent_once_more_after_the_login(office: Office, browser: Browser) -> None:
    browser.client.delete_cookie("wxbot_session")

    ended = browser.client.post(NEW, data={"csrf": "of the session that has ended", **TYPED})
    browser.log_in("operator")
    asked = browser.client.post(NEW, data=hidden(ended))

    assert asked.status_code == 403 and "您填的内容都还在" in asked.text
    with_token = hidden(asked)
    assert with_token.pop("csrf") and with_token == TYPED
    book = office.wx.bot.channels.book
    assert book.listed(["default"]) == []
    assert browser.client.post(NEW, data=hidden(asked)).status_code == 303
    made = book.find("default", "s1")
    assert (made.title, made.reply) == ('东"门<店', Text("一\n二"))


@pytest.mark.parametrize("is_logged_in", [True, False])
def test_nothing_is_given_back_of_what_another_site_has_sent(
    office: Office, browser: Browser, is_logged_in: bool
) -> None:
    sender = browser if is_logged_in else office.browser()

    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.test"}):
        answer = sender.client.post(NEW, data=TYPED, headers=headers)
        assert answer.status_code == (403 if is_logged_in else 401)
        assert "reply_text" not in answer.text and "重新提交" not in answer.text


@pytest.mark.parametrize("path", ["/admin/users", "/admin/me/password", "/admin/users/viewer/password"])
def test_passwords_are_never_given_back(office: Office, browser: Browser, path: str) -> None:
    for sender in (office.browser(), browser):
        answer = sender.client.post(path, data={"password": "hush hush hush", "now": "hush", "name": "x"})
        assert answer.status_code in (401, 403)
        assert "hush" not in answer.text and 'name="password"' not in answer.text


def test_somebody_logs_out_on_a_page_that_is_not_there_too(browser: Browser) -> None:
    token = browser.token("/admin/nowhere")

    browser.client.post("/admin/logout", data={"csrf": token})

    assert browser.get("/admin/").status_code == 303


@pytest.fixture
def browser(office: Office) -> Browser:
    """Return an operator's browser."""
    return office.browser_of("operator")
