"""What the tests of the protocol share: recorded bytes, an account, and documents as WeChat pushes them."""

import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from wxbot.wechat import signature
from wxbot.wechat.envelope import Credentials, Mode
from wxbot.wechat.events import Event
from wxbot.wechat.parse import parse_event

GOLDEN = Path(__file__).parents[1] / "golden"

AILIN = "oAilin-follows-since-2024_00"


@pytest.fixture(scope="session")
def golden() -> Callable[[str], bytes]:
    """Read a recorded file."""
    return lambda name: (GOLDEN / name).read_bytes()


@pytest.fixture(scope="session")
def vectors() -> dict[str, Any]:
    """The worked examples that WeChat publishes."""
    return tomllib.loads((GOLDEN / "vectors.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def now() -> datetime:
    """The moment at which the tests play."""
    return datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)


@pytest.fixture(scope="session")
def account() -> Callable[[Mode], Credentials]:
    """Make the credentials of the tests' account in a mode."""
    return lambda mode: Credentials(
        appid="wx0000000000000001",
        token="a-callback-token-of-tests",
        aes_key="abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
        mode=mode,
    )


def _push(inner: str = "", *, msg_type: str = "event", **replaced: str) -> bytes:
    fields = {
        "ToUserName": "<ToUserName><![CDATA[gh_000000000001]]></ToUserName>",
        "FromUserName": f"<FromUserName><![CDATA[{AILIN}]]></FromUserName>",
        "CreateTime": "<CreateTime>1773480413</CreateTime>",
        "MsgType": f"<MsgType><![CDATA[{msg_type}]]></MsgType>",
    }
    return f"<xml>{chr(10).join((fields | replaced).values())}\n{inner}</xml>".encode()


@pytest.fixture(scope="session")
def push() -> Callable[..., bytes]:
    """Build a document that Ailin causes; `replaced` exchanges one of the four common elements as a whole."""
    return _push


@pytest.fixture(scope="session")
def read() -> Callable[..., Event]:
    """Build a document and parse it."""
    return lambda inner="", **replaced: parse_event(_push(inner, **replaced), account="default")


@pytest.fixture(scope="session")
def scan(read: Callable[..., Event]) -> Event:
    """Ailin scans."""
    return read("<Event>SCAN</Event><EventKey>door</EventKey>")


@pytest.fixture(scope="session")
def text_message(read: Callable[..., Event]) -> Event:
    """Ailin writes."""
    return read("<Content>hello</Content><MsgId>24610000000000001</MsgId>", msg_type="text")


@pytest.fixture(scope="session")
def signed(now: datetime) -> Callable[..., bytes]:
    """Build the query string of a callback, correctly signed, and with single parameters replaced."""

    def build(credentials: Credentials, encrypted: str | None = None, **replaced: str) -> bytes:
        timestamp, nonce = str(int(now.timestamp())), "415670741"
        given = {
            "signature": signature.sign(credentials.token, timestamp, nonce),
            "timestamp": timestamp,
            "nonce": nonce,
            "openid": AILIN,
        }
        if encrypted is not None:
            given["encrypt_type"] = "aes"
            given["msg_signature"] = signature.sign(credentials.token, timestamp, nonce, encrypted)
        return "&".join(f"{name}={value}" for name, value in (given | replaced).items()).encode()

    return build
