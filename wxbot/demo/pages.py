"""What the shop's pages share: the reader's language, headers, the customer who is signed in."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import segno
from flask import Response, abort, render_template, request, session

from wxbot import clock
from wxbot.demo.words import LANGUAGES, words_for

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
CUSTOMER = "customer"
# By which login of the bot's they came, empty for another way.
LOGIN = "login"


def show(template: str, *, status: int = 200, **values: Any) -> Response:
    """Return a page in the reader's language."""
    language = language_of_reader()
    column = LANGUAGES.index(language)
    other = LANGUAGES[1 - column]
    html = render_template(
        f"shop/{template}", t=words_for(language), lang=language, column=column, other=other, **values
    )
    response = Response(html, status=status)
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["Cache-Control"] = "no-store"
    # The address of an order's page is all that protects it. Without any referrer at all, browsers would not
    # say either where a form comes from.
    response.headers["Referrer-Policy"] = "same-origin"
    response.set_cookie("lang", language, max_age=31_536_000, samesite="Lax")
    return response


def language_of_reader() -> str:
    """Return the language that the reader chose, or else the browser's."""
    for wanted in (request.args.get("lang"), request.cookies.get("lang")):
        if wanted in LANGUAGES:
            return wanted
    best = request.accept_languages.best_match(["zh-CN", "zh", "en"], default="zh-CN")
    return "en" if best == "en" else LANGUAGES[0]


def picture(text: str) -> str:
    """Return a QR code as the address of an image."""
    uri: str = segno.make(text, error="m").svg_data_uri(scale=6, border=2)
    return uri


def seconds_left(moment: str) -> int:
    """Return the seconds until a time as the bot writes it, never less than 0."""
    ends_at = datetime.fromisoformat(moment)
    return max(0, round((ends_at - clock.now()).total_seconds()))


def signed_in() -> str:
    """Return the id of the customer who is signed in, else an empty text."""
    return str(session.get(CUSTOMER, ""))


def refuse_others_forms() -> None:
    """Abort a POST that another site's page has sent; what comes from no page names no origin."""
    origin = request.headers.get("Origin")
    if request.method == "POST" and origin is not None and not _is_ours(origin):
        abort(403)


def _is_ours(origin: str) -> bool:
    try:
        return urlsplit(origin).netloc == request.host
    except ValueError:  # "http://[" is no address at all
        return False
