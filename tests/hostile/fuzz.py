"""What a fuzzer throws bytes at: each target takes any bytes, and raises nothing but what is its own."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from tests.hostile.forging import Request
from tests.hostile.targets import AppTarget
from wxbot import Plugin, Scan
from wxbot.emulator.wire import Sender
from wxbot.errors import ForbiddenError, MalformedError
from wxbot.scenes.patterns import RuleError, compile_rule
from wxbot.scenes.signing import SigningKeys
from wxbot.testing import Wx
from wxbot.wechat.document import read_fields
from wxbot.wechat.envelope import Credentials, open_envelope, verify_url
from wxbot.wechat.parse import parse_event
from wxbot.wechat.signature import sign

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
STAMP = {"timestamp": str(int(NOW.timestamp())), "nonce": "486452656"}
SENDER = Sender(
    appid="wx0000000000000001", token="a0callback0token", aes_key="aB3" * 14 + "z", gh_id="gh_1", mode="safe"
)
CREDENTIALS = {
    mode: Credentials(SENDER.appid, SENDER.token, SENDER.aes_key, mode)  # type: ignore[arg-type]
    for mode in ("safe", "compatible", "plain")
}
KEYS = SigningKeys("default", [b"a key to sign scenes with, for tests"])
CORPUS = (
    b"",
    b"<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName><CreateTime>1773480413</CreateTime>"
    b"<MsgType>event</MsgType><Event>SCAN</Event><EventKey>vip</EventKey><Ticket>t</Ticket></xml>",
    b"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName>o1</FromUserName><CreateTime>1</CreateTime>"
    b"<MsgType>text</MsgType><Content>a]]&gt;b</Content><MsgId>7</MsgId></xml>",
    b"<!DOCTYPE a [<!ENTITY b 'c'>]><xml><a>&b;</a></xml>",
    b"<xml><a><b><c><d><e/></d></c></b></a></xml>",
    b"\xef\xbb\xbf<xml/>",
    b"<xml><Encrypt>AAAA</Encrypt></xml>",
    b"signature=0&timestamp=1&nonce=%00&msg_signature=%ff&echostr=1",
    b"shop:<int:shop_id>\nshop:007",
    b"<signed:a><b>.\n",
)


def document(data: bytes) -> None:
    """Parse a document as the bot does with one that is signed."""
    with suppress(MalformedError):
        read_fields(data)
    with suppress(MalformedError):
        event = parse_event(data, account="default")
        assert event.openid and repr(event)


def envelope(data: bytes) -> None:
    """Open what is around a document: as it is, rightly signed, and with a ciphertext that is decrypted."""
    text = data.decode("latin-1")
    signature = {"signature": sign(SENDER.token, *STAMP.values())}
    signed = "&".join(f"{name}={value}" for name, value in (STAMP | signature).items()).encode()
    encrypted = SENDER.cipher.encrypt(data)
    inner = b"<xml><Encrypt>%s</Encrypt></xml>" % encrypted.encode()
    right = signed + f"&msg_signature={sign(SENDER.token, *STAMP.values(), encrypted)}".encode()
    for credentials in CREDENTIALS.values():
        for query, body in ((data, data), (signed, data), (right, inner), (data + b"&" + right, inner)):
            with suppress(ForbiddenError):
                open_envelope(query, body, credentials, now=NOW, window_seconds=300)
        with suppress(ForbiddenError):
            verify_url(data, credentials, now=NOW, window_seconds=300)
        with suppress(ForbiddenError):
            credentials.cipher.decrypt(text)


def patterns(data: bytes) -> None:
    """Write a rule and match it with a scene: the first line, and what is behind it."""
    rule, _, scene = data.decode("utf-8", "replace").partition("\n")
    with suppress(RuleError):
        compile_rule(rule, "").match(scene, KEYS)


class Whole:
    """The whole way: a document that is signed, through the app, into a reply that a strict reader reads."""

    def __init__(self, folder: Path) -> None:
        plugin = Plugin("echo")

        @plugin.fallback
        def echo(scan: Scan) -> str:
            return f"scene: {scan.scene}"

        overrides = {"accounts": {"default": {"mode": "plain"}}}
        self.wx = Wx(folder, plugins=[plugin], overrides=overrides)
        self._target = AppTarget(self.wx.app)
        self._sent = 0

    def __call__(self, data: bytes) -> None:
        """Send a document under a signature of its own."""
        self._sent += 1
        account = self.wx.world.account
        stamp = {"timestamp": str(self.wx.world.clock.seconds()), "nonce": str(self._sent)}
        signed = {**stamp, "signature": sign(account.token, *stamp.values())}
        query = "&".join(f"{name}={value}" for name, value in signed.items()).encode()
        answer = self._target.send(Request(query, data[:65_536]))
        assert answer.status in (200, 403) and answer.body, answer
        if answer.body.startswith(b"<"):
            ElementTree.fromstring(answer.body)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "document": document,
    "envelope": envelope,
    "patterns": patterns,
}
