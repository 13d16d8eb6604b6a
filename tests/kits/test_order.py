"""The order kit: one code, one person, and what they read about their order."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from tests.kits.conftest import Site
from tests.lateness import wait_for_handler
from wxbot.kits.order import INTERIM, plugin
from wxbot.kits.order_config import OrderConfig
from wxbot.kits.order_lookup import AskedOrder

pytestmark = pytest.mark.every_store

Start = Callable[..., Site]
TEXTS = OrderConfig()
BEGUN, GO_ON = threading.Event(), threading.Event()
DATA = {
    "title": "牛皮笔记本",
    "amount": "¥128.00",
    "state": "paid",
    "items": [{"name": "笔记本", "quantity": 2, "price": "¥64.00"}, "贺卡"],
    "url": "https://shop.example.com/o/20240042",
    "pay_url": "https://shop.example.com/pay/20240042",
}


def found(asked: AskedOrder) -> dict[str, object] | None:
    """Stand for a site's lookup, which knows everything about one order."""
    assert asked.account == "default"
    return {"state": "shipped"} if asked.number == "20240042" else None


def broken(asked: AskedOrder) -> dict[str, object]:
    """Stand for a lookup that fails."""
    raise RuntimeError(f"no connection for {asked.number}")


def nonsense(asked: AskedOrder) -> Any:
    """Stand for a lookup that returns what is no order."""
    return 7


def slow(asked: AskedOrder) -> dict[str, object]:
    """Stand for a lookup that takes longer than WeChat waits, until it may go on."""
    BEGUN.set()
    GO_ON.wait(20)
    return {"state": "shipped"}


def cancelled(asked: AskedOrder) -> dict[str, object]:
    """Stand for a lookup of an order that was cancelled meanwhile."""
    return {"state": "cancelled"}


HERE = "tests.kits.test_order"


@pytest.fixture
def site(start: Start) -> Site:
    """Return a bot with the kit as it is shipped."""
    return start([plugin])


def test_who_scans_reads_their_order(site: Site) -> None:
    [ailin] = site.people("ailin")
    claim = site.offer("order", "20240042", DATA)

    ailin.scan(claim.scene)

    assert ailin.last_reply.text == (
        "订单 20240042 已经绑定到您的微信。\n牛皮笔记本\n笔记本 × 2  ¥64.00\n贺卡\n金额：¥128.00\n"
        "状态：已付款\n"
        '<a href="https://shop.example.com/o/20240042">查看订单</a>'
    )
    assert (site.state(claim), site.holder(claim)) == ("claimed", ailin.openid)


def test_who_follows_with_the_code_is_welcomed_and_gets_the_order(site: Site) -> None:
    bo = site.wx.user("bo", follows=False)
    claim = site.offer("order", "20240042", {"title": "牛皮笔记本"})

    bo.scan(claim.scene)

    assert bo.last_reply.text == "感谢关注！\n订单 20240042 已经绑定到您的微信。\n牛皮笔记本"
    assert site.holder(claim) == bo.openid


def test_an_order_that_is_not_paid_comes_with_the_way_to_pay(site: Site) -> None:
    [ailin] = site.people("ailin")
    claim = site.offer("order", "20240042", DATA | {"state": "unpaid"})

    ailin.scan(claim.scene)

    assert "还没有付款" in ailin.last_reply.text
    assert '<a href="https://shop.example.com/pay/20240042">去付款</a>' in ailin.last_reply.text


def test_the_same_person_reads_the_same_again(site: Site) -> None:
    [ailin] = site.people("ailin")
    claim = site.offer("order", "20240042", DATA)
    first = ailin.scan(claim.scene)

    again, repeat = ailin.scan(claim.scene), ailin.redeliver()

    assert again.text == first.text == repeat.text
    assert (again.is_repeat, repeat.is_repeat) == (False, True)


def test_all_codes_that_are_no_good_read_the_same(site: Site) -> None:
    """F1, F2: whoever tries codes learns nothing from the answers."""
    ailin, bo = site.people("ailin", "bo")
    used, late, off, given_up = (site.offer("order", name, DATA) for name in "abcd")
    ailin.scan(used.scene)
    site.expire(late)
    site.claims.cancel("default", off.id)
    ailin.scan(given_up.scene)
    site.claims.release("default", given_up.id)
    unknown = f"order:{'x' * 22}"

    scenes = [
        used.scene,
        late.scene,
        off.scene,
        given_up.scene,
        unknown,
        "order:1",
        "order:20240042",
        "order:",
    ]
    said = [bo.scan(scene).text for scene in scenes]

    assert set(said) == {TEXTS.no_good}
    assert site.claims.of_person("default", bo.openid) == []


