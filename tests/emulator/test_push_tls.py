"""A callback URL whose certificate nobody trusts."""

import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.certificates import Certificate, certify
from wxbot.emulator import wire
from wxbot.emulator.push import Pusher
from wxbot.emulator.world import Account


@pytest.fixture
def self_signed(tmp_path: Path) -> Certificate:
    """Return a certificate that nobody trusts."""
    return certify(tmp_path, "localhost")


def test_untrusted_certificate_is_named_as_such(self_signed: Certificate) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed.file, self_signed.key)
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        url = f"https://127.0.0.1:{server.server_port}/wechat"

        delivery = Pusher().send(wire.unfollow("o1", 1), Account().sender, url=url)

        server.shutdown()
        thread.join()
    assert {exchange.verdict.reason for exchange in delivery.exchanges} == {"tls"}
