"""Nobody reaches our own network through a webhook, however the address is written or resolved."""

import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from itertools import cycle

import pytest

from tests.webhooks.receiver import Receiver
from wxbot.webhooks.addresses import (
    AddressRefusedError,
    Place,
    Rules,
    addresses_of,
    is_public,
    look_up,
    read_url,
)
from wxbot.webhooks.sending import Sender

# The database has no part in it.
pytestmark = pytest.mark.sqlite_only

# PORT is that of a server on this machine, which nobody may reach. The last column: refused when it is read,
# so that it cannot even be stored; the others are refused when their name is looked up.
PRIVATE = [
    ("https://127.0.0.1:PORT/", True),
    ("https://127.0.0.1:PORT/x@shop.example.com", True),
    ("https://127.1:PORT/", True),
    ("https://127.0.1:PORT/", True),
    ("https://2130706433:PORT/", True),
    ("https://0x7f000001:PORT/", True),
    ("https://0x7f.0.0.1:PORT/", True),
    ("https://0177.0.0.1:PORT/", True),
    ("https://017700000001:PORT/", True),
    ("https://127.0.0.01:PORT/", True),
    ("https://127.0.0.0x1:PORT/", True),
    ("https://１２７.0.0.1:PORT/", True),
    ("https://①②⑦.0.0.1:PORT/", True),
    ("https://127。0。0。1:PORT/", True),
    ("https://0:PORT/", True),
    ("https://0.0.0.0:PORT/", True),
    ("https://127.0.0.1.:PORT/", True),
    ("https://localhost:PORT/", True),
    ("https://LOCALHOST:PORT/", True),
    ("https://localhost.:PORT/", True),
    ("https://ｌｏｃａｌｈｏｓｔ:PORT/", True),
    ("https://[::1]:PORT/", True),
    ("https://[::]:PORT/", True),
    ("https://[0:0:0:0:0:0:0:1]:PORT/", True),
    ("https://[::127.0.0.1]:PORT/", True),
    ("https://[::ffff:127.0.0.1]:PORT/", True),
    ("https://[::ffff:7f00:1]:PORT/", True),
    ("https://[::ffff:0:127.0.0.1]:PORT/", True),
    ("https://[64:ff9b::127.0.0.1]:PORT/", True),
    ("https://[64:ff9b:1::7f00:1]:PORT/", True),
    ("https://[2002:7f00:1::]:PORT/", True),
    ("https://[2001:0:7f00:1::]:PORT/", True),
    ("https://[fe80::1]:PORT/", True),
    ("https://[fe80::1%25lo]:PORT/", True),
    ("https://[fe80::1%lo]:PORT/", True),
    ("https://[fc00::1]:PORT/", True),
    ("https://[fd00:ec2::254]:PORT/latest/meta-data/", True),
    ("https://[ff02::1]:PORT/", True),
    ("https://[2001:db8::1]:PORT/", True),
    ("https://[::1:PORT/", True),
    ("https://10.0.0.1:PORT/", True),
    ("https://172.16.0.1:PORT/", True),
    ("https://192.168.1.1:PORT/", True),
    ("https://169.254.169.254:PORT/latest/meta-data/", True),
    ("https://100.100.100.200:PORT/latest/meta-data/", True),
    ("https://100.64.0.1:PORT/", True),
    ("https://168.63.129.16:PORT/machine", True),
    ("https://192.0.0.192:PORT/opc/v2/", True),
    ("https://192.88.99.1:PORT/", True),
    ("https://198.18.0.1:PORT/", True),
    ("https://224.0.0.1:PORT/", True),
    ("https://240.0.0.1:PORT/", True),
    ("https://255.255.255.255:PORT/", True),
    ("http://shop.example.com:PORT/", True),
    ("http://127.0.0.1:PORT/", True),
    ("gopher://127.0.0.1:PORT/_GET", True),
    ("file:///etc/passwd", True),
    ("ftp://shop.example.com:PORT/", True),
    ("//127.0.0.1:PORT/", True),
    ("https:127.0.0.1:PORT/", True),
    ("https://shop.example.com@127.0.0.1:PORT/", True),
    ("https://127.0.0.1:PORT@shop.example.com/", True),
    ("https://user:password@shop.example.com:PORT/", True),
    ("https://shop.example.com:PORT\\@127.0.0.1:PORT/", True),
    ("https://shop.example.com#@127.0.0.1:PORT/", True),
    ("https://127.0.0.1:PORT#.example.com/", True),
    ("https://127.0.0.1:PORT?.example.com/", True),
    ("https://shop.example.com:22/", True),
    ("https://shop.example.com:6379/", True),
    ("https://shop.example.com:0/", True),
    ("https://shop.example.com:99999/", True),
    ("https://shop.example.com:PORT:80/", True),
    ("https://shop.example.com:/", True),
    ("https://shop..example.com:PORT/", True),
    ("https://.example.com:PORT/", True),
    ("https://:PORT/", True),
    ("https:///x", True),
    ("https://shop.example.com:PORT/\r\nHost: 127.0.0.1", True),
    (" https://shop.example.com:PORT/", True),
    ("https://shop.example.com :PORT/", True),
    ("https://shop\u200b.example.com:PORT/", True),
    ("https://intranet:PORT/", True),
    ("https://localtest.example.com:PORT/", False),
    ("https://mixed.example.com:PORT/", False),
    ("https://metadata.google.internal:PORT/computeMetadata/v1/", False),
    ("https://mapped.example.com:PORT/", False),
    ("https://scoped.example.com:PORT/", False),
    ("https://translated.example.com:PORT/", False),
    ("https://127.0.0.1.nip.example.com:PORT/", False),
    ("https://xn--fiq228c.example.com:PORT/", False),
]
PUBLIC_ADDRESS = "93.184.216.34"
NAMES = {
    "localtest.example.com": ["127.0.0.1"],
    "mixed.example.com": [PUBLIC_ADDRESS, "127.0.0.1"],
    "metadata.google.internal": ["169.254.169.254"],
    "mapped.example.com": ["::ffff:10.0.0.1"],
    "scoped.example.com": ["fe80::1%lo"],
    "translated.example.com": ["64:ff9b::a00:1"],
    "127.0.0.1.nip.example.com": ["127.0.0.1"],
    "xn--fiq228c.example.com": ["::1"],
}


