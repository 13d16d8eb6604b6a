"""The pages with which a bot is run, in a real browser: what is new shows by itself, and keys suffice."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.admin.conftest import PASSWORD
from tests.admin.operating import Work
from tests.services import fresh_database_url
from wxbot.admin.roles import Role
from wxbot.admin.users import Users
from wxbot.emulator.threaded import Running
from wxbot.testing import Wx

# A browser on a busy machine takes its time.
pytestmark = pytest.mark.timeout(240)


class Rooms:
    """A dashboard that people open in windows in which nothing may go wrong or leave this machine."""

    def __init__(self, wx: Wx, url: str, browser: Browser) -> None:
        self.work = Work(wx)
        self.url = url
        self.wrong: list[str] = []
        self._browser = browser

    def enter(self, **options: Any) -> Page:
        """Log in with a browser of its own."""
        context: BrowserContext = self._browser.new_context(base_url=self.url, **options)
        page = context.new_page()
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("console", lambda line: self.wrong.append(line.text) if line.type == "error" else None)
        page.on(
            "request", lambda sent: None if sent.url.startswith(self.url) else self.wrong.append(sent.url)
        )
        page.goto("/admin/login")
        page.locator("[name=name]").fill("owner")
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("[name=password]").press("Enter")
        page.wait_for_url("**/admin/")
        return page


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Rooms]:
    """Return a dashboard and its owner."""
    folder = tmp_path_factory.mktemp("rooms")
    wx = Wx(folder, database_url=fresh_database_url(folder))
    Users(wx.bot.engine).create("owner", password=PASSWORD, role=Role.OWNER)
    with Running(wx.app) as bot:
        yield Rooms(wx, bot.url, browser)
        for context in browser.contexts:
            context.close()
    wx.close()


def test_new_event_shows_by_itself(rooms: Rooms) -> None:
    page = rooms.enter(locale="en")
    page.goto("/admin/events")
    page.get_by_role("link", name="Live").click()
    expect(page.get_by_role("link", name="Stop")).to_be_visible()

    rooms.work.event(scene="just-now")

    expect(page.get_by_role("cell", name="just-now")).to_be_visible()
    assert rooms.wrong == []


def test_new_event_shows_while_a_link_has_the_focus_which_it_keeps(rooms: Rooms) -> None:
    rooms.work.event(scene="first")
    page = rooms.enter(locale="en")
    page.goto("/admin/events?live=1")
    link = page.get_by_role("row").filter(has_text="first").first.get_by_role("link")
    link.focus()

    rooms.work.event(scene="while-focused")

    expect(page.get_by_role("cell", name="while-focused")).to_be_visible()
    expect(link).to_be_focused()
    assert rooms.wrong == []


def test_link_that_is_being_pressed_opens_though_something_new_has_come(rooms: Rooms) -> None:
    id = rooms.work.event(scene="pressed")
    page = rooms.enter(locale="en")
    page.goto("/admin/events?live=1")
    page.get_by_role("row").filter(has_text="pressed").get_by_role("link").hover()
    page.mouse.down()

    rooms.work.event(scene="during-the-press")
    for _ in range(2):  # the first one may have been asked for before the event
        with page.expect_response(lambda answer: answer.url.endswith("/admin/events?live=1")):
            pass
    page.mouse.up()

    page.wait_for_url(f"**/admin/events/{id}")
    assert rooms.wrong == []


def test_address_typed_under_another_kind_of_reply_does_not_hold_the_form_up(rooms: Rooms) -> None:
    page = rooms.enter(locale="en")
    page.goto("/admin/new-channel")
    page.locator("#f-name").fill("typed-elsewhere")
    page.locator("[name=reply_kind][value=news]").check()
    page.locator("#f-reply_0_url").fill("www.example.com")
    page.locator("[name=reply_kind][value=text]").check()
    page.locator("#f-reply_text").fill("hello")

    page.get_by_role("button", name="Save").click()

    page.wait_for_url("**/admin/channels/typed-elsewhere")
    assert rooms.wrong == []


def test_job_is_done_again_with_the_keyboard_alone(rooms: Rooms) -> None:
    job = rooms.work.job(name="shop.keyboard")
    page = rooms.enter(locale="en")
    page.goto(f"/admin/jobs/{job}")

    page.get_by_text("Do it again", exact=True).press("Enter")
    page.get_by_role("button", name="Yes, do it again").press("Enter")

    expect(page.get_by_role("status")).to_contain_text("queued again")
    assert rooms.wrong == []
