"""Whoever is logged in sees no secret of the settings and nobody's openid, on whatever page or file."""

import re
from typing import Any

import pytest

from tests.admin import operating, pages
from tests.admin.conftest import Office
from tests.hostile.test_canaries import SETTINGS, found
from wxbot.api.keys import Keys

HREF = re.compile(r'(?:href|action)="(/[^"#]*)"')
NOT_FOLLOWED = re.compile(r"/admin/(?:logout|static)|[?&](?:lang|theme)=")
MOST_PAGES = 250


@pytest.fixture
def overrides() -> dict[str, Any]:
    """Return settings in which every secret is a canary."""
    return SETTINGS


def secrets_of(settings: Any) -> list[str]:
    """Return all texts of the settings that are secret."""
    if isinstance(settings, dict):
        return [each for value in settings.values() for each in secrets_of(value)]
    return [settings.rpartition("@")[0].rpartition(":")[2] or settings]


@pytest.mark.timeout(300)
def test_no_page_of_the_dashboard_says_a_secret(office: Office) -> None:
    canary = office.wx.user("canary")
    canary.scan("vip")
    key = Keys(office.wx.bot.engine).create("canary").text
    waiting = [*pages.fill(office, "door"), *operating.fill(operating.Work(office.wx), ["door"])]
    waiting += [*pages.PAGES, *pages.CSVS, "/admin/health", "/admin/routes", "/admin/users", "/admin/own"]
    browser, seen, sung = office.browser_of("owner"), set(), []
    canaries = (*secrets_of(SETTINGS), canary.openid, key[17:], browser.cookie())

    while waiting and len(seen) < MOST_PAGES:
        path = waiting.pop(0)
        if path in seen or NOT_FOLLOWED.search(path):
            continue
        seen.add(path)
        answer = browser.get(path)
        if answer.is_streamed and "event-stream" in answer.content_type:
            answer.close()
            continue
        text = f"{answer.headers} {answer.get_data(as_text=True)}"
        sung += found(path, text, *canaries)
        if answer.content_type.startswith("text/html"):
            waiting += HREF.findall(answer.text.replace("&amp;", "&"))

    assert sung == []
    assert len(seen) > 60 and any(path.endswith(".csv") for path in seen)
