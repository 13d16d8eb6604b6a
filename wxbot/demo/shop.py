"""The shop as an application."""

import secrets
from typing import Any

from flask import Flask, Response, abort, jsonify, request, session
from werkzeug.exceptions import HTTPException

from wxbot.demo.bot_api import BotError
from wxbot.demo.hooks import BadHookError, Hooks
from wxbot.demo.members import member_pages
from wxbot.demo.orders import order_pages
from wxbot.demo.pages import LOGIN, refuse_others_forms, show, signed_in
from wxbot.demo.site import Site

LARGEST_BODY_BYTES = 64 * 1024


def create_shop(site: Site) -> Flask:
    """Return the shop of a site; it answers before the site is connected to a bot."""
    app = Flask(__name__, static_url_path="/static")
    app.secret_key = secrets.token_bytes(32)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY_BYTES
    # On one machine all ports share their cookies.
    app.config["SESSION_COOKIE_NAME"] = "demo_shop"
    app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    app.before_request(refuse_others_forms)
    app.before_request(lambda: _end_session(site))
    app.register_blueprint(order_pages(site))
    app.register_blueprint(member_pages(site))
    _add_hooks(app, site)
    _add_troubles(app, site)

    @app.context_processor
    def shared() -> dict[str, Any]:
        """Give every template what stands around each page."""
        customer = site.stock.customers.get(signed_in())
        return {"site": site, "me": customer, "diary": site.diary.lines()}

    return app


def _end_session(site: Site) -> None:
    """Sign out whoever came by a login that its person has taken back since."""
    if session.get(LOGIN) in site.ended_logins:
        session.clear()


def _add_hooks(app: Flask, site: Site) -> None:
    @app.post("/hooks")
    def hooks() -> tuple[str, int]:
        """Take a webhook; what it is about is asked for anew, since webhooks may overtake each other."""
        news = _opened(site, site.hooks, "Webhook")
        if news:
            if (news["type"], news["data"].get("purpose")) == ("claim.released", "login"):
                site.ended_logins.append(str(news["data"]["id"]))
            # A claim has its id, a link its customer; other news changes nothing that the shop keeps.
            for key in (news["data"].get("id"), news["data"].get("site_user")):
                site.book.has_changed(str(key))
        return "", 204

    @app.post("/lookup")
    def lookup() -> Response:
        """Tell the bot how an order stands, for the reply to whoever has just scanned its code."""
        asked = _opened(site, site.lookups, "Lookup")
        order = site.stock.numbered(str(asked["data"]["order"])) if asked else None
        if order is None:
            return Response(status=404)
        return jsonify(state=order.state)


def _opened(site: Site, hooks: Hooks, kind: str) -> dict[str, Any]:
    """Return what the bot has sent, empty if it came before; aborts when it is not the bot's."""
    try:
        news = hooks.open(request.headers, request.get_data())
    except (BadHookError, ValueError) as error:
        site.diary.note(kind, str(error), is_good=False)
        abort(400)
    if news is not None:
        site.diary.note(kind, " · ".join([news["type"], *_about(news["data"])]), is_good=True)
    return news or {}


def _about(data: dict[str, Any]) -> list[str]:
    """Return what names the matter of some news; nothing that names a person."""
    names = ("purpose", "subject", "scene", "site_user", "order", "state")
    return [str(data[name]) for name in names if data.get(name)]


def _add_troubles(app: Flask, site: Site) -> None:
    @app.errorhandler(BotError)
    def refused(error: BotError) -> Response:
        """Tell that the bot did not do its part."""
        if not site.is_connected or error.status == 0:
            return show("trouble.html", status=503, what="not_ready", number="")
        return show("trouble.html", status=502, what="bot_refused", number=str(error.status))

    @app.errorhandler(HTTPException)
    def wrong(error: HTTPException) -> Response:
        """Show a page for what is not there, or not allowed."""
        return show("trouble.html", status=error.code or 500, what="missing", number="")
