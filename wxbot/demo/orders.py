"""Orders: what is for sale, an order's page with its code, and what becomes of both."""

from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, abort, jsonify, redirect, request, url_for
from werkzeug.wrappers import Response as Answer

from wxbot.demo.book import ENDS
from wxbot.demo.bot_api import BotError, Data
from wxbot.demo.pages import language_of_reader, picture, seconds_left, show
from wxbot.demo.site import Site
from wxbot.demo.stock import GOODS, Order
from wxbot.demo.words import LANGUAGES, words_for

CODE_SECONDS = 600
SHORT_SECONDS = 60


def order_pages(site: Site) -> Blueprint:
    """Return the pages of goods and orders as a blueprint."""
    face = Blueprint("orders", __name__)
    pages = OrderPages(site)
    face.add_url_rule("/", "goods", pages.goods)
    face.add_url_rule("/orders", "buy", pages.buy, methods=["POST"])
    face.add_url_rule("/orders/<key>", "order", pages.order)
    face.add_url_rule("/orders/<key>/state", "state", pages.state)
    face.add_url_rule(
        "/orders/<key>/<any(code, pay, release, cancel):what>", "act", pages.act, methods=["POST"]
    )
    return face


class OrderPages:
    """The views. Whoever has the address of an order may do with it what its page offers."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def goods(self) -> Response:
        """GET: what there is."""
        return show("goods.html", goods=GOODS)

    def buy(self) -> Answer:
        """POST: order one of the goods."""
        product = next((each for each in GOODS if each.key == request.form.get("product")), None)
        if product is None:
            abort(404)
        order = self._site.stock.new_order(product)
        self._new_code(order, CODE_SECONDS)
        return redirect(url_for("orders.order", key=order.key))

    def order(self, key: str) -> Response:
        """GET: an order, its code or what came of it."""
        order = self._order(key)
        claim = self._site.book.claim(order.claim)
        view = view_of(order, claim)
        code: dict[str, Any] = {}
        if view == "waiting":
            code = {
                "picture": picture(claim["code"]["url"]),
                "ticket": claim["code"]["ticket"],
                "seconds": seconds_left(claim["expires_at"]),
            }
        return show("order.html", order=order, view=view, code=code)

    def state(self, key: str) -> Response:
        """GET: how the order's page looks by now, for its script."""
        order = self._order(key)
        return jsonify(view=view_of(order, self._site.book.claim(order.claim)))

    def act(self, key: str, what: str) -> Answer:
        """POST: what a button of the page does."""
        order = self._order(key)
        actions = {"code": self._renew, "pay": self._pay, "release": self._release, "cancel": self._cancel}
        with self._site.stock.lock:
            actions[what](order)
        return redirect(url_for("orders.order", key=key))

    def _renew(self, order: Order) -> None:
        view = view_of(order, self._site.book.claim(order.claim))
        is_short = request.form.get("is_short") == "1"
        if view == "waiting" and is_short:
            self._site.book.end_claim(order.claim, how="cancel")
        elif view not in ("expired", "released"):
            return
        self._new_code(order, SHORT_SECONDS if is_short else CODE_SECONDS)

    def _pay(self, order: Order) -> None:
        claim = self._site.book.claim(order.claim)
        if order.state != "unpaid" or claim["state"] not in ("claimed", "confirmed"):
            return
        if claim["state"] == "claimed":
            self._site.book.end_claim(order.claim, how="confirm")
        order.state = "paid"
        words = words_for(language_of_reader())
        text = words["paid_message"].replace("{0}", order.number)
        # Somebody who has left WeChat's reach has paid all the same.
        with suppress(BotError):
            self._site.api.send_text(claim["account"], claim["person"], text)

    def _release(self, order: Order) -> None:
        self._site.book.end_claim(order.claim, how="release")

    def _cancel(self, order: Order) -> None:
        if order.state != "unpaid":
            return
        order.state = "cancelled"
        if self._site.book.claim(order.claim)["state"] not in ENDS:
            self._site.book.end_claim(order.claim, how="cancel")

    def _new_code(self, order: Order, seconds: int) -> None:
        """Make a claim on the order; the bot's reply is written from `data`."""
        column = LANGUAGES.index(language_of_reader())
        address = f"{self._site.url}{url_for('orders.order', key=order.key)}"
        product = order.product
        data = {
            "language": LANGUAGES[column],
            "title": words_for(LANGUAGES[column])["shop"],
            "state": order.state,
            "amount": product.price,
            "items": [{"name": product.names[column], "quantity": 1, "price": product.price}],
            "url": address,
            "pay_url": address,
        }
        order.claim = self._site.book.make("order", order.number, data=data, seconds=seconds)

    def _order(self, key: str) -> Order:
        order = self._site.stock.orders.get(key)
        if order is None:
            abort(404)
        if not order.claim:
            raise BotError(0, "the order has no claim yet")
        return order


def view_of(order: Order, claim: Data) -> str:
    """Return how an order's page looks: waiting, bound, paid, expired, released or cancelled."""
    if order.state == "cancelled":
        return "cancelled"
    if claim["state"] == "open":
        return "waiting" if seconds_left(claim["expires_at"]) else "expired"
    if claim["state"] in ("claimed", "confirmed"):
        return "paid" if order.state == "paid" else "bound"
    return "expired" if claim["state"] == "expired" else "released"
