"""The audit log says what a change has changed: both values of what is short, and that a reply is another."""

import json
import re
from html import unescape

import pytest
from sqlalchemy import select

from tests.admin.conftest import Browser, Office
from wxbot.admin.differences import told
from wxbot.admin.trail import Trail
from wxbot.admin.visit import Words
from wxbot.channels.channel import Details
from wxbot.channels.store import Wanted
from wxbot.db.administration import audit
from wxbot.wechat.replies import Text

LI = "/admin/promoters/li/edit"
S1 = "/admin/channels/s1/edit"
TYPED = {"title": "=1+1 {0}", "ends_at": "2030-01-01T08:00", "reply_kind": "text", "reply_text": "a long one"}


@pytest.fixture
def browser(office: Office) -> Browser:
    """Return an operator's browser, before a channel and a promoter."""
    channels = office.wx.bot.channels
    channels.promoters.create("default", "li", title="Li", target=5)
    details = Details(title="Old", tag="t0", reply=Text("hello"))
    channels.book.create("default", Wanted(name="s1", details=details))
    return office.browser_of("operator")


def changes(office: Office) -> list[tuple[str, object]]:
    with office.wx.bot.engine.connect() as connection:
        rows = connection.execute(select(audit.c.action, audit.c.detail).order_by(audit.c.id))
        return [(row.action, json.loads(row.detail)) for row in rows if row.action.endswith(".change")]


def shown(browser: Browser, language: str) -> str:
    page = browser.get("/admin/audit", headers={"Accept-Language": language}).text
    cell = re.search(r'<td class="small soft lines">(.*?)</td>', page, re.DOTALL)
    assert cell is not None
    return unescape(cell[1])


def test_target_that_was_changed_is_told_with_both_numbers_and_once(office: Office, browser: Browser) -> None:
    for _ in range(2):
        assert browser.post(LI, title="Li", target="500").status_code == 303

    assert changes(office) == [("promoter.change", {"changed": {"target": {"before": 5, "after": 500}}})]
    assert shown(browser, "zh-CN") == "目标人数：5 → 500"
    assert shown(browser, "en") == "Target: 5 → 500"


def test_channel_is_told_with_its_short_fields_and_without_its_replies(
    office: Office, browser: Browser
) -> None:
    for _ in range(2):
        assert browser.post(S1, **TYPED).status_code == 303

    assert len(changes(office)) == 1
    assert shown(browser, "zh-CN").split("\n") == [
        "显示名称：Old → =1+1 {0}",
        "标签：t0 → 无",
        "结束时间：无 → 2030-01-01 08:00:00",
        "回复",
    ]
    assert "a long one" not in str(changes(office)) and "hello" not in str(changes(office))


def test_title_that_is_emptied_and_is_the_name_already_is_no_change(office: Office, browser: Browser) -> None:
    office.wx.bot.channels.promoters.change("default", "li", {"title": "li"})

    assert browser.post(LI, title="", target="05").status_code == 303

    assert changes(office) == []


def test_lines_of_before_and_other_details_are_told_in_words(office: Office, browser: Browser) -> None:
    owner = office.browser_of("owner")
    owner.post("/admin/users/viewer/role", page="/admin/users/viewer", role="operator")
    assert shown(owner, "zh-CN").split("\n") == ["改前：只读", "改后：运营"]

    Trail(office.wx.bot.engine).add("channel.change", "s1", user=None, fields=["owner", "tag"], role="boss")
    assert shown(owner, "en").split("\n") == ["Owner", "Tag", "Role: boss"]


def test_detail_without_a_word_is_told_as_it_is() -> None:
    words = Words({"audit_detail": "{0}: {1}"})

    assert told({"made_of": [1], "changed": "x"}, words) == ["made_of: [1]", "changed: x"]
