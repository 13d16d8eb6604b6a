"""Nothing but HTTP: methods, sizes, status codes, content types."""

import logging

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from wxbot import clock
from wxbot.callback.answer import Answering
from wxbot.errors import ForbiddenError, MalformedError
from wxbot.events.runs import UnrecordedError
from wxbot.wechat.envelope import ACKNOWLEDGEMENT

DEFAULT_ACCOUNT = "default"
MAX_BODY_BYTES = 64 * 1024
_XML = "text/xml; charset=utf-8"
_PLAIN = "text/plain; charset=utf-8"

log = logging.getLogger(__name__)


def callback_blueprint(answering: Answering) -> Blueprint:
    """Return the callback's two routes; `/wechat` is the account named `default`."""
    blueprint = Blueprint("callback", __name__)

    def verify(account: str = DEFAULT_ACCOUNT) -> Response:
        try:
            return _plain(answering.verify(account, request.query_string))
        except (ForbiddenError, UnrecordedError) as error:
            return _refused(account, error)

    def answer(account: str = DEFAULT_ACCOUNT) -> Response:
        arrived = clock.monotonic()
        try:
            text = answering.answer(account, request.query_string, _body(), arrived=arrived)
        except (ForbiddenError, MalformedError, UnrecordedError) as error:
            return _refused(account, error)
        return _plain(text) if text == ACKNOWLEDGEMENT else Response(text, content_type=_XML)

    # Not by the rule's defaults: Flask would redirect the longer path, and WeChat follows no redirect.
    for rule in ("/wechat", "/wechat/<account>"):
        for view, method in ((verify, "GET"), (answer, "POST")):
            blueprint.add_url_rule(rule, view_func=view, methods=[method], provide_automatic_options=False)
    blueprint.register_error_handler(RequestEntityTooLarge, _too_large)
    blueprint.after_request(_harden)
    return blueprint


def _body() -> bytes:
    request.max_content_length = MAX_BODY_BYTES
    try:
        return request.get_data(cache=False)
    except HTTPException:
        raise
    # A broken chunk, a connection that ends: the classes are the server's own and differ between servers.
    except Exception as error:
        raise MalformedError(f"unreadable-body:{type(error).__name__}") from error


def _refused(account: str, error: ForbiddenError | MalformedError | UnrecordedError) -> Response:
    """Return the answer to what is not answered. The one for a forged callback never says what was wrong."""
    if isinstance(error, ForbiddenError):
        log.info("a callback for account %.32r was refused: %s", account, error.reason)
        return _plain("forbidden\n", status=403)
    if isinstance(error, MalformedError):
        log.warning("a callback for account %.32r was refused: %s", account, error.reason)
        return _plain("bad request\n", status=400)
    # Not answered rather than answered and forgotten: WeChat delivers it again.
    log.error("a callback for account %.32r was not recorded: %s", account, error)
    return _plain("not recorded\n", status=503)


def _plain(text: str, *, status: int = 200) -> Response:
    return Response(text, status=status, content_type=_PLAIN)


def _too_large(_error: Exception) -> Response:
    return _plain("too large\n", status=413)


def _harden(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response
