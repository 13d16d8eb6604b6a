"""The least a WSGI server can be asked for."""

from collections.abc import Callable, Iterable
from typing import Any

_HEADERS = [("Content-Type", "text/plain"), ("Content-Length", "7")]


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer the same to everything."""
    start_response("200 OK", _HEADERS)
    return [b"success"]
