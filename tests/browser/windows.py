"""The two windows of a journey: the shop in one browser, the phone in another, as they are in life."""

import itertools
import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.dev import Dev

_ASKED = re.compile(r"(?:请回复数字|send the number) (\d{4}) (?:完成绑定|to link it)")
# Not id(): that of a window that is gone is given to another one.
_marks = itertools.count(1)


class Shop:
    """A window of the shop."""

    def __init__(self, page: Page, dev: Dev) -> None:
        self.page = page
        self.dev = dev
        page.goto(dev.shop)

    @property
    def binding(self) -> Locator:
        """The part of an order's page that shows where its code stands."""
        return self.page.get_by_test_id("binding")

    @property
    def linking(self) -> Locator:
        """The part of an account's page that shows which WeChat it is linked to."""
        return self.page.get_by_test_id("linking")

    @property
    def ticket(self) -> str:
        """The ticket of the code that is shown."""
        return str(self.page.get_by_test_id("qr").get_attribute("data-ticket"))

    def order(self, product: str) -> None:
        """Order one of the goods."""
        self.page.goto(self.dev.shop)
        self.press(f"buy-{product}")

    def sign_in(self) -> None:
        """Sign in with the demo account, with nothing left of what other tests did with it."""
        self.page.goto(f"{self.dev.shop}/login")
        self.press("login-demo")
        undo = self.page.get_by_test_id("unlink").or_(self.page.get_by_test_id("cancel"))
        link = self.page.get_by_test_id("link")
        undo.or_(link).first.wait_for()
        if undo.first.is_visible():
            undo.first.click()
        expect(link).to_be_visible()

    def press(self, button: str) -> None:
        """Press a button."""
        self.page.get_by_test_id(button).click()

    def fits(self) -> bool:
        """Say whether the page needs no scrolling to the side."""
        return _fits(self.page)


class Phone:
    """A window of the phone page, with an Ailin who follows and a Bo who does not, both new."""

    def __init__(self, page: Page, dev: Dev) -> None:
        self.page = page
        self._dev = dev
        self._mark = next(_marks)
        self._people = {name: self._add(name) for name in ("Ailin", "Bo")}
        self._gesture("Ailin", "follow")
        page.goto(dev.url)

    @property
    def last(self) -> Locator:
        """The last bubble of the person whose phone is looked at."""
        return self.page.get_by_test_id("bubble").last

    @property
    def asked_number(self) -> str:
        """The number that the last message asks for before an account is linked."""
        expect(self.last).to_contain_text(_ASKED)
        return str(_ASKED.findall(self.last.inner_text())[0])

    def scan(self, ticket: str, name: str) -> None:
        """Let somebody scan a code, and follow if that is asked for; wait for the answer."""
        self.page.wait_for_timeout(1100)  # the same person's scans within one second are one event
        exchanges = self._count(self._people[name])
        self.page.goto("about:blank")
        self.page.goto(f"{self._dev.url}/#scan={ticket.replace('+', '%2B')}")
        self.page.get_by_test_id(f"scan-as-{self._named(name)}").click()
        # Until then the page shows somebody else, whose exchanges must not be taken for theirs.
        expect(self.page.get_by_test_id(f"person-{self._named(name)}")).to_have_attribute(
            "aria-current", "true"
        )
        self._follow_if_asked(exchanges)

    def take(self, name: str) -> None:
        """Look at somebody's phone."""
        self.page.get_by_test_id(f"person-{self._named(name)}").click()

    def tap_link(self) -> Page:
        """Tap the link in the last message; return the page that it opens."""
        with self.page.context.expect_page() as opened:
            self.last.locator("a").click()
        opened.value.wait_for_load_state()
        return opened.value

    def newest_ticket(self, prefix: str) -> str:
        """Return the ticket of the newest code whose scene begins so, as the page lists it on top."""
        codes = self.page.request.get(f"{self._dev.url}/phone/api/state").json()["codes"]
        return str(next(code["ticket"] for code in codes if code["scene"].startswith(prefix)))

    def wait_for_answers(self) -> None:
        """Wait until everything that was said has been answered."""
        expect(self.page.get_by_test_id("typing")).to_have_count(0)
        last = self.page.get_by_test_id("entry").last
        expect(last.get_by_test_id("exchange")).not_to_have_count(0)

    def say(self, text: str) -> None:
        """Write to the account."""
        said = self.page.locator("[data-testid=entry][data-side=person]")
        count = said.count()
        self.page.get_by_test_id("text").fill(text)
        self.page.get_by_test_id("send").click()
        expect(said).to_have_count(count + 1)

    def trouble(self, **switches: bool) -> None:
        """Switch trouble on or off."""
        assert self.page.request.post(f"{self._dev.url}/control/trouble", data=switches).ok

    def fits(self) -> bool:
        """Say whether the page needs no scrolling to the side."""
        return _fits(self.page)

    def _follow_if_asked(self, exchanges: int) -> None:
        follow = self.page.get_by_test_id("sheet-follow")
        answered = self.page.get_by_test_id("exchange").nth(exchanges)
        follow.or_(answered).first.wait_for()
        if follow.is_visible():
            follow.click()
        answered.wait_for()

    def _count(self, openid: str) -> int:
        """Return how many exchanges somebody's conversation shows."""
        state = self.page.request.get(f"{self._dev.url}/phone/api/state", params={"person": openid}).json()
        return sum(len(entry["exchanges"]) for entry in state["entries"])

    def _add(self, name: str) -> str:
        """Add somebody; a name is taken once, and the people of other tests are there as well."""
        data = {"name": self._named(name)}
        return str(self.page.request.post(f"{self._dev.url}/phone/api/people", data=data).json()["openid"])

    def _gesture(self, name: str, gesture: str) -> None:
        url = f"{self._dev.url}/phone/api/people/{self._people[name]}/{gesture}"
        assert self.page.request.post(url, data={}).ok

    def _named(self, name: str) -> str:
        return f"{name}{self._mark}"


def _fits(page: Page) -> bool:
    size = page.viewport_size
    return size is not None and bool(page.evaluate("document.documentElement.scrollWidth") <= size["width"])
