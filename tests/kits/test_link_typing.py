"""The number on the page: whoever scans and whoever looks at the page of the code must be together."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.kits.conftest import Site
from wxbot.app import kit_addresses
from wxbot.bindings.bindings import Cause
from wxbot.bindings.claim import Claim
from wxbot.bindings.linking import PAGE_DIGITS, TRIES, number_of
from wxbot.kits.link import plugin
from wxbot.testing import User

Start = Callable[..., Site]
OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def site(start: Start) -> Site:
    """Return a bot whose links are confirmed on the page."""
    return start([plugin], plugins={"link": {"confirm": "page"}})


def path_of(site: Site, claim: Claim) -> str:
    path = kit_addresses(site.wx.bot).of(claim)
    assert path is not None
    return path


def looked_at(site: Site, claim: Claim) -> FlaskClient:
    """Return the browser of the site's user, who sees the page."""
    browser = site.wx.app.test_client()
    browser.get(path_of(site, claim))
    return browser


def typed(site: Site, browser: FlaskClient, claim: Claim, number: str, headers: Any = OURS) -> TestResponse:
    address = f"{path_of(site, claim)}/confirm"
    return browser.post(address, data={"number": number}, headers=headers)


def right(claim: Claim, person: User) -> str:
    return number_of(claim.id, person.openid, digits=PAGE_DIGITS)


def users(site: Site, person: User) -> list[str]:
    return [each.site_user for each in site.bindings.of_person("default", person.openid)]


def test_the_number_from_wechat_binds_on_the_page(site: Site) -> None:
    [ailin] = site.people("ailin")
    claim = site.offer("link", "u1", {"name": "李伟"}, is_exclusive=False)
    browser = looked_at(site, claim)

    ailin.scan(claim.scene)
    asks = browser.get(path_of(site, claim))
    answer = typed(site, browser, claim, f" {right(claim, ailin)} ")

    assert right(claim, ailin) in ailin.last_reply.text and "「李伟」" in ailin.last_reply.text
    assert "请输入微信里的数字" in asks.text and right(claim, ailin) not in asks.text
    assert (answer.status_code, answer.headers["Location"]) == (303, path_of(site, claim))
    assert users(site, ailin) == ["u1"]
    assert "微信已绑定" in browser.get(path_of(site, claim)).text


def test_the_number_sent_in_the_chat_binds_nothing(site: Site) -> None:
    """F3: a victim who was shown somebody's code cannot be talked into it in WeChat alone."""
    [ailin] = site.people("ailin")
    claim = site.offer("link", "u1")
    ailin.scan(claim.scene)

    for digits in (4, PAGE_DIGITS):
        ailin.say(number_of(claim.id, ailin.openid, digits=digits))

    assert users(site, ailin) == []
    assert site.state(claim) == "claimed"


def test_who_is_faster_with_the_code_gets_nothing_without_the_page(site: Site) -> None:
    """F3: a photograph of somebody's code."""
    [thief] = site.people("thief")
    claim = site.offer("link", "u1")
    looked_at(site, claim)
    thief.scan(claim.scene)

    stranger = site.wx.app.test_client()
    answer = typed(site, stranger, claim, right(claim, thief))

    assert answer.status_code == 403
    assert users(site, thief) == []


def test_after_five_wrong_numbers_the_code_is_called_off(site: Site) -> None:
    """F3: 5 of 900,000."""
    [ailin] = site.people("ailin")
    claim = site.offer("link", "u1")
    browser = looked_at(site, claim)
    ailin.scan(claim.scene)
    wrong = str(100_000 + (int(right(claim, ailin)) - 99_999) % 900_000)

    said = [typed(site, browser, claim, wrong).headers["Location"] for _ in range(TRIES)]
    too_late = typed(site, browser, claim, right(claim, ailin))

    assert [each.endswith("?said=wrong") for each in said] == [True] * (TRIES - 1) + [False]
    assert too_late.status_code == 303
    assert (site.state(claim), users(site, ailin)) == ("cancelled", [])


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example.com"}],
    ids=["cross site", "other origin"],
)
def test_a_form_of_another_site_is_refused(site: Site, headers: dict[str, str]) -> None:
    """F4."""
    [ailin] = site.people("ailin")
    claim = site.offer("link", "u1")
    browser = looked_at(site, claim)
    ailin.scan(claim.scene)

    assert typed(site, browser, claim, right(claim, ailin), headers).status_code == 403
    assert users(site, ailin) == []


@pytest.mark.parametrize("number", ["", "x", "1" * 4000, "٣٣٣٣٣٣", "12345６"])
def test_what_is_no_number_is_wrong(site: Site, number: str) -> None:
    [ailin] = site.people("ailin")
    claim = site.offer("link", "u1")
    browser = looked_at(site, claim)
    ailin.scan(claim.scene)

    assert typed(site, browser, claim, number).headers["Location"].endswith("?said=wrong")


def test_full_width_digits_are_understood(site: Site) -> None:
    [ailin] = site.people("ailin")
    claim = site.offer("link", "u1")
    browser = looked_at(site, claim)
    ailin.scan(claim.scene)

    typed(
        site,
        browser,
        claim,
        right(claim, ailin).translate(str.maketrans("0123456789", "０１２３４５６７８９")),
    )

    assert users(site, ailin) == ["u1"]


@pytest.mark.parametrize("end", ["late", "cancelled", "open", "done"])
def test_a_number_is_good_while_the_page_asks(site: Site, end: str) -> None:
    [ailin] = site.people("ailin")
    claim = site.offer("link", "u1")
    browser = looked_at(site, claim)
    number = right(claim, ailin)
    if end != "open":
        ailin.scan(claim.scene)
    if end == "late":
        site.expire(claim)
    if end == "cancelled":
        site.claims.cancel("default", claim.id)
    if end == "done":
        typed(site, browser, claim, number)
        site.bindings.unlink("default", site_user="u1", by=Cause.SITE)

    typed(site, browser, claim, number)

    assert users(site, ailin) == []


def test_who_is_taken_is_told_and_may_try_again(site: Site) -> None:
    """F5."""
    ailin, bo = site.people("ailin", "bo")
    first, second = (site.offer("link", "u1", is_exclusive=False) for _ in range(2))
    browser = looked_at(site, first)
    ailin.scan(first.scene)
    bo.scan(second.scene)
    typed(site, browser, first, right(first, ailin))

    answer = typed(site, browser, second, right(second, bo))

    assert answer.headers["Location"].endswith("?said=taken")
    assert "已经有别的绑定" in browser.get(answer.headers["Location"]).text
    assert (users(site, ailin), users(site, bo)) == (["u1"], [])
    site.bindings.unlink("default", site_user="u1", by=Cause.SITE)
    typed(site, browser, second, right(second, bo))
    assert users(site, bo) == ["u1"]


def test_a_link_that_nobody_confirms_expires(site: Site) -> None:
    [ailin] = site.people("ailin")
    claim = site.offer("link", "u1")
    ailin.scan(claim.scene)
    site.expire(claim)

    site.claims.expire()

    assert site.state(claim) == "expired"


def test_without_the_setting_there_is_no_such_route(start: Start) -> None:
    site = start([plugin])
    claim = site.offer("link", "u1")

    assert typed(site, looked_at(site, claim), claim, "123456").status_code == 404