def test_scenes_in_sequence_bind_nothing(site: Site) -> None:
    """F1: the recipe of the articles, an order's number as scene, opens nothing here."""
    [bo] = site.people("bo")
    claim = site.offer("order", "7", DATA)

    said = {bo.scan(f"order:{number}").text for number in range(1, 40)}

    assert said == {TEXTS.no_good}
    assert site.state(claim) == "open"


def test_another_code_for_an_order_that_somebody_has_is_held(site: Site) -> None:
    ailin, bo = site.people("ailin", "bo")
    first, second = site.offer("order", "20240042", DATA), site.offer("order", "20240042", DATA)
    ailin.scan(first.scene)

    said = bo.scan(second.scene)

    assert said.text == TEXTS.held
    assert (site.state(second), site.holder(first)) == ("open", ailin.openid)


def test_a_claim_ends_with_its_second(site: Site) -> None:
    """F2: the database's clock decides, to the second."""
    ailin, bo = site.people("ailin", "bo")
    in_time, late = site.offer("order", "1", DATA), site.offer("order", "2", DATA)
    site.expire(in_time, seconds=60)
    site.expire(late, seconds=0)

    assert "已经绑定" in ailin.scan(in_time.scene).text
    assert bo.scan(late.scene).text == TEXTS.no_good


def test_a_code_is_good_for_one_account_only(site: Site) -> None:
    """F3: an id of one account in another."""
    [ailin] = site.people("ailin")
    offer = site.offer("order", "1", DATA)
    with site.wx.session() as session:
        session.execute(text("UPDATE claims SET account = 'other'"))

    assert ailin.scan(offer.scene).text == TEXTS.no_good


def test_two_orders_of_one_person_are_two_claims(site: Site) -> None:
    """F6."""
    [ailin] = site.people("ailin")
    claims = [site.offer("order", name, {"title": name}) for name in ("one", "two")]

    said = [ailin.scan(claim.scene).text for claim in claims]

    assert ["one" in said[0], "two" in said[1]] == [True, True]
    assert {site.holder(claim) for claim in claims} == {ailin.openid}


def test_who_leaves_and_comes_back_has_the_order_still(site: Site) -> None:
    """F6."""
    [ailin] = site.people("ailin")
    claim = site.offer("order", "20240042", DATA)
    first = ailin.scan(claim.scene)
    ailin.unfollow()
    site.claims.forget_person("default", ailin.openid)

    again = ailin.scan(claim.scene)

    assert again.text == f"感谢关注！\n{first.text}"
    assert site.holder(claim) == ailin.openid


def test_the_sites_function_has_the_last_word(start: Start) -> None:
    site = start([plugin], plugins={"order": {"lookup": f"{HERE}:found"}})
    [ailin] = site.people("ailin")
    claim = site.offer("order", "20240042", DATA)

    ailin.scan(claim.scene)

    assert "状态：已发货" in ailin.last_reply.text
    assert "牛皮笔记本" in ailin.last_reply.text


def test_an_order_that_is_gone_is_not_bound(start: Start) -> None:
    site = start([plugin], plugins={"order": {"lookup": f"{HERE}:found"}})
    [ailin] = site.people("ailin")
    claim = site.offer("order", "no such order", DATA)

    ailin.scan(claim.scene)

    assert ailin.last_reply.text == TEXTS.gone.format(number="no such order")
    assert site.state(claim) == "open"


def test_an_order_that_was_cancelled_is_not_bound(start: Start) -> None:
    site = start([plugin], plugins={"order": {"lookup": f"{HERE}:cancelled"}})
    [ailin] = site.people("ailin")
    claim = site.offer("order", "20240042", DATA)

    ailin.scan(claim.scene)

    assert "已经取消" in ailin.last_reply.text
    assert site.state(claim) == "open"


