"""When an owner sees something: the first paint of the overview in a browser that has nothing in store."""

import shutil
import statistics
from collections.abc import Sequence

from playwright.sync_api import Browser, StorageState, sync_playwright

from bench.scale.asking import new_owner
from wxbot.emulator.threaded import Running
from wxbot.testing import Wx

LIMIT_SECONDS = 1.0
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_PAINTED = """() => new Promise((tell) => new PerformanceObserver((list) => list.getEntries()
  .filter((each) => each.name === "first-contentful-paint").forEach((each) => tell(each.startTime / 1000)))
  .observe({type: "paint", buffered: true}))"""


def browser_program() -> str | None:
    """Return the path of a Chromium, None where there is none."""
    return next(filter(None, map(shutil.which, _BROWSERS)), None)


def paints(wx: Wx, program: str, *, rounds: int) -> list[float]:
    """Return after how many seconds the overview was painted first, in a browser without a store."""
    with Running(wx.app) as running, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        state = _logged_in(browser, wx, running.url)
        found = [_paint(browser, state, f"{running.url}/admin/") for _ in range(rounds + 1)]
        browser.close()
    return found[1:]  # the first one warms up


def told(found: Sequence[float]) -> str:
    """Return the line of it."""
    middle, worst = statistics.median(found) * 1000, max(found) * 1000
    return f"first contentful paint of the overview: {middle:.0f} ms, at worst {worst:.0f}"


def _logged_in(browser: Browser, wx: Wx, url: str) -> StorageState:
    name, password = new_owner(wx)
    context = browser.new_context(base_url=url)
    page = context.new_page()
    page.goto("/admin/login")
    page.fill("#name", name)
    page.fill("#password", password)
    page.click("button.primary")
    page.wait_for_url("**/admin/")
    state = context.storage_state()
    context.close()
    return state


def _paint(browser: Browser, state: StorageState, address: str) -> float:
    context = browser.new_context(storage_state=state)
    page = context.new_page()
    page.goto(address)
    seconds = float(page.evaluate(_PAINTED))
    context.close()
    return seconds
