"""Nothing but HTTP: methods, sizes, status codes, content types."""

import logging
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from flask import Blueprint, Response, request
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge
from werkzeug.wsgi import get_input_stream

from wxbot import clock, metrics
from wxbot.callback.answer import Answering
from wxbot.callback.refusals import Refusals
from wxbot.errors import ForbiddenError, MalformedError
from wxbot.events.run import UnrecordedError
from wxbot.web.browser import Address, caller_of
from wxbot.wechat.envelope import ACKNOWLEDGEMENT

DEFAULT_ACCOUNT = "default"
# The most that MySQL's BLOB holds: a document may be kept whole.
MAX_BODY_BYTES = 64 * 1024 - 1
HEADERS = (("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store"))
_USUAL_LENGTH = re.compile("[0-9]{1,4}")
_XML = "text/xml; charset=utf-8"
_PLAIN = "text/plain; charset=utf-8"

Environ = dict[str, Any]

log = logging.getLogger(__name__)
_refusals = Refusals()


class Answered(NamedTuple):
    """What goes back to the caller."""

    text: str
    status: int = 200
    content_type: str = _PLAIN


class Callbacks:
    """Takes the requests of WeChat as WSGI hands them over; `proxies` of ours add to X-Forwarded-For."""

    def __init__(self, answering: Answering, *, proxies: int = 0) -> None:
        self._answering = answering
        self._proxies = proxies

    def verify(self, account: str, environ: Environ) -> Answered:
        """Answer a GET: is this address ours?"""
        try:
            return Answered(self._answering.verify(account, _query(environ), caller=self._caller(environ)))
        except (ForbiddenError, UnrecordedError) as error:
            return self._refused(account, error)

    def answer(self, account: str, environ: Environ) -> Answered:
        """Answer a POST: an event. Raises HTTPException for a body that cannot be had."""
        arrived = clock.monotonic()
        try:
            body, caller = _body(environ), self._caller(environ)
            text = self._answering.answer(account, _query(environ), body, arrived=arrived, caller=caller)
        except RequestEntityTooLarge:
            return Answered("too large\n", 413)
        except (ForbiddenError, MalformedError, UnrecordedError) as error:
            return self._refused(account, error)
        return Answered(text) if text == ACKNOWLEDGEMENT else Answered(text, content_type=_XML)

    def _refused(self, account: str, error: ForbiddenError | MalformedError | UnrecordedError) -> Answered:
        """Return the answer to what is not answered: one for all that is refused, which never says why."""
        if isinstance(error, UnrecordedError):
            return _unrecorded(account, error)
        _refusals.note(account, error, is_ours=account in self._answering.accounts)
        return Answered("forbidden\n", 403)

    def _caller(self, environ: Environ) -> Address | None:
        if self._answering.callers is None:
            return None
        forwarded = environ.get("HTTP_X_FORWARDED_FOR", "")
        return caller_of(environ.get("REMOTE_ADDR", ""), forwarded, proxies=self._proxies)


def callback_blueprint(callbacks: Callbacks) -> Blueprint:
    """Return the callback's two routes; `/wechat` is the account named `default`.

    Nearly all POSTs are answered before they get here (wxbot/callback/entry.py).
    """
    blueprint = Blueprint("callback", __name__)

    def view(take: Callable[[str, Environ], Answered]) -> Callable[..., Response]:
        def respond(account: str = DEFAULT_ACCOUNT) -> Response:
            text, status, content_type = take(account, request.environ)
            return Response(text, status=status, content_type=content_type)

        return respond

    views = (("GET", "verify", view(callbacks.verify)), ("POST", "answer", view(callbacks.answer)))
    # Not by the rule's defaults: Flask would redirect the longer path, and WeChat follows no redirect.
    for rule in ("/wechat", "/wechat/<account>"):
        for method, name, respond in views:
            blueprint.add_url_rule(rule, name, respond, methods=[method], provide_automatic_options=False)
    blueprint.after_request(_harden)
    return blueprint


def _query(environ: Environ) -> bytes:
    return str(environ.get("QUERY_STRING", "")).encode("latin-1")


def _body(environ: Environ) -> bytes:
    announced = str(environ.get("CONTENT_LENGTH", ""))
    try:
        if _USUAL_LENGTH.fullmatch(announced):  # what Werkzeug wraps around the stream is slow to read
            body: bytes = environ["wsgi.input"].read(int(announced))
            if len(body) < int(announced):
                raise ClientDisconnected
            return body
        return get_input_stream(environ, max_content_length=MAX_BODY_BYTES).read()
    except HTTPException:
        raise
    # A broken chunk, a connection that ends: the classes are the server's own and differ between servers.
    except Exception as error:
        raise MalformedError(f"unreadable-body:{type(error).__name__}") from error


def _unrecorded(account: str, error: UnrecordedError) -> Answered:
    """Return the status for what could not be written down."""
    # Not answered rather than answered and forgotten: WeChat delivers it again.
    metrics.refused("not-recorded")
    log.error("a callback for account %.32r was not recorded: %s", account, error)
    return Answered("not recorded\n", 503)


def _harden(response: Response) -> Response:
    response.headers.update(HEADERS)
    return response