@pytest.mark.parametrize("name", ["broken", "nonsense"])
def test_a_lookup_that_fails_costs_nobody_their_order(
    start: Start, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    site = start([plugin], plugins={"order": {"lookup": f"{HERE}:{name}"}})
    [ailin] = site.people("ailin")
    claim = site.offer("order", "20240042", DATA)

    ailin.scan(claim.scene)

    assert "状态：已付款" in ailin.last_reply.text
    assert site.holder(claim) == ailin.openid
    assert "the lookup of orders failed" in caplog.text
    assert "20240042" not in caplog.text


def test_a_lookup_that_is_slow_is_waited_for(start: Start) -> None:
    settings = {"order": {"lookup": f"{HERE}:slow"}}
    site = start([plugin], plugins=settings, callback={"deadline_seconds": 0.3})
    [ailin] = site.people("ailin")
    claim = site.offer("order", "20240042", DATA)

    BEGUN.clear()
    GO_ON.clear()
    wait_for_handler(site.wx, BEGUN)
    ailin.scan(claim.scene)
    GO_ON.set()
    site.wx.wait()
    site.wx.work()

    assert ailin.last_reply.text == INTERIM
    assert "状态：已发货" in ailin.messages[-1].text
    assert site.holder(claim) == ailin.openid


def test_nobody_else_reads_what_the_lookup_knows(start: Start) -> None:
    site = start([plugin], plugins={"order": {"lookup": f"{HERE}:cancelled"}})
    ailin, bo = site.people("ailin", "bo")
    claim = site.offer("order", "20240042", DATA)
    site.claims.claim("default", claim.scene, ailin.openid)

    assert "已经取消" in ailin.scan(claim.scene).text
    assert bo.scan(claim.scene).text == TEXTS.no_good


@pytest.mark.parametrize("broken_table", ["claims", "claim_steps"])
def test_a_database_that_fails_is_answered_with_words(site: Site, broken_table: str) -> None:
    [ailin] = site.people("ailin")
    claim = site.offer("order", "20240042", DATA)
    with site.wx.session() as session:
        session.execute(text(f"ALTER TABLE {broken_table} RENAME TO away"))

    ailin.scan(claim.scene)

    assert ailin.last_reply.text == TEXTS.trouble


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"title": None, "items": 7, "url": "javascript:alert(1)", "state": True, "amount": float(10**20)},
        {"title": "\x00\u200b \n ", "items": [None, {}, {"name": ""}, [], "\u3000"], "url": 'https://a/"x'},
        {"title": "字" * 2_500},
        {"items": ["物" * 50] * 50},
    ],
    ids=["nothing", "other types", "blanks", "long", "many"],
)
@pytest.mark.parametrize("reply", ["text", "news"])
def test_whatever_the_site_attached_there_is_a_reply(start: Start, data: Any, reply: str) -> None:
    site = start([plugin], plugins={"order": {"reply": reply}})
    [ailin] = site.people("ailin")

    ailin.scan(site.offer("order", "20240042", data).scene)

    assert ailin.last_reply.kind == reply
    assert "javascript" not in ailin.last_reply.xml
    assert "20240042" in ailin.last_reply.xml


@pytest.mark.parametrize("name", ["书", "物" * 50], ids=["more than are listed", "more than WeChat shows"])
@pytest.mark.parametrize("state", ["unpaid", "paid"])
def test_many_items_leave_room_for_the_way_to_pay(start: Start, name: str, state: str) -> None:
    site = start([plugin])
    [ailin] = site.people("ailin")

    ailin.scan(site.offer("order", "20240042", DATA | {"state": state, "items": [name] * 25}).scene)

    told = ailin.last_reply.text
    assert "\n…\n金额：¥128.00\n" in told
    assert told.endswith(f'<a href="{DATA["url"]}">查看订单</a>')
    assert (f'<a href="{DATA["pay_url"]}">去付款</a>' in told) == (state == "unpaid")
    assert told.count(name) > 10


def test_the_reply_can_be_an_article(start: Start) -> None:
    site = start([plugin], plugins={"order": {"reply": "news", "news_title": "{title}（{number}）"}})
    [ailin] = site.people("ailin")

    ailin.scan(site.offer("order", "20240042", DATA | {"state": "unpaid"}).scene)

    [article] = ailin.last_reply.articles
    assert article.title == "牛皮笔记本（20240042）"
    assert article.url == DATA["pay_url"]
    assert "金额：¥128.00" in article.description
    assert "<a " not in article.description
