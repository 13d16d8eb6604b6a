"""Pages and the API while the database is out of reach: told so at once, without a thread that waits for it.

The threads of a web process are for the callback too. A database that hangs would hold each of them for
seconds, and people who try again would hold them all.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

from flask import Response

from wxbot.web.headers import guarded, nonce_policy

_RETRY_SECONDS = 5
_WORDS = "系统忙，请过一会儿再试。\nBusy: please try again in a little while.\n"
# As wxbot/api/guard.py says it of a database that fails.
_PROBLEM = {
    "type": "about:blank",
    "title": "Service Unavailable",
    "status": 503,
    "code": "database",
    "detail": "the database does not answer",
}
# These know themselves what to say without a database.
_CALLBACK = "/wechat"
_HEALTH = {"/healthz", "/readyz", "/metrics"}


class Away:
    """A WSGI app around Flask's, which it asks unless `is_away` and the request needs the database."""

    def __init__(self, is_away: Callable[[], bool], flask: Callable[..., Iterable[bytes]]) -> None:
        self._is_away = is_away
        self._flask = flask

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        path: str = environ.get("PATH_INFO", "")
        if not self._is_away() or path in _HEALTH or path == _CALLBACK or path.startswith(f"{_CALLBACK}/"):
            return self._flask(environ, start_response)
        return _refusal(path)(environ, start_response)


def _refusal(path: str) -> Response:
    if path.startswith("/api/"):
        response = Response(json.dumps(_PROBLEM), status=503, content_type="application/problem+json")
    else:
        response = Response(_WORDS, status=503, content_type="text/plain; charset=utf-8")
    response.headers["Retry-After"] = str(_RETRY_SECONDS)
    return guarded(response, nonce_policy(""))
