"""The page that shows the code of a claim: for the customer, who sees where it stands and nothing else."""

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from tests.kits.conftest import Site
from wxbot.app import kit_addresses
from wxbot.bindings.claim import Claim
from wxbot.kits import order
from wxbot.kits.code_words import WORDS
from wxbot.qrcodes.drawing import draw
from wxbot.web.pages import COMMON

Start = Callable[..., Site]
PUBLIC = "https://bot.example.com"
DATA = {"title": "牛皮笔记本", "amount": "¥128.00", "url": "https://shop.example.com/o/42"}
OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def site(start: Start) -> Site:
    """Return a bot with the order kit."""
    return start([order.plugin], server={"public_url": PUBLIC})


def path_of(site: Site, claim: Claim) -> str:
    address = kit_addresses(site.wx.bot).of(claim)
    assert address is not None
    return address.removeprefix(PUBLIC)


def polled(browser: FlaskClient, path: str, headers: Any = OURS) -> TestResponse:
    return browser.post(f"{path}/state", headers=headers)


def contents(page: TestResponse) -> list[str]:
    """Return what the codes on a page contain."""
    found = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", page.text)
    return [base64.b64decode(each).decode() for each in found]


def test_the_page_shows_a_code_that_binds_the_order(site: Site) -> None:
    [ailin] = site.people("ailin")
    claim = site.offer("order", "42", DATA)

    page = site.wx.app.test_client().get(path_of(site, claim))

    assert page.status_code == 200
    (minted,) = site.wx.world.codes.minted.values()
    assert minted.scene == claim.scene
    assert contents(page) == [draw(minted.url, kind="svg").decode()]
    assert 0 < minted.expire_seconds <= 600
    assert all(word in page.text for word in ("扫码绑定订单 42", "牛皮笔记本", "¥128.00", "10 分钟"))
    ailin.scan(minted)
    assert site.holder(claim) == ailin.openid


def test_a_code_that_was_minted_with_the_claim_is_the_one_shown(site: Site) -> None:
    claim = site.offer("order", "42")
    site.wx.bot.minter.mint(claim.scene, expires_in=600)
    browser = site.wx.app.test_client()

    for _ in range(3):
        assert browser.get(path_of(site, claim)).status_code == 200

    assert len(site.wx.world.codes.minted) == 1


def test_the_page_learns_of_the_scan_and_then_shows_the_way_on(site: Site) -> None:
    [ailin] = site.people("ailin")
    claim = site.offer("order", "42", DATA | {"state": "unpaid", "pay_url": "https://shop.example.com/pay"})
    browser, path = site.wx.app.test_client(), path_of(site, claim)
    before = browser.get(path)
    first = polled(browser, path).json

    ailin.scan(claim.scene)

    after = browser.get(path)
    assert (first, polled(browser, path).json) == ({"state": "open"}, {"state": "claimed"})
    assert 'data-state="open"' in before.text and "https://shop.example.com/pay" not in before.text
    assert 'data-state="claimed"' in after.text and "订单 42 已绑定" in after.text
    assert 'href="https://shop.example.com/pay"' in after.text
    assert contents(after) == []


@pytest.mark.parametrize("end", ["cancel", "expire", "release"])
def test_a_code_that_is_no_good_is_not_shown(site: Site, end: str) -> None:
    [ailin] = site.people("ailin")
    claim = site.offer("order", "42", DATA)
    if end == "expire":
        site.expire(claim)
    elif end == "cancel":
        site.claims.cancel("default", claim.id)
    else:
        ailin.scan(claim.scene)
        site.claims.release("default", claim.id)

    page = site.wx.app.test_client().get(path_of(site, claim))

    assert "二维码已失效" in page.text
    assert contents(page) == []
    assert not site.wx.world.codes.minted or end == "release"


def test_nothing_on_the_page_tells_who_scanned(site: Site) -> None:
    """F4: the state, and no more."""
    [ailin] = site.people("ailin")
    claim = site.offer("order", "42", DATA)
    browser, path = site.wx.app.test_client(), path_of(site, claim)
    browser.get(path)
    ailin.scan(claim.scene)
    known = site.claims.find("default", claim.id)
    assert known is not None and known.person is not None

    told = [browser.get(path).text, polled(browser, path).text]

    secret = [ailin.openid, claim.scene, claim.scene.partition(":")[2], known.person.hex(), claim.id.hex()]
    assert not [each for each in secret for text in told if each in text]
    assert json.loads(told[1]) == {"state": "claimed"}


