"""The site is asked about an order over HTTP: signed, in time, and whatever it answers there is a reply."""

import base64
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.kits.conftest import Site
from wxbot.errors import PluginError
from wxbot.kits.order import plugin
from wxbot.kits.order_config import OrderConfig
from wxbot.kits.order_lookup import AskedOrder
from wxbot.kits.order_site import MOST_AT_ONCE, NoAnswerError, SiteLookup

Start = Callable[..., Site]
SECRET = f"whsec_{base64.b64encode(bytes(range(32))).decode()}"
DATA = {"title": "牛皮笔记本", "state": "paid"}
ASKED = AskedOrder(account="default", number="42", data={})


class Shop:
    """A site that keeps what it was asked, and answers as it is told."""

    def __init__(self) -> None:
        self.asked: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        self.answer = b'{"state": "shipped"}'
        self.wait = threading.Event()
        self.wait.set()
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                shop.asked.append(({name.lower(): value for name, value in self.headers.items()}, body))
                shop.wait.wait(60)
                self.send_response(shop.status)
                self.send_header("Content-Length", str(len(shop.answer)))
                self.end_headers()
                self.wfile.write(shop.answer)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.url = f"http://127.0.0.1:{self.server.server_port}/order"


@pytest.fixture
def shop() -> Iterator[Shop]:
    """Return a site that runs."""
    shop = Shop()
    thread = threading.Thread(target=shop.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield shop
    shop.wait.set()
    shop.server.shutdown()
    shop.server.server_close()
    thread.join()


def asking(start: Start, shop: Shop, *, seconds: float) -> Site:
    """Start a bot that asks the shop, and waits so long for it."""
    section = {"lookup_url": shop.url, "lookup_secret": SECRET, "lookup_seconds": seconds}
    return start([plugin], plugins={"order": section})


@pytest.fixture
def site(start: Start, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Return a bot that asks the shop, and waits for it longer than it may: the machine is busy."""

    def patient(url: str, secret: str, *, seconds: float) -> SiteLookup:
        return SiteLookup(url, secret, seconds=8 * seconds)

    monkeypatch.setattr("wxbot.kits.order_config.SiteLookup", patient)
    return asking(start, shop, seconds=2.5)


def test_the_sites_answer_is_shown(site: Site, shop: Shop) -> None:
    [ailin] = site.people("ailin")

    ailin.scan(site.offer("order", "42", DATA).scene)

    assert "状态：已发货" in ailin.last_reply.text
    assert "牛皮笔记本" in ailin.last_reply.text


def test_the_question_is_signed_and_names_nobody(site: Site, shop: Shop) -> None:
    [ailin] = site.people("ailin")

    ailin.scan(site.offer("order", "42", DATA).scene)

    [(headers, body)] = shop.asked
    assert Webhook(SECRET).verify(body, headers)["data"] == {
        "account": "default",
        "order": "42",
        "data": DATA,
    }
    assert ailin.openid not in body.decode()


@pytest.mark.parametrize("status", [404, 410])
def test_an_order_that_the_site_does_not_know_is_not_bound(site: Site, shop: Shop, status: int) -> None:
    [ailin] = site.people("ailin")
    claim = site.offer("order", "42", DATA)
    shop.status = status

    ailin.scan(claim.scene)

    assert "没有查到订单 42" in ailin.last_reply.text
    assert site.state(claim) == "open"


@pytest.mark.parametrize(
    ("status", "answer"),
    [(500, b"{}"), (302, b"{}"), (200, b"<html>"), (200, b"[]"), (200, b"[" * 50_000), (200, b" " * 70_000)],
    ids=["failure", "redirect", "page", "list", "deep", "long"],
)
def test_an_answer_that_is_none_costs_nobody_their_order(
    site: Site, shop: Shop, status: int, answer: bytes
) -> None:
    [ailin] = site.people("ailin")
    claim = site.offer("order", "42", DATA)
    shop.status, shop.answer = status, answer

    ailin.scan(claim.scene)

    assert "状态：已付款" in ailin.last_reply.text
    assert site.holder(claim) == ailin.openid


def test_a_slow_site_costs_nobody_their_order(start: Start, shop: Shop) -> None:
    site = asking(start, shop, seconds=0.5)
    [ailin] = site.people("ailin")
    claim = site.offer("order", "42", DATA)
    # Until everybody has been answered the site says nothing.
    shop.wait.clear()

    ailin.scan(claim.scene)

    assert "状态：已付款" in ailin.last_reply.text
    assert site.holder(claim) == ailin.openid


def test_a_site_that_is_gone_costs_nobody_their_order(site: Site, shop: Shop) -> None:
    [ailin] = site.people("ailin")
    claim = site.offer("order", "42", DATA)
    shop.server.shutdown()
    shop.server.server_close()

    ailin.scan(claim.scene)

    assert "状态：已付款" in ailin.last_reply.text


def test_few_wait_for_a_slow_site_and_the_others_go_on(shop: Shop) -> None:
    shop.wait.clear()
    lookup = SiteLookup(shop.url, SECRET, seconds=30.0)
    answers: list[object] = []
    threads = [threading.Thread(target=lambda: answers.append(lookup(ASKED))) for _ in range(MOST_AT_ONCE)]
    for each in threads:
        each.start()
    while len(shop.asked) < MOST_AT_ONCE:
        time.sleep(0.01)

    with pytest.raises(NoAnswerError, match="wait for the site already"):
        lookup(ASKED)

    shop.wait.set()
    for each in threads:
        each.join()
    assert answers == [{"state": "shipped"}] * MOST_AT_ONCE
    assert lookup(ASKED) == {"state": "shipped"}


@pytest.mark.parametrize(
    ("section", "fault"),
    [
        ({"lookup_url": "ftp://shop"}, "must be an address of the site"),
        ({"lookup_url": "https://shop.example.com/o"}, "lookup_secret must be whsec_"),
        (
            {"lookup_url": "https://shop.example.com/o", "lookup_secret": "whsec_AAAA"},
            "lookup_secret must be",
        ),
        ({"lookup_url": "https://a.b/o", "lookup_secret": SECRET, "lookup": "json:loads"}, "set one of them"),
        ({"lookup": "json"}, "as module:function"),
        ({"lookup": "no_such_module:find"}, "no_such_module cannot be imported: ModuleNotFoundError"),
        ({"lookup": "json:no_such_function"}, "json has no plain function no_such_function"),
        ({"bound": "{openid}"}, "has a placeholder …; there are: {number}"),
        ({"bound": "{number!r}"}, "write {name}"),
        ({"bound": "{number.__class__}"}, "write {name}"),
        ({"bound": "{number"}, "write {{ or }}"),
        ({"bound": "{title}"}, "must contain text that can be seen"),
        ({"held": " "}, "must contain text that can be seen"),
        ({"typo": 1}, "typo"),
    ],
)
def test_faults_of_the_settings_stop_the_start(start: Start, section: Any, fault: str) -> None:
    with pytest.raises(PluginError) as raised:
        start([plugin], plugins={"order": section})

    assert fault in str(raised.value)
    assert SECRET not in str(raised.value)


def test_the_secret_is_not_shown() -> None:
    config = OrderConfig(lookup_url="https://shop.example.com/o", lookup_secret=SECRET)  # type: ignore[arg-type]

    assert SECRET not in repr(config)
