"""Two who have the same form open do not undo each other: what one left alone stays, and a clash is told."""

import re
from html import unescape

import pytest

from tests.admin.conftest import Browser, Office
from wxbot.channels.channel import Channel, Details
from wxbot.channels.store import Wanted
from wxbot.wechat.replies import Article, News, Text

S1 = "/admin/channels/s1/edit"
LI = "/admin/promoters/li/edit"


@pytest.fixture
def browser(office: Office) -> Browser:
    """Return an operator's browser, before a channel and a promoter."""
    channels = office.wx.bot.channels
    channels.promoters.create("default", "li", title="Li", target=5)
    details = Details(title="Old", tag="t0", reply=Text("hello"), reply_new=News([Article("one")]))
    channels.book.create("default", Wanted(name="s1", details=details))
    return office.browser_of("operator")


def form(html: str) -> dict[str, str]:
    """Return the form of a page as a browser would send it."""
    shown = re.search(r'<form method="post" class="form.*?</form>', html, re.DOTALL)
    assert shown is not None
    sent = {}
    for tag in re.findall("<input[^>]*>", shown[0]):
        about = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        if about["type"] not in ("radio", "checkbox") or " checked" in tag:
            sent[about["name"]] = unescape(about.get("value", ""))
    texts = re.findall(r'<textarea [^>]*name="([^"]*)"[^>]*>(.*?)</textarea>', shown[0], re.DOTALL)
    return sent | {name: unescape(text).replace("\n", "\r\n") for name, text in texts}


def opened(browser: Browser, path: str) -> dict[str, str]:
    return form(browser.get(path).text)


def channel(office: Office) -> Channel:
    return office.wx.bot.channels.book.find("default", "s1")


def test_second_tab_leaves_what_the_first_has_changed(office: Office, browser: Browser) -> None:
    first, second = opened(browser, S1), opened(browser, S1)
    new = {"reply_new_kind": "text", "reply_new_text": "first time"}

    browser.client.post(S1, data=first | {"title": "New", "reply_text": "a\r\nb"} | new)
    answer = browser.client.post(S1, data=second | {"tag": "t1"})

    assert answer.status_code == 303
    known = channel(office)
    assert (known.title, known.reply, known.reply_new) == ("New", Text("a\nb"), Text("first time"))
    assert known.tag == "t1"


def test_title_of_a_promoter_may_be_changed_beside_the_target(office: Office, browser: Browser) -> None:
    first, second = opened(browser, LI), opened(browser, LI)

    browser.client.post(LI, data=first | {"target": "500"})
    answer = browser.client.post(LI, data=second | {"title": "Li Ming"})

    assert answer.status_code == 303
    known = office.wx.bot.channels.promoters.find("default", "li")
    assert (known.title, known.target) == ("Li Ming", 500)


@pytest.mark.parametrize(
    ("path", "clash", "theirs", "mine"),
    [
        (S1, "title", {"title": "Theirs", "tag": "t1"}, {"title": "Mine"}),
        (LI, "target", {"target": "500", "title": "Theirs"}, {"target": "50"}),
    ],
)
def test_field_that_both_have_changed_is_told_and_what_was_typed_stays(
    browser: Browser, path: str, clash: str, theirs: dict[str, str], mine: dict[str, str]
) -> None:
    first, second = opened(browser, path), opened(browser, path)
    browser.client.post(path, data=first | theirs)

    told = browser.client.post(path, data=second | mine)

    assert told.status_code == 422
    assert f"刚刚有人改成了“{theirs[clash]}”，请核对" in told.text
    again = form(told.text)
    # What the first has changed beside it is shown as it is by now, and stays.
    assert {name: again[name] for name in theirs} == theirs | mine
    assert browser.client.post(path, data=again).status_code == 303
    saved = opened(browser, path)
    assert {name: saved[name] for name in theirs} == theirs | mine


@pytest.mark.parametrize(
    ("theirs", "told"),
    [
        ({"tag": "", "reply_text": "theirs"}, "刚刚有人清空了这一项，请核对"),
        ({"reply_text": "theirs"}, "刚刚有人改过，请核对"),
    ],
)
def test_emptied_field_and_reply_are_told_too(
    office: Office, browser: Browser, theirs: dict[str, str], told: str
) -> None:
    first, second = opened(browser, S1), opened(browser, S1)
    browser.client.post(S1, data=first | theirs)

    answer = browser.client.post(S1, data=second | {"tag": "mine", "reply_text": "mine"})

    assert answer.status_code == 422 and told in answer.text
    assert channel(office).reply == Text("theirs")
    assert form(answer.text)["reply_text"] == "mine"


def test_what_both_have_typed_alike_is_no_clash(browser: Browser) -> None:
    first, second = opened(browser, S1), opened(browser, S1)

    answers = [browser.client.post(S1, data=each | {"title": "Same"}).status_code for each in (first, second)]

    assert answers == [303, 303]