class Dial:
    """Connects nowhere but to this machine, and notes where it was to connect."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.asked: list[str] = []

    def __call__(self, address: tuple[str, int], seconds: float) -> socket.socket:
        """Note the address; connect to the port on this machine if there is one."""
        self.asked.append(address[0])
        if not self.port:
            raise ConnectionRefusedError
        return socket.create_connection(("127.0.0.1", self.port), seconds)


def resolve(name: str, _port: int) -> Sequence[str]:
    """Look up the names of this test; what looks like a number is a number, as in C."""
    if name in NAMES:
        return NAMES[name]
    try:
        return [socket.inet_ntoa(socket.inet_aton(name))]
    except OSError:
        return ["127.0.0.1"]


def test_no_url_leads_to_a_private_place(site: Receiver) -> None:
    rules = Rules(ports=frozenset({443, 8443, site.port}))
    dial = Dial(site.port)
    sender = Sender(rules, resolve=resolve, connect=dial)
    assert len(PRIVATE) >= 60

    wrong = []
    for written, is_refused_at_once in PRIVATE:
        url = written.replace("PORT", str(site.port))
        try:
            read_url(url, rules)
            was_refused_at_once = False
        except AddressRefusedError:
            was_refused_at_once = True
        answer = sender.send(url, b"{}", {})
        if was_refused_at_once != is_refused_at_once or answer.status is not None or dial.asked:
            wrong.append((written, answer, dial.asked.copy()))
            dial.asked.clear()

    assert not wrong
    assert site.connections == 0


def test_name_that_changes_its_mind_is_looked_up_once_and_never_reached(site: Receiver) -> None:
    answers = cycle([[PUBLIC_ADDRESS], ["127.0.0.1"], ["169.254.169.254"], [PUBLIC_ADDRESS, "10.0.0.1"]])
    lock = threading.Lock()
    lookups = []

    def flip(name: str, _port: int) -> Sequence[str]:
        with lock:
            lookups.append(name)
            return next(answers)

    dial = Dial()
    sender = Sender(Rules(ports=frozenset({site.port})), resolve=flip, connect=dial)

    for _ in range(100):
        sender.send(f"https://shop.example.com:{site.port}/", b"{}", {})

    assert len(lookups) == 100
    assert set(dial.asked) == {PUBLIC_ADDRESS} and len(dial.asked) == 25
    assert site.connections == 0


def test_what_is_connected_to_is_what_was_checked_with_the_names_of_the_url(
    start_site: Callable[..., Receiver], certificate: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    server, client = certificate
    names: list[str | None] = []
    server.sni_callback = lambda _line, name, _context: names.append(name)
    site = start_site(server)
    dial = Dial(site.port)
    sender = Sender(Rules(), resolve=lambda *_: [PUBLIC_ADDRESS], connect=dial, context=client)

    answer = sender.send("https://Shop.Example.COM/hooks", b"{}", {})

    assert (answer.status, dial.asked, names) == (200, [PUBLIC_ADDRESS], ["shop.example.com"])
    assert site.requests[0].headers["host"] == "shop.example.com"
    assert site.requests[0].line == "POST /hooks HTTP/1.1"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("other.example.com", "not trusted: Hostname mismatch"),
        ("shop.example.com", "not trusted: self-signed certificate"),
    ],
)
def test_certificate_must_be_good(
    start_site: Callable[..., Receiver],
    certificate: tuple[ssl.SSLContext, ssl.SSLContext],
    name: str,
    words: str,
) -> None:
    server, client = certificate
    site = start_site(server)
    context = client if name == "other.example.com" else None
    sender = Sender(Rules(), resolve=lambda *_: [PUBLIC_ADDRESS], connect=Dial(site.port), context=context)

    answer = sender.send(f"https://{name}/", b"{}", {})

    assert answer.status is None and words in answer.detail
    assert site.requests == []


def test_site_without_tls_is_told_of() -> None:
    ours, theirs = socket.socketpair()
    theirs.sendall(b"220 mail.example.com ESMTP\r\n")
    sender = Sender(Rules(), resolve=lambda *_: [PUBLIC_ADDRESS], connect=lambda *_: ours)

    assert sender.send("https://shop.example.com/", b"{}", {}).detail == "TLS failed"
    theirs.close()


def test_next_address_is_tried_if_one_does_not_answer(site: Receiver) -> None:
    dialled = []

    def connect(address: tuple[str, int], seconds: float) -> socket.socket:
        dialled.append(address[0])
        if len(dialled) == 1:
            raise OSError("no route")
        return socket.create_connection(("127.0.0.1", site.port), seconds)

    rules = Rules(allow_private=True)
    sender = Sender(rules, resolve=lambda *_: ["2606:4700::1", PUBLIC_ADDRESS], connect=connect)

    assert sender.send("http://shop.example.com/", b"{}", {}).status == 200
    assert dialled == ["2606:4700::1", PUBLIC_ADDRESS]


def test_look_up_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wxbot.webhooks.addresses.LOOK_UP_SECONDS", 0.1)
    ended = threading.Event()
    place = read_url("https://shop.example.com/", Rules())

    with pytest.raises(TimeoutError):
        addresses_of(place, Rules(), lambda *_: [str(ended.wait(5))])
    ended.set()


def test_development_may_go_anywhere() -> None:
    rules = Rules(allow_private=True)

    places = [
        read_url(url, rules).url for url in ("http://127.0.0.1:5000/x", "http://localhost", "HTTP://[::1]:1")
    ]

    assert places == ["http://127.0.0.1:5000/x", "http://localhost/", "http://[::1]:1/"]
    assert look_up("127.0.0.1", 80) == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("url", "host", "target", "authority"),
    [
        ("https://shop.example.com", "shop.example.com", "/", "shop.example.com"),
        ("https://shop.example.com:443/a?b=c", "shop.example.com", "/a?b=c", "shop.example.com"),
        ("https://shop.example.com:8443?b", "shop.example.com", "/?b", "shop.example.com:8443"),
        ("https://商店.example.com/回调", "xn--czrs0t.example.com", "/%E5%9B%9E%E8%B0%83", None),
        ("https://1.1.1.1/%2e%2e/x", "1.1.1.1", "/%2e%2e/x", "1.1.1.1"),
        ("https://[2606:4700:0000::1111]/", "2606:4700::1111", "/", "[2606:4700::1111]"),
    ],
)
def test_url_is_read_in_one_way(url: str, host: str, target: str, authority: str | None) -> None:
    place = read_url(url, Rules())

    assert (place.host, place.target) == (host, target)
    assert authority is None or place.authority == authority
    assert read_url(place.url, Rules()) == place


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "93.184.216.34", "223.5.5.5", "2606:4700::1111", "2400:3200::1", "64:ff9b::808:808"],
)
def test_public_address_is_public(address: str) -> None:
    assert is_public(address)
    assert addresses_of(_place(address), Rules(), resolve) == [address]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "shop",
        "127.0.0.1",
        "0.0.0.0",
        "::",
        "::1",
        "100.64.0.1",
        "64:ff9b::7f00:1",
        "fe80::1%2",
        "5f00::1",
    ],
)
def test_other_address_is_not(address: str) -> None:
    assert not is_public(address)


def _place(host: str) -> Place:
    return Place(scheme="https", host=host, port=443, target="/")
