"""Customers: signing in with or without WeChat, and linking a WeChat to an account."""

import hmac
import secrets
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, jsonify, redirect, request, session, url_for
from werkzeug.wrappers import Response as Answer

from wxbot.demo.book import ENDS
from wxbot.demo.bot_api import BotError, Data
from wxbot.demo.pages import CUSTOMER, LOGIN, language_of_reader, picture, seconds_left, show, signed_in
from wxbot.demo.site import Site
from wxbot.demo.stock import LIN, Customer
from wxbot.demo.words import LANGUAGES

LINK_SECONDS = 600
STATE = "login_state"
# A token that came from WeChat, and stands for whoever opened the page there.
TOKEN = "link_token"
LINK_PARAMETER = "wxbot_link"
REFUSED = "link_refused"


def member_pages(site: Site) -> Blueprint:
    """Return the pages of accounts as a blueprint."""
    face = Blueprint("members", __name__)
    login, account = LoginPages(site), AccountPages(site)
    face.add_url_rule("/login", "login", login.show)
    face.add_url_rule("/login/demo", "demo", login.use_demo, methods=["POST"])
    face.add_url_rule("/login/wechat", "wechat", login.leave)
    face.add_url_rule("/login/back", "back", login.come_back)
    face.add_url_rule("/login/link", "from_wechat", login.come_from_wechat)
    face.add_url_rule("/logout", "logout", login.logout, methods=["POST"])
    face.add_url_rule("/settings", "settings", account.show)
    face.add_url_rule("/settings/state", "state", account.state)
    face.add_url_rule("/settings/accept", "accept", account.accept, methods=["POST"])
    face.add_url_rule("/settings/link", "link", account.link, methods=["POST"])
    face.add_url_rule("/settings/cancel", "cancel", account.cancel, methods=["POST"])
    face.add_url_rule("/settings/unlink", "unlink", account.unlink, methods=["POST"])
    return face


class LoginPages:
    """The views of signing in."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def show(self) -> Response:
        """GET: the ways to sign in."""
        return show("login.html", has_failed=False)

    def use_demo(self) -> Answer:
        """POST: sign in as a password would."""
        return self._enter(LIN)

    def leave(self) -> Answer:
        """GET: go to the bot's login page, which leads back here; `state` ties both ends to this browser."""
        session[STATE] = secrets.token_hex(16)
        back = f"{self._site.url}{url_for('members.back')}"
        return redirect(
            f"{self._site.bot_url}/login/?{urlencode({'return_to': back, 'state': session[STATE]})}"
        )

    def come_back(self) -> Answer:
        """GET: sign in whoever has confirmed; the code in the address is good for one question."""
        known, told = str(session.pop(STATE, "")), request.args.get("state", "")
        if not known or not hmac.compare_digest(known.encode(), told.encode()):
            return show("login.html", has_failed=True, status=400)
        try:
            login = self._site.api.exchange_login(request.args.get("code", ""), known)
        except BotError as error:
            if error.status not in (404, 422):
                raise
            return show("login.html", has_failed=True, status=400)
        linked = [each for each in login["site_users"] if each in self._site.stock.customers]
        customer = linked[0] if linked else self._site.stock.customer_of(login["person"]).id
        return self._enter(customer, login=login["id"])

    def come_from_wechat(self) -> Answer:
        """GET: a person who opened this in WeChat, and wants to be linked to an account of the shop."""
        session[TOKEN] = request.args.get(LINK_PARAMETER, "")
        return redirect(url_for("members.settings" if signed_in() else "members.login"))

    def logout(self) -> Answer:
        """POST: sign out."""
        session.clear()
        return redirect(url_for("orders.goods"))

    def _enter(self, customer: str, *, login: str = "") -> Answer:
        token = session.get(TOKEN, "")
        session.clear()
        session[CUSTOMER], session[LOGIN], session[TOKEN] = customer, login, token
        return redirect(url_for("members.settings"))


class AccountPages:
    """The views of a customer's own account."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def show(self) -> Answer:
        """GET: who one is to the shop, and which WeChat is linked."""
        customer = self._customer()
        if customer is None:
            return redirect(url_for("members.login"))
        links, claim = self._links(customer), self._claim(customer)
        view = "offered" if session.get(TOKEN) else _view_of(links, claim)
        code: dict[str, Any] = {}
        if view == "code":
            code = {
                "picture": picture(claim["code"]["url"]),
                "ticket": claim["code"]["ticket"],
                "seconds": seconds_left(claim["expires_at"]),
            }
        is_refused = bool(session.pop(REFUSED, False))
        return show(
            "settings.html",
            is_refused=is_refused,
            customer=customer,
            view=view,
            links=links,
            code=code,
            mark=_mark(view, links),
        )

    def state(self) -> Response:
        """GET: how the page looks by now, for its script."""
        customer = self._customer()
        if customer is None:
            return jsonify(view="")
        links = self._links(customer)
        view = "offered" if session.get(TOKEN) else _view_of(links, self._claim(customer))
        return jsonify(view=_mark(view, links))

    def accept(self) -> Answer:
        """POST: link whoever came from WeChat, or send them away."""
        customer, token = self._needed(), str(session.pop(TOKEN, ""))
        if request.form.get("answer") == "yes" and token:
            try:
                self._site.book.link(customer.id, token)
            except BotError as error:
                if error.status not in (404, 409):
                    raise
                session[REFUSED] = True
        return redirect(url_for("members.settings"))

    def link(self) -> Answer:
        """POST: begin to link a WeChat."""
        customer = self._needed()
        language = language_of_reader()
        data: Data = {"name": customer.names[LANGUAGES.index(language)], "language": language}
        self._end_claim(customer)
        customer.claim = self._site.book.make("link", customer.id, data=data, seconds=LINK_SECONDS)
        return redirect(url_for("members.settings"))

    def cancel(self) -> Answer:
        """POST: stop linking."""
        customer = self._needed()
        self._end_claim(customer)
        customer.claim = ""
        return redirect(url_for("members.settings"))

    def unlink(self) -> Answer:
        """POST: end a link."""
        customer = self._needed()
        person, account = request.form.get("person", ""), request.form.get("account", "")
        self._site.book.unlink(customer.id, account, person)
        customer.claim = ""
        return redirect(url_for("members.settings"))

    def _end_claim(self, customer: Customer) -> None:
        if self._claim(customer).get("state") in ("open", "claimed"):
            self._site.book.end_claim(customer.claim, how="cancel")

    def _claim(self, customer: Customer) -> Data:
        return self._site.book.claim(customer.claim) if customer.claim else {}

    def _links(self, customer: Customer) -> list[Data]:
        return self._site.book.links(customer.id)

    def _customer(self) -> Customer | None:
        return self._site.stock.customers.get(signed_in())

    def _needed(self) -> Customer:
        customer = self._customer()
        if customer is None:
            abort(403)
        return customer


def _view_of(links: list[Data], claim: Data) -> str:
    """Return how the page looks: linked, code, claimed, ended, or none."""
    if links:
        return "linked"
    if not claim or claim["state"] == "confirmed":
        # Confirmed, and yet no link: it has ended since.
        return "none"
    if claim["state"] in ENDS:
        return "ended"
    if not seconds_left(claim["expires_at"]):
        return "ended"
    return "code" if claim["state"] == "open" else "claimed"


def _mark(view: str, links: list[Data]) -> str:
    """Return what changes whenever the page should be drawn anew."""
    return " ".join([view, *(link["id"] for link in links)])
