"""The pages of figures: what strangers wrote stays text, and exports run nothing."""

import csv
import html
import io
import re
from pathlib import Path
from typing import Any

import pytest

from tests.admin.conftest import Office
from tests.admin.operating import elements
from tests.admin.pages import CSVS, PAGES, count, fill
from wxbot import spreadsheet
from wxbot.admin import boards

HOSTILE = "'\"></title><script>alert(1)</script><img src=x>{{ 7*7 }}"
FORMULA = "=cmd|' /C calc'!A0"
SIGNS = "=+-@＝＋－＠\t\r\n"


def test_hostile_words_add_no_element_to_any_page(
    tmp_path: Path, office: Office, overrides: dict[str, Any]
) -> None:
    fill(office, "benign")
    benign = office.browser_of("owner")
    expected = {path: elements(benign.get(path).text) for path in PAGES}

    (tmp_path / "twin").mkdir()
    twin = Office(tmp_path / "twin", overrides)
    try:
        people = fill(twin, HOSTILE)
        hostile = twin.browser_of("owner")
        found = {path: elements(hostile.get(path).text) for path in PAGES}
        persons = [elements(hostile.get(path).text) for path in people]
    finally:
        twin.wx.close()

    for path in PAGES:
        assert found[path] == expected[path], path
        assert len(expected[path]) > 50, path
    assert len(persons) == 3
    assert not [tag for page in persons for tag, _ in page if tag == "img"]


def test_exports_hold_no_formula(office: Office) -> None:
    fill(office, FORMULA)
    browser = office.browser_of("viewer")

    for path in CSVS:
        answer = browser.get(path)
        assert answer.status_code == 200
        assert answer.content_type == "text/csv; charset=utf-8"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.data.startswith("\ufeff".encode())
        rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"), newline=""), strict=True))
        assert len(rows) > 1
        assert len({len(row) for row in rows}) == 1
        # Numbers below zero are no formulas.
        texts = [cell for row in rows for cell in row if not cell.removeprefix("-").isdecimal()]
        assert not [cell for cell in texts if cell[:1] and cell[0] in SIGNS]


def test_figures_of_a_page_are_those_that_were_counted(office: Office) -> None:
    fill(office, "east")

    rows = office.browser_of("viewer").get("/admin/channels.csv").data.decode("utf-8-sig").splitlines()

    headings, *channels = list(csv.reader(rows))
    figures = [dict(zip(headings, each, strict=True)) for each in channels]
    assert [(each["名称"], each["扫码次数"], each["新增关注"], each["净增"]) for each in figures] == [
        ("shop-1", "2", "2", "2"),
        ("shop-2", "1", "1", "1"),
    ]


def test_export_of_promoters_says_who_is_archived(office: Office) -> None:
    browser = office.browser_of("operator")
    for name in ("han", "li"):
        browser.post("/admin/new-promoter", name=name, title=name, target="")
    browser.post("/admin/promoters/li/archive")

    rows = list(csv.DictReader(browser.get("/admin/promoters.csv").data.decode("utf-8-sig").splitlines()))

    assert [(each["名称"], each["状态"]) for each in rows] == [("han", "在用"), ("li", "已归档")]


def test_export_of_a_board_has_each_line_once_while_more_is_counted(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "_EXPORT_PAGE", 1)
    monkeypatch.setattr(spreadsheet, "_PIECE", 1)
    fill(office, "east")  # two people by shop-1, one by shop-2
    pieces = office.browser_of("viewer").get("/admin/leaderboard.csv").iter_encoded()

    begun = next(pieces) + next(pieces)
    for name in ("dai", "eve"):
        office.wx.user(name, follows=False).scan("shop-2")
    count(office)
    text = b"".join([begun, *pieces]).decode("utf-8-sig")

    assert [row[0] for row in csv.reader(text.splitlines())][1:] == ["shop-1", "shop-2"]


def test_every_figure_leads_to_its_definition(office: Office) -> None:
    fill(office, "east")
    browser = office.browser_of("viewer")

    definitions = browser.get("/admin/definitions").text
    for path in PAGES:
        page = browser.get(path)
        if page.status_code == 403:  # a form
            continue
        for link in page.text.split('class="term" href="')[1:]:
            address, _, anchor = link.split('"')[0].partition("#")
            assert address == "/admin/definitions"
            assert f'id="{anchor}"' in definitions
    assert "每天的扫码人数相加，不一定等于" in browser.get("/admin/").text
    assert "流失和实时流失是两种看法" in definitions
    assert "两边的日期对不上" in definitions


def test_dates_that_cannot_be_are_answered_with_those_that_can(office: Office) -> None:
    page = office.browser_of("viewer").get("/admin/?first=2200-12-31&last=2201-01-01").text

    assert "要在 2010-01-01 到 2200-12-31 之间" in page
    assert '<details class="dates" open>' in page
    assert 'value="2200-12-31"' in page and 'value="2201-01-01"' in page


def test_old_days_without_anybody_new_are_not_called_too_early(office: Office) -> None:
    fill(office, "east")
    browser = office.browser_of("viewer")

    old = browser.get("/admin/channels/shop-1?first=2020-01-01&last=2020-01-31").text
    today = browser.get("/admin/channels/shop-1?days=1").text

    assert ("还没到时间" in old, "还没到时间" in today) == (False, True)
    assert "这段时间没有数据" in old


@pytest.mark.parametrize("path", ["/admin/promoters/li?days=7", "/admin/leaderboard?by=group&days=7"])
def test_figures_lead_to_all_channels_that_they_are_of(office: Office, path: str) -> None:
    fill(office, "east")
    browser = office.browser_of("operator")
    browser.post("/admin/channels/shop-2/archive")

    page = browser.get(path).text
    (address,) = re.findall(r'href="(/admin/channels\?[^"]+)"', page)
    listed = browser.get(html.unescape(address)).text

    assert "/admin/channels/shop-1?days=7" in listed and "/admin/channels/shop-2?days=7" in listed


def test_channels_are_found_by_their_promoter_in_a_field_that_shows(office: Office) -> None:
    fill(office, "east")
    browser = office.browser_of("operator")
    browser.post("/admin/channels/shop-2/edit", page="/admin/channels/shop-2/edit", promoter="")
    browser.post("/admin/channels/shop-1/archive")

    theirs = browser.get("/admin/channels?promoter=li&state=all").text

    assert "/admin/channels/shop-1?" in theirs and "/admin/channels/shop-2?" not in theirs
    assert re.search('<input id="f-promoter" name="promoter" type="text" value="li"', theirs)
    assert "已归档" in browser.get("/admin/promoters/li").text


def test_comparison_leaves_out_what_is_not_there_and_keeps_the_rest_for_other_days(office: Office) -> None:
    made = {"name": "door", "title": "Front door", "group": "East", "kind": "text"}
    office.browser_of("operator").post("/admin/new-channel", page="/admin/me", **made)
    browser = office.browser_of("viewer")

    page = browser.get("/admin/compare?name=door&name=Front+door").text
    groups = browser.get("/admin/compare?by=group&name=East&name=Eest").text
    board = browser.get(f"/admin/leaderboard?page=000001{'9' * 20}")

    assert "没有名称是“Front door”的" in page and "不是显示名称" in page
    assert "没有名称是“Eest”的" in groups and "没有名称是“East”的" not in groups
    assert page.count('<input type="hidden" name="name" value="door">') == 1
    assert 'scope="col" class="n">Front door' in page
    assert board.status_code == 200 and browser.get("/admin/channels?endpoint=x&self=y").status_code == 200
