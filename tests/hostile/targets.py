"""The two ways to a bot: over HTTP to gunicorn, and straight into the app of this process."""

import http.client
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

from flask import Flask

from tests.hostile.forging import Answer, Request

_CHANGING = {"date", "content-length"}


class HttpTarget:
    """gunicorn on this machine; one connection for all, as a proxy keeps it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)

    def send(self, request: Request) -> Answer:
        """Send a request; one that the server has hung up on is sent once more on a new connection."""
        try:
            return self._sent(request)
        except (http.client.RemoteDisconnected, ConnectionError):
            self._line.close()
            return self._sent(request)

    def close(self) -> None:
        """Close the connection."""
        self._line.close()

    def _sent(self, request: Request) -> Answer:
        target = f"{request.path}?{request.query.decode('latin-1')}" if request.query else request.path
        headers = {"Content-Type": "text/xml", "Content-Length": str(len(request.body))} | dict(
            request.headers
        )
        self._line.request(request.method, target, request.body, headers)
        response = self._line.getresponse()
        return Answer(response.status, response.read(), _kept(response.getheaders()))


class AppTarget:
    """The app itself, for builds that are patched in this process."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._client = app.test_client()

    def send(self, request: Request) -> Answer:
        """Hand a request to the app."""
        path = unquote_to_bytes(request.path).decode("utf-8", "replace")
        query = {"QUERY_STRING": request.query.decode("latin-1")}
        headers = {"Content-Type": "text/xml"} | dict(request.headers)
        response = self._client.open(
            path, method=request.method, data=request.body, headers=headers, environ_overrides=query
        )
        return Answer(response.status_code, response.get_data(), _kept(response.headers.items()))


def _kept(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers if name.lower() not in _CHANGING}
