"""Every page of the dashboard in a browser: both languages, both themes, on a desk and on a phone.

With WXBOT_LONG=1 each page is looked at in all combinations instead of two. WXBOT_SCREENSHOTS names a folder
that gets a picture of each.
"""

import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests import npm
from tests.admin import operating, pages
from tests.admin.conftest import PASSWORD, Office
from wxbot.emulator.threaded import Running

AXE = "axe-core@4.14.1"
AXE_RUN = """async () => {
  const found = await axe.run(document, {resultTypes: ["violations"]});
  return found.violations
    .filter((each) => ["serious", "critical"].includes(each.impact))
    .map((each) => `${each.id}: ${each.nodes.slice(0, 3).map((node) => node.html.slice(0, 160))}`);
}"""
WEIGHT = """[...performance.getEntriesByType("resource"), ...performance.getEntriesByType("navigation")]
  .reduce((sum, each) => sum + each.decodedBodySize, 0)"""
LARGEST_BYTES = 150_000
WIDER = "document.documentElement.scrollWidth - innerWidth"


class Sight(NamedTuple):
    """How a page is looked at."""

    language: str
    theme: str
    width: int


ALL = [Sight(*each) for each in itertools.product(("zh-CN", "en"), ("light", "dark"), (1280, 360))]
SHORT = [Sight("zh-CN", "light", 360), Sight("en", "dark", 1280)]
SIGHTS = ALL if os.environ.get("WXBOT_LONG") else SHORT


class Visitor:
    """An owner's browser, and what went wrong in it."""

    def __init__(self, browser: Browser, url: str, axe: str) -> None:
        self.context = browser.new_context(locale="zh-CN")
        self.context.add_init_script(axe)
        self.page: Page = self.context.new_page()
        self.url = url
        self.wrong: list[str] = []
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", self._note)
        self.page.on("request", self._check)

    def log_in(self) -> None:
        self.page.goto(f"{self.url}/admin/login")
        self.page.fill("#name", "owner")
        self.page.fill("#password", PASSWORD)
        self.page.click("button.primary")
        self.page.wait_for_url("**/admin/")

    def look(self, path: str, sight: Sight) -> list[str]:
        """Open a page, and return what is wrong with it."""
        self.page.set_viewport_size({"width": sight.width, "height": 900})
        join = "&" if "?" in path else "?"
        answer = self.page.goto(f"{self.url}{path}{join}lang={sight.language}&theme={sight.theme}")
        wrong = [] if answer is not None and answer.status == 200 else [f"status {answer and answer.status}"]
        if self.page.evaluate(WIDER) > 0:
            wrong.append("wider than the window")
        # A page that came with its stylesheet from the browser's own store counts it all the same.
        weight = self.page.evaluate(WEIGHT)
        if not 5_000 < weight < LARGEST_BYTES:
            wrong.append(f"{weight} bytes")
        _keep(self.page, path, sight)
        return [*wrong, *self.page.evaluate(AXE_RUN)]

    def links(self) -> list[str]:
        """Return the pages of the dashboard to which this one leads."""
        found: list[str] = self.page.eval_on_selector_all(
            "a[href]", "(all) => all.map((each) => each.getAttribute('href'))"
        )
        return [each.partition("#")[0] for each in found if each.startswith("/admin/")]

    def _note(self, line: Any) -> None:
        if line.type == "error":
            self.wrong.append(line.text)

    def _check(self, request: Any) -> None:
        if not request.url.startswith((self.url, "data:")):
            self.wrong.append(f"asked {request.url}")


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the checker of accessibility, a script."""
    return (npm.install(AXE, tmp_path_factory.mktemp("axe")) / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A dashboard whose bot has been at work."""
    office = Office(tmp_path, {})
    pages.fill(office, "东门店")
    list(operating.fill(operating.Work(office.wx), ["vip"]))
    yield office
    office.wx.close()


@pytest.mark.timeout(1200 if os.environ.get("WXBOT_LONG") else 300)
def test_every_page_is_readable_for_everybody(office: Office, browser: Browser, axe: str) -> None:
    with Running(office.app) as running:
        visitor = Visitor(browser, running.url, axe)
        before = [
            f"login {sight}: {each}" for sight in SIGHTS for each in visitor.look("/admin/login", sight)
        ]
        visitor.log_in()
        seen, wrong = walk(office, visitor)
        visitor.context.close()

    assert not before + wrong, "\n".join(before + wrong)
    assert not visitor.wrong
    assert pages_of(office) <= seen


def walk(office: Office, visitor: Visitor) -> tuple[set[str], list[str]]:
    """Follow the links from the first page on; each address of the dashboard is looked at once."""
    ahead, seen, wrong = ["/admin/"], set(), []
    for path in ahead:
        endpoint = endpoint_of(office, path)
        if endpoint in seen or endpoint not in pages_of(office):
            continue
        seen.add(endpoint)
        for sight in SIGHTS:
            wrong += [f"{path} {sight}: {each}" for each in visitor.look(path, sight)]
        ahead += visitor.links()
    return seen, wrong


def endpoint_of(office: Office, path: str) -> str:
    """Return the name of the page at an address."""
    match = office.app.url_map.bind("localhost").match(urlsplit(path).path, method="GET")
    return str(match[0])


def pages_of(office: Office) -> set[str]:
    """Return the names of all pages: what can be looked at, and is no file and no stream."""
    files = re.compile(r"/admin/static/|\.csv$|code\.|/stream|/live|/tail|path:|/login$")
    return {
        rule.endpoint
        for rule in office.app.url_map.iter_rules()
        if rule.rule.startswith("/admin/") and "GET" in (rule.methods or ()) and not files.search(rule.rule)
    }


def _keep(page: Page, path: str, sight: Sight) -> None:
    if folder := os.environ.get("WXBOT_SCREENSHOTS"):
        name = re.sub("[^a-z0-9-]+", "_", f"{path}-{sight.language}-{sight.theme}-{sight.width}".lower())
        page.screenshot(path=Path(folder) / f"{name.strip('_')}.png", full_page=True)
