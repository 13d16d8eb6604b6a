"""The shop without a bot, with one that says no, and in front of pages of other sites."""

import json
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask, jsonify, request
from flask.testing import FlaskClient
from standardwebhooks.webhooks import Webhook

from wxbot.demo.shop import create_shop
from wxbot.demo.site import Site
from wxbot.emulator.threaded import Running

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CLAIM = {
    "id": "0123456789abcdef0123456789abcdef",
    "state": "open",
    "expires_at": "2999-01-01T00:00:00Z",
    "code": {"url": "http://weixin.qq.com/q/01", "ticket": "gQ=="},
}


class FakeBot:
    """Answers the API as it is told to, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any, str]] = []
        self.answers: dict[str, tuple[int, Any]] = {}
        self.app = Flask("bot")
        self.app.add_url_rule("/<path:path>", "any", self.answer, methods=["GET", "POST", "DELETE"])

    def answer(self, path: str) -> Any:
        """Answer one call."""
        sent = request.get_json(silent=True)
        self.asked.append((request.method, path, sent, request.headers.get("Authorization", "")))
        status, body = self.answers.get(path, (404, {"title": "there is none"}))
        return jsonify(body), status


@pytest.fixture
def bot() -> FakeBot:
    return FakeBot()


@pytest.fixture
def site(bot: FakeBot) -> Iterator[Site]:
    with Running(bot.app) as running:
        yield Site(url="http://localhost", bot_url=running.url, phone_url="http://phone.example")


@pytest.fixture
def shop(site: Site) -> FlaskClient:
    return create_shop(site).test_client()


@pytest.fixture
def order(bot: FakeBot, site: Site, shop: FlaskClient) -> Callable[[], str]:
    """Order something, and return the address of the order's page."""

    def make() -> str:
        bot.answers["api/v1/claims"] = (201, CLAIM)
        site.connect("wxb_key")
        return shop.post("/orders", data={"product": "gaiwan"}).headers["Location"]

    return make


@pytest.mark.parametrize(("language", "said"), [("zh-CN", "机器人还没准备好"), ("en", "is not ready")])
def test_shop_says_that_the_bot_starts(shop: FlaskClient, *, language: str, said: str) -> None:
    goods = shop.get("/", headers={"Accept-Language": language})

    answer = shop.post("/orders", data={"product": "gaiwan"}, headers={"Accept-Language": language})

    assert goods.status_code == 200
    assert answer.status_code == 503 and said in answer.get_data(as_text=True)


def test_order_is_claimed_with_what_the_customer_shall_read(bot: FakeBot, order: Callable[[], str]) -> None:
    order()

    method, path, sent, key = bot.asked[0]
    assert (method, path, key) == ("POST", "api/v1/claims", "Bearer wxb_key")
    assert (sent["account"], sent["purpose"], sent["expires_in"]) == ("default", "order", 600)
    assert sent["data"]["items"] == [{"name": "白瓷盖碗", "quantity": 1, "price": "¥88.00"}]
    assert sent["data"]["url"].startswith("http://localhost/orders/")


@pytest.mark.parametrize(
    ("state", "view"),
    [
        ("open", "waiting"),
        ("claimed", "bound"),
        ("confirmed", "bound"),
        ("expired", "expired"),
        ("released", "released"),
        ("cancelled", "released"),
    ],
)
def test_page_shows_where_the_claim_stands(
    bot: FakeBot, site: Site, shop: FlaskClient, order: Callable[[], str], *, state: str, view: str
) -> None:
    page = order()
    bot.answers[f"api/v1/claims/{CLAIM['id']}"] = (200, {**CLAIM, "state": state, "code": None})
    site.book.has_changed(str(CLAIM["id"]))

    shown = shop.get(page)

    assert f'data-view="{view}"' in shown.get_data(as_text=True)
    assert shop.get(f"{page}/state").get_json() == {"view": view}


def test_refusal_of_the_bot_is_told_with_its_number(
    bot: FakeBot, shop: FlaskClient, order: Callable[[], str]
) -> None:
    order()
    bot.answers["api/v1/claims"] = (403, {"title": "the key may not"})

    answer = shop.post("/orders", data={"product": "gaiwan"})

    assert answer.status_code == 502
    assert "接口返回 403" in answer.get_data(as_text=True)
    assert "POST /claims · 403" in answer.get_data(as_text=True), "and behind the scenes"