def test_an_address_cannot_be_made_or_bent(site: Site) -> None:
    """F1, F3: neither by guessing, nor from the address of another page, purpose or account."""
    claim, other = site.offer("order", "42"), site.offer("order", "43")
    addresses = kit_addresses(site.wx.bot)
    token, second = (path_of(site, each).rpartition("/")[2] for each in (claim, other))
    id, _, mac = token.partition(".")
    bent = [
        "",
        "42",
        claim.id.hex(),
        claim.scene,
        id,
        f"{id}.",
        f"{id}.{'A' * 22}",
        f"{second.partition('.')[0]}.{mac}",
        f"{id[:-1]}.{mac}",
        f"{token}A",
        f".{mac}",
        f"{id}.{mac}é",
        addresses.signed("page of link at default", id),
        addresses.signed("page of order at other", id),
        addresses.signed("visitor", id),
    ]

    browser = site.wx.app.test_client()
    answers = {browser.get(f"/order/{each}").status_code for each in bent}
    browser.get(f"/order/{token}")
    polls = {polled(browser, f"/order/{each}").status_code for each in bent if each}

    assert (answers, polls) == ({404}, {404})
    assert addresses.named("link", token) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example.com"},
    ],
    ids=["cross site", "same site", "other origin"],
)
def test_another_site_is_told_nothing(site: Site, headers: dict[str, str]) -> None:
    """F4."""
    claim = site.offer("order", "42")
    browser, path = site.wx.app.test_client(), path_of(site, claim)
    browser.get(path)

    assert polled(browser, path, headers).status_code == 403


def test_without_the_pages_cookie_nothing_is_told(site: Site) -> None:
    """F4: whoever has only the address and polls by himself."""
    path = path_of(site, site.offer("order", "42"))
    stranger = site.wx.app.test_client()

    bare = polled(stranger, path)
    stranger.set_cookie("wxbot_order_visitor", "made.up", path="/order")

    assert (bare.status_code, polled(stranger, path).status_code) == (403, 403)
    assert bare.json == {"state": "refused"}
    assert stranger.get(f"{path}/state").status_code == 405


def test_what_the_site_attached_cannot_become_markup(site: Site) -> None:
    evil = '"><script>alert(1)</script>'
    claim = site.offer("order", f"42{evil}", {"title": evil, "amount": evil, "url": f"https://a.b/{evil}"})

    page = site.wx.app.test_client().get(path_of(site, claim))

    assert "<script>" not in page.text
    assert page.text.count("<script") == 1
    assert "https://a.b/" not in page.text


def test_the_page_speaks_english_too(site: Site) -> None:
    claim = site.offer("order", "42", DATA)

    page = site.wx.app.test_client().get(path_of(site, claim), headers={"Accept-Language": "en"})

    assert "Scan to bind order 42" in page.text


def test_an_outage_is_explained(site: Site) -> None:
    site.wx.world.trouble = type(site.wx.world.trouble)(api_errors=(48001,) * 9)

    page = site.wx.app.test_client().get(path_of(site, site.offer("order", "42")))

    assert page.status_code == 503
    assert "48001" not in page.text
    assert "暂时取不到二维码" in page.text


def test_a_database_that_fails_is_explained(site: Site) -> None:
    path = path_of(site, site.offer("order", "42"))
    with site.wx.session() as session:
        session.execute(text("ALTER TABLE claims RENAME TO away"))

    page = site.wx.app.test_client().get(path)

    assert (page.status_code, "系统忙" in page.text) == (503, True)


def test_without_the_kit_there_is_no_page(start: Start) -> None:
    site = start([])

    assert kit_addresses(site.wx.bot).of(site.offer("order", "42")) is None
    assert site.wx.app.test_client().get("/order/x").status_code == 404


def test_every_word_is_there_in_both_languages() -> None:
    words = [pair for each in (COMMON, *WORDS.values()) for pair in each.values()]

    assert all(chinese.strip() and english.strip() for chinese, english in words)
    assert all(chinese.count("{0}") == english.count("{0}") for chinese, english in words)
