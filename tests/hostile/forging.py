"""What an attacker can send: genuine requests, changed ones, and documents in envelopes of every kind."""

import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol
from urllib.parse import parse_qsl, quote_from_bytes

from wxbot.emulator import wire
from wxbot.emulator.wire import Sender
from wxbot.wechat.signature import sign

Values = Mapping[str, str | bytes | None]


@dataclass(frozen=True)
class Request:
    """One request as bytes."""

    query: bytes
    body: bytes = b""
    method: str = "POST"
    path: str = "/wechat"
    headers: Mapping[str, str] = field(default_factory=dict)

    def changed(self, **values: str | bytes | None) -> "Request":
        """Return it with parameters of the query replaced, or left out for None."""
        return replace(self, query=query_of(dict(parse_qsl(self.query.decode())) | values))


@dataclass(frozen=True)
class Answer:
    """What came back. `headers` are those that do not change with the time of day."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class Target(Protocol):
    """A bot that is attacked."""

    def send(self, request: Request) -> Answer:
        """Send a request and return the answer."""
        ...


def query_of(values: Values) -> bytes:
    """Write a query in which every byte of a value arrives as it is."""
    pairs = []
    for name, value in values.items():
        if value is not None:
            raw = value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
            pairs.append(f"{name}={quote_from_bytes(raw, safe='')}")
    return "&".join(pairs).encode("ascii")


class Forger:
    """Knows the account's secrets, since only so it can tell what is refused for which reason.

    Every request is that of another person, so that no case leaves anything for the next one.
    """

    def __init__(self, sender: Sender, target: Target, now: Callable[[], float] = time.time) -> None:
        self.sender = sender
        self.target = target
        self._now = now
        self._numbers = itertools.count(1)
        self._ahead = itertools.count(5)

    @property
    def mode(self) -> str:
        """The account's mode."""
        return self.sender.mode

    @property
    def is_encrypted(self) -> bool:
        """Whether the account's mode is one with encryption."""
        return self.mode != "plain"

    def now(self) -> int:
        """Return the time in seconds."""
        return int(self._now())

    def later(self) -> str:
        """Return a nonce, another one at each call, that looks like a time soon to come."""
        return str(self.now() + next(self._ahead))

    def openid(self) -> str:
        """Return somebody new."""
        return f"oHostile{next(self._numbers):020}"

    def push(self, scene: str = "vip", **more: str) -> wire.Push:
        """Return a scan by somebody new."""
        return wire.scan(more.get("openid") or self.openid(), self.now(), scene=scene, ticket="gQ_ticket")

    def genuine(self, push: wire.Push | None = None, *, mode: str = "", nonce: str = "") -> Request:
        """Return a push as WeChat sends it, in the account's mode or another."""
        sender = replace(self.sender, mode=mode or self.mode)  # type: ignore[arg-type]
        made = wire.sealed(push or self.push(), sender, timestamp=self.now(), nonce=nonce or None)
        return Request(made.query.encode(), made.body)

    def captured(self, push: wire.Push | None = None, *, nonce: str = "") -> Request:
        """Return a push that was delivered and answered, and that somebody has read on its way."""
        request = self.genuine(push, nonce=nonce)
        assert self.target.send(request).status == 200
        return request

    def stamped(self, values: Values, encrypted: str = "") -> bytes:
        """Return a query that is rightly signed whatever its time and nonce look like."""
        stamp = {"timestamp": str(self.now()), "nonce": wire.new_nonce()} | dict(values)
        parts = [_text(stamp[name]) for name in ("timestamp", "nonce")]
        signed = {"signature": sign(self.sender.token, *parts)}
        if encrypted:
            signed["msg_signature"] = sign(self.sender.token, *parts, encrypted)
            signed["encrypt_type"] = "aes"
        return query_of(signed | stamp)

    def dated(self, **stamp: str) -> Request:
        """Return a push whose time or nonce is of another form, rightly signed nevertheless."""
        return self.document(wire.document(self.push(), self.sender.gh_id).encode(), stamp)

    def document(self, xml: bytes, stamp: Values | None = None) -> Request:
        """Return any document as if it came from WeChat: signed, and encrypted if the mode says so."""
        if not self.is_encrypted:
            return Request(self.stamped(stamp or {}), xml)
        return self.enveloped(self.sender.cipher.encrypt(xml), stamp=stamp)

    def enveloped(self, encrypted: str, *, outer: str = "", stamp: Values | None = None) -> Request:
        """Return any text as a rightly signed ciphertext; `outer` replaces the document around it."""
        body = outer or f"<xml><ToUserName>gh_1</ToUserName><Encrypt>{encrypted}</Encrypt></xml>"
        return Request(self.stamped(stamp or {}, encrypted), body.format(encrypted=encrypted).encode())

    def fields(self, rest: str, **replaced: str) -> bytes:
        """Return a document with the common fields, some of them replaced, and what follows them."""
        common = {
            "ToUserName": "<ToUserName>gh_1</ToUserName>",
            "FromUserName": f"<FromUserName>{self.openid()}</FromUserName>",
            "CreateTime": f"<CreateTime>{self.now()}</CreateTime>",
            "MsgType": "<MsgType>event</MsgType>",
        }
        return f"<xml>{''.join((common | replaced).values())}{rest}</xml>".encode()


def _text(value: str | bytes | None) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value or ""