def test_forms_of_other_sites_are_refused(bot: FakeBot, shop: FlaskClient, order: Callable[[], str]) -> None:
    page = order()
    asked = len(bot.asked)

    answers = [
        shop.post(f"{page}/cancel", headers={"Origin": origin})
        for origin in ("https://elsewhere.example", "null", "http://[")
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert len(bot.asked) == asked


def test_unknown_order_product_and_deed_are_not_there(shop: FlaskClient, order: Callable[[], str]) -> None:
    page = order()

    answers = [shop.get("/orders/guessed"), shop.post("/orders", data={"product": "gold"})]
    answers.append(shop.post(f"{page}/give-away"))

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert "没有这个页面" in answers[0].get_data(as_text=True)


def test_account_needs_somebody_who_is_signed_in(site: Site, shop: FlaskClient) -> None:
    site.connect("wxb_key")

    assert shop.get("/settings").headers["Location"] == "/login"
    assert shop.get("/settings/state").get_json() == {"view": ""}
    assert [shop.post(f"/settings/{what}").status_code for what in ("link", "cancel", "unlink")] == [403] * 3


def test_login_comes_back_with_its_own_state_only(bot: FakeBot, site: Site, shop: FlaskClient) -> None:
    site.connect("wxb_key")
    login = {"id": CLAIM["id"], "site_users": [], "person": "ab" * 16}
    bot.answers["api/v1/logins/exchange"] = (200, login)

    without_one = shop.get("/login/back?code=1&state=")
    state = shop.get("/login/wechat").headers["Location"].partition("state=")[2]
    of_another = shop.get(f"/login/back?code=1&state={'0' * 32}")
    too_late = shop.get(f"/login/back?code=1&state={state}")

    assert [answer.status_code for answer in (without_one, of_another, too_late)] == [400] * 3
    assert "没有登录成功" in of_another.get_data(as_text=True)
    assert not bot.asked

    state = shop.get("/login/wechat").headers["Location"].partition("state=")[2]
    assert shop.get(f"/login/back?code=1&state={state}").headers["Location"] == "/settings"
    assert bot.asked[-1][2] == {"code": "1", "state": state}


def test_login_that_is_taken_back_ends_its_session_and_no_other(
    bot: FakeBot, site: Site, shop: FlaskClient
) -> None:
    site.connect("wxb_key")
    site.hooks.secret = SECRET
    bot.answers["api/v1/bindings"] = (200, {"items": []})
    log_in(bot, shop, id="1" * 32)
    another = shop.application.test_client()
    log_in(bot, another, id="2" * 32)

    tell_of_release(shop, id="1" * 32)

    assert shop.get("/settings/state").get_json() == {"view": ""}
    assert shop.get("/settings").headers["Location"] == "/login"
    assert another.get("/settings").status_code == 200
    log_in(bot, shop, id="3" * 32)
    assert shop.get("/settings").status_code == 200


def test_webhook_that_overtakes_the_login_it_takes_back_counts(
    bot: FakeBot, site: Site, shop: FlaskClient
) -> None:
    site.connect("wxb_key")
    site.hooks.secret = SECRET

    tell_of_release(shop, id="1" * 32)
    log_in(bot, shop, id="1" * 32)

    assert shop.get("/settings").headers["Location"] == "/login"


@pytest.mark.parametrize(("status", "is_told"), [(201, False), (404, True), (409, True)])
def test_person_from_wechat_is_linked_once_or_told_why_not(
    bot: FakeBot, site: Site, shop: FlaskClient, *, status: int, is_told: bool
) -> None:
    site.connect("wxb_key")
    bot.answers["api/v1/bindings"] = (200, {"items": []})
    away = shop.get("/login/link?wxbot_link=token-from-wechat")
    shop.post("/login/demo")
    offered = shop.get("/settings").get_data(as_text=True)

    bot.answers["api/v1/bindings"] = (status, {"title": "so it is"})
    shop.post("/settings/accept", data={"answer": "yes"})
    bot.answers["api/v1/bindings"] = (200, {"items": []})
    site.book.has_changed("lin")

    assert away.headers["Location"] == "/login"
    assert 'data-state="offered"' in offered
    sent = [body for method, path, body, _ in bot.asked if (method, path) == ("POST", "api/v1/bindings")]
    assert sent == [{"token": "token-from-wechat", "site_user": "lin"}]
    pages = [shop.get("/settings").get_data(as_text=True) for _ in range(2)]
    assert ['data-testid="link-refused"' in page for page in pages] == [is_told, False]
    assert 'data-state="none"' in pages[0], "the token is not offered again"


@pytest.mark.parametrize("path", ["/hooks", "/lookup"])
def test_what_nobody_signed_is_refused(site: Site, shop: FlaskClient, path: str) -> None:
    site.hooks.secret = site.lookups.secret = SECRET

    assert shop.post(path, json={"type": "claim.claimed", "data": {}}).status_code == 400
    assert shop.post(path, data=b"{}", headers=signed(b"{}", at=1)).status_code == 400


def test_question_about_an_order_is_answered_as_it_stands(
    bot: FakeBot, site: Site, shop: FlaskClient, order: Callable[[], str]
) -> None:
    site.lookups.secret = SECRET
    page = order()
    number = next(iter(site.stock.orders.values())).number
    bot.answers[f"api/v1/claims/{CLAIM['id']}/cancel"] = (200, {**CLAIM, "state": "cancelled"})

    def ask(number: str) -> Any:
        body = json.dumps({"type": "order.lookup", "data": {"order": number}}).encode()
        return shop.post("/lookup", data=body, headers=signed(body))

    assert ask(number).get_json() == {"state": "unpaid"}
    shop.post(f"{page}/cancel")
    assert ask(number).get_json() == {"state": "cancelled"}
    assert ask("00000000").status_code == 404


def test_what_is_shown_behind_the_scenes_lets_nobody_claim(site: Site, shop: FlaskClient) -> None:
    site.hooks.secret = SECRET
    token = "aB3_-xYz0123456789abcd"

    body = json.dumps({"type": "scan", "data": {"scene": f"order:{token}"}}).encode()
    site.connect("wxb_key")
    assert shop.post("/hooks", data=body, headers=signed(body)).status_code == 204

    page = shop.get("/").get_data(as_text=True)
    assert "scan · order:aB3_-x…" in page and token not in page


def test_webhook_about_a_claim_has_the_bot_asked_again(
    bot: FakeBot, site: Site, shop: FlaskClient, order: Callable[[], str]
) -> None:
    site.hooks.secret = SECRET
    page = order()
    bot.answers[f"api/v1/claims/{CLAIM['id']}"] = (200, {**CLAIM, "state": "claimed"})
    before = shop.get(f"{page}/state").get_json()

    body = json.dumps({"type": "claim.claimed", "data": {"id": CLAIM["id"]}}).encode()
    headers = signed(body)
    answers = [shop.post("/hooks", data=body, headers=headers).status_code for _ in range(2)]

    assert before == {"view": "waiting"} and answers == [204, 204]
    assert shop.get(f"{page}/state").get_json() == {"view": "bound"}


def log_in(bot: FakeBot, browser: FlaskClient, *, id: str) -> None:
    """Come back from the bot's login page, confirmed."""
    bot.answers["api/v1/logins/exchange"] = (200, {"id": id, "site_users": [], "person": "ab" * 16})
    state = browser.get("/login/wechat").headers["Location"].partition("state=")[2]
    assert browser.get(f"/login/back?code=1&state={state}").headers["Location"] == "/settings"


def tell_of_release(shop: FlaskClient, *, id: str) -> None:
    """Send the webhook that tells of 不是我."""
    news = {"type": "claim.released", "data": {"id": id, "purpose": "login"}}
    body = json.dumps(news).encode()
    assert shop.post("/hooks", data=body, headers=signed(body)).status_code == 204


def signed(body: bytes, *, at: int | None = None) -> dict[str, str]:
    """Sign as the specification has it, by a library that is not ours; each with an id of its own."""
    id = f"msg_{secrets.token_hex(4)}"
    moment = datetime.now(UTC) if at is None else datetime.fromtimestamp(at, UTC)
    signature = Webhook(SECRET).sign(id, moment, body.decode())
    stamp = str(int(moment.timestamp()))
    return {"webhook-id": id, "webhook-timestamp": stamp, "webhook-signature": signature}
