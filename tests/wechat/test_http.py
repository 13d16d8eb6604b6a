"""What the network may not do to us: other servers, other certificates, redirects, endless answers."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from flask import Flask, Response, redirect
from werkzeug.serving import WSGIRequestHandler, make_server

from wxbot import clock
from wxbot.wechat.errcodes import UnreachableError
from wxbot.wechat.http import Http

Serve = Callable[..., str]


class Quiet(WSGIRequestHandler):
    """Logs nothing."""

    def log(self, type: str, message: str, *args: object) -> None:
        """Log nothing."""


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve an application that answers in awkward ways; with TLS its certificate is its own."""
    app, servers = Flask(__name__), []
    app.add_url_rule("/away", view_func=lambda: redirect("/here"), endpoint="away")
    app.add_url_rule("/here", view_func=lambda: "here", endpoint="here")
    app.add_url_rule("/long", view_func=lambda: Response(b"x" * 100_000 for _ in range(50)), endpoint="long")

    def serve(*, tls: bool = False) -> str:
        context = "adhoc" if tls else None
        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet, ssl_context=context)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        servers.append(server)
        return f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@contextmanager
def oddly_headed() -> Iterator[int]:
    """Listen on a port and answer once, with a header line that has no colon."""

    def answer() -> None:
        with suppress(OSError), listening.accept()[0] as connection:
            connection.recv(1 << 16)
            connection.sendall(b"HTTP/1.1 200 OK\r\nno colon\r\nConnection: close\r\n\r\nhere")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            thread.join()


@contextmanager
def dripping() -> Iterator[int]:
    """Listen on a port and send the same header line again and again."""
    over = threading.Event()

    def drip() -> None:
        with suppress(OSError), listening.accept()[0] as connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while not over.wait(0.05):
                connection.sendall(b"X: x\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            thread.join()


def test_redirects_are_not_followed(serve: Serve) -> None:
    assert Http().send("GET", f"{serve()}/away", call="away").status == 302


def test_certificate_of_its_own_is_refused_before_anything_is_sent(serve: Serve) -> None:
    with pytest.raises(UnreachableError, match="certificate is not trusted") as refused:
        Http().send("POST", f"{serve(tls=True)}/here", call="here", body=b"x")

    assert not refused.value.was_sent


def test_proxy_of_the_environment_is_not_used(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    assert Http().send("GET", f"{serve()}/here", call="here").content == b"here"


def test_endless_answer_is_not_read(serve: Serve) -> None:
    with pytest.raises(UnreachableError, match="too long"):
        Http().send("GET", f"{serve()}/long", call="long")


def test_server_that_never_completes_a_header_is_given_up() -> None:
    began = clock.monotonic()
    with dripping() as port, pytest.raises(UnreachableError, match="no answer"):
        Http(total_seconds=0.5).send("GET", f"http://127.0.0.1:{port}/", call="drip")

    # It drips for ever.
    assert clock.monotonic() - began < 10


def test_debugging_log_shows_no_token(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    query = {"access_token": "canary-token", "secret": "canary-secret", "openid": "canary-openid"}

    Http().send("GET", f"{serve()}/here", call="here", query=query)

    assert "/here?access_token=..." in caplog.text
    assert "canary" not in caplog.text


def test_warning_of_an_odd_header_shows_no_token(caplog: pytest.LogCaptureFixture) -> None:
    query = {"access_token": "canary-token", "secret": "canary-secret", "code": "canary-code"}

    with oddly_headed() as port:
        Http().send("GET", f"http://127.0.0.1:{port}/", call="odd", query={**query, "ticket": "canary"})

    assert "Failed to parse headers" in caplog.text and "access_token=..." in caplog.text
    assert "canary" not in caplog.text
