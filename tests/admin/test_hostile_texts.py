"""What strangers can write, a scene above all, is text on every page and never a part of it."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.admin.conftest import Office
from tests.admin.operating import OPENID, Work, elements, fill

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</td></tr></table><h1>owned</h1>",
    "</textarea></title></style></script><svg onload=alert(1)>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% include 'admin/base.html' %}${7*7}",
    "]]></EventKey><Event>subscribe</Event><![CDATA[",
    "&lt;b&gt;&#60;script&#62;&amp;quot;",
    "<!-- <base href=//evil.example> -->",
    "a\u202eb\u2066c\u200d\ufeffd",
    "line\r\nSet-Cookie: a=b\n\tnext",
    '=HYPERLINK("http://evil.example")',
    "<" * 255,
    "'; DROP TABLE events; --",
    "%00%0a%3Cscript%3E../../etc/passwd",
    "长" * 255,
]
# As long, and of the same kind: what has a line of its own has one in the twin.
BENIGN = [f"shop-{number}" for number in range(len(HOSTILE))]


@pytest.fixture
def twin(tmp_path: Path, overrides: dict[str, Any]) -> Any:
    """Return a second dashboard."""
    folder = tmp_path / "twin"
    folder.mkdir()
    office = Office(folder, overrides)
    yield office
    office.wx.close()


@pytest.mark.timeout(240)
def test_hostile_texts_add_no_element_to_any_page(office: Office, twin: Office) -> None:
    pages = [list(fill(Work(each.wx), texts)) for each, texts in ((office, HOSTILE), (twin, BENIGN))]
    ours, theirs = office.browser_of("owner"), twin.browser_of("owner")

    for hostile, benign in zip(*pages, strict=True):
        shown, plain = ours.get(hostile), theirs.get(benign)
        assert (shown.status_code, plain.status_code) == (200, 200), hostile
        assert elements(shown.text) == elements(plain.text), hostile


def test_hostile_addresses_add_no_element(office: Office) -> None:
    browser = office.browser_of("viewer")
    Work(office.wx).event()

    for path in ("events?scene={0}&handler={0}", "jobs?name={0}", "claims?subject={0}", "routes?scene={0}"):
        plain = elements(browser.get(f"/admin/{path.format('shop-1')}").text)
        for text in HOSTILE:
            shown = browser.get(f"/admin/{path.format(quote(text))}")
            assert shown.status_code == 200 and elements(shown.text) == plain, (path, text)


def test_addresses_that_no_database_takes_are_answered(office: Office) -> None:
    browser = office.browser_of("viewer")
    nul = "%00"

    for path in (
        f"events?scene={nul}&handler={nul}&kind={nul}&outcome={nul}&person={nul}&since={nul}&until={nul}",
        f"jobs?name={nul}&state={nul}",
        f"claims?subject={nul}&purpose={nul}&state={nul}&person={nul}",
        f"routes?scene=a{nul}b&when={nul}",
        f"numbers?number={nul}&state={nul}",
        f"channels?q={nul}&group={nul}&promoter={nul}&state={nul}&after={nul}",
        f"channels.csv?q=a{nul}b",
        "compare?first=0001-06-01&last=0001-06-01&against=year",
        "events?since=9999-12-31T23:59&until=0001-01-01T00:00",
        "numbers?number=999999",
    ):
        assert browser.get(f"/admin/{path}").status_code == 200, path
    for path in (f"events/{nul}", f"jobs/{nul}", f"claims/{nul}", f"webhooks/{nul}", f"webhooks/{nul}/{nul}"):
        assert browser.get(f"/admin/{path}").status_code == 404, path
    for place in ("bogus", "WzFd", "WzEsImEiXQ", "WzkyMjMzNzIwMzY4NTQ3NzU4MDgsImEiXQ", nul):
        for name in ("events", "jobs", "claims", "numbers"):
            assert browser.get(f"/admin/{name}?before={place}").status_code in (200, 404), (name, place)


def test_nobodys_openid_is_on_a_page(office: Office) -> None:
    pages = list(fill(Work(office.wx), ["door"]))
    browser = office.browser_of("owner")

    for path in (*pages, "/admin/routes", "/admin/health", "/admin/"):
        page = browser.get(path).text
        assert OPENID not in page and "very-secret-path" not in page and "hush" not in page, path
