"""The way past Flask: WeChat's POST is answered before it, everything else is Flask's.

Flask makes a request, a context and a response of each delivery, and looks for its route among all pages:
that takes longer than opening, reading and rendering together (docs/decisions/0016-entry.md).
"""

import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from werkzeug.exceptions import HTTPException

from wxbot.callback.views import DEFAULT_ACCOUNT, HEADERS, Answered, Callbacks, Environ

Start = Callable[..., Any]
Application = Callable[[Environ, Start], Iterable[bytes]]

_PATH = "/wechat"
_STATUS_LINES = {status.value: f"{status.value} {status.phrase.upper()}" for status in HTTPStatus}

log = logging.getLogger(__name__)


class Entry:
    """A WSGI app around Flask's."""

    def __init__(self, callbacks: Callbacks, flask: Application) -> None:
        self._callbacks = callbacks
        self._flask = flask

    def __call__(self, environ: Environ, start_response: Start) -> Iterable[bytes]:
        """Answer a request."""
        account = _account(environ)
        if account is None:
            return self._flask(environ, start_response)
        answered = self._answered(account, environ)
        body = answered.text.encode("utf-8")
        headers = [
            ("Content-Type", answered.content_type),
            ("Content-Length", str(len(body))),
            *HEADERS,
        ]
        start_response(_STATUS_LINES[answered.status], headers)
        return (body,)

    def _answered(self, account: str, environ: Environ) -> Answered:
        try:
            return self._callbacks.answer(account, environ)
        except HTTPException as error:
            return Answered(f"{error.name}\n".lower(), error.code or 400)
        # Ours alone, and not the server's: its line of the log would hold the signature.
        except Exception:
            log.exception("a callback could not be answered")
            return Answered("internal server error\n", 500)


def _account(environ: Environ) -> str | None:
    """Return the account whose event this is; None: for Flask, which knows all methods and odd paths."""
    path: str = environ.get("PATH_INFO", "")
    if environ.get("REQUEST_METHOD") != "POST" or not path.startswith(_PATH):
        return None
    if path == _PATH:
        return DEFAULT_ACCOUNT
    account = path.removeprefix(f"{_PATH}/")
    is_usual = account != path and account.isascii() and "/" not in account
    return account if is_usual and account else None
