"""Runs a WSGI application on a real port in a thread, for tests and for development."""

import threading
from ipaddress import ip_address
from types import TracebackType
from urllib.parse import urlsplit

from flask import Flask, Response, request
from werkzeug.serving import WSGIRequestHandler, make_server

from wxbot.emulator.server import create_emulator
from wxbot.emulator.world import World

# How often it looks whether it is to stop; werkzeug's half a second would be waited for at every end.
_LOOK_SECONDS = 0.05


class QuietHandler(WSGIRequestHandler):
    """Keeps the line per request off the screen: the phone page asks every second."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing."""


class Running:
    """An application that listens as soon as this exists.

    Port 0 takes a free one. Use it as a context, or call `stop`.
    """

    def __init__(self, app: Flask, *, host: str = "127.0.0.1", port: int = 0) -> None:
        # The socket listens when make_server returns, so there is nothing to wait for.
        self._server = make_server(host, port, app, threaded=True, request_handler=QuietHandler)
        self.port = self._server.server_port
        self.url = url_of(host, self.port)
        serve = self._server.serve_forever
        self._thread = threading.Thread(target=serve, args=(_LOOK_SECONDS,), name="emulator", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Stay until it is stopped from elsewhere, for a command in the foreground."""
        self._thread.join()

    def stop(self) -> None:
        """Stop listening and wait for the thread. May be called twice."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> "Running":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def url_of(host: str, port: int) -> str:
    """Return the URL of a host and a port; an IPv6 address stands in brackets."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run_emulator(world: World, *, host: str = "127.0.0.1", port: int = 0) -> Running:
    """Run the emulator of a world; its address is `url` of what is returned.

    On this machine's own address it answers to that and to localhost. A website whose name leads here would
    otherwise be a page of the emulator's for the browser, and the account's secrets may be real ones.
    """
    app = create_emulator(world)
    if _is_own(host):
        app.before_request(_refuse_other_names)
    return Running(app, host=host, port=port)


def _refuse_other_names() -> Response | None:
    try:
        name = urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        name = ""
    if _is_own(name):
        return None
    said = f"The emulator answers at http://127.0.0.1:{request.environ['SERVER_PORT']}/ only.\n"
    return Response(said, status=403, content_type="text/plain; charset=utf-8")


def _is_own(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
