"""Builds with one hole each, as peers and beginners have them. The suite must find every one."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

_ENVELOPE = "wxbot.wechat.envelope"
_CRYPTO = "wxbot.wechat.crypto"
_DOCUMENT = "wxbot.wechat.document"
_ANSWER = "wxbot.callback.answer"

Patch = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Mutant:
    """A hole, a mode in which it is one, and the line of the table whose cases must find it."""

    mode: str
    threat: str
    patch: Patch


def _set(module: str, path: str, value: object) -> Patch:
    """Replace what stands at a dotted path in a module."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        owner: Any = import_module(module)
        *parents, name = path.split(".")
        for parent in parents:
            owner = getattr(owner, parent)
        monkeypatch.setattr(owner, name, value)

    return patch


def _form(name: str, pattern: str) -> Patch:
    """Let a parameter have another form."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        module = import_module(_ENVELOPE)
        monkeypatch.setitem(module._FORMS, name, module.re.compile(pattern, module.re.DOTALL))

    return patch


def _one_sided(timestamp: str, *, now: Any, window_seconds: int) -> None:
    """Refuse what is too old only."""
    if now.timestamp() - int(timestamp) > window_seconds:
        raise import_module("wxbot.errors").ForbiddenError("window")


def _sender_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a request without msg_signature for one of the plain mode."""
    module: ModuleType = import_module(_ANSWER)
    open_envelope = module.open_envelope

    def open_any(query: bytes, body: bytes, credentials: Any, **named: Any) -> Any:
        if b"msg_signature" in query:
            return open_envelope(query, body, credentials, **named)
        opened = open_envelope(query, body, replace(credentials, mode="plain"), **named)
        return replace(opened, credentials=credentials)

    monkeypatch.setattr(module, "open_envelope", open_any)


def _outer_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Believe the document around the ciphertext as well, as some do who merge both."""
    module: ModuleType = import_module(_ANSWER)
    open_envelope = module.open_envelope

    def open_merged(query: bytes, body: bytes, credentials: Any, **named: Any) -> Any:
        opened = open_envelope(query, body, credentials, **named)
        return replace(opened, body=opened.body.replace(b"vip", b"evil")) if b"evil" in body else opened

    monkeypatch.setattr(module, "open_envelope", open_merged)


def _last_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the last of doubled parameters, as a dict does."""
    module: ModuleType = import_module(_ENVELOPE)
    parameters = module._parameters

    def lenient(query: bytes, **named: Any) -> Any:
        pairs = {pair.partition(b"=")[0]: pair for pair in query.split(b"&")}
        return parameters(b"&".join(pairs.values()), **named)

    monkeypatch.setattr(module, "_parameters", lenient)


def _unpadded(self: Any, filled: bytes) -> bytes:
    """Trust the padding and the length."""
    end = 20 + int.from_bytes(filled[16:20], "big")
    return filled[20:end]


def _talkative(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say in the refusal what was wrong."""
    module: ModuleType = import_module("wxbot.callback.views")
    refused = module.Callbacks._refused

    def explain(callbacks: Any, account: str, error: Any) -> Any:
        return refused(callbacks, account, error)._replace(text=f"forbidden: {error}\n")

    monkeypatch.setattr(module.Callbacks, "_refused", explain)


def _doctype(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let documents declare types."""
    monkeypatch.setattr(import_module(_DOCUMENT), "_refuse", lambda _: lambda *_arguments: 1)


def _first_of_doubled(fields: Any, name: str) -> str:
    """Take the first of doubled elements."""
    value = fields.get(name, "")
    value = value[0] if isinstance(value, list) else value
    return value if isinstance(value, str) else ""


def _echo_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Echo before anything is checked."""
    module: ModuleType = import_module(_ANSWER)
    monkeypatch.setattr(
        module.Answering,
        "verify",
        lambda _self, _account, query: dict(pair.split(b"=") for pair in query.split(b"&"))[b"echostr"],
    )


def _any_account(self: Any, _name: str) -> Any:
    """Take every path for that of the one account."""
    return self.accounts["default"]


def _kept_whole(text: str) -> str:
    """Put text into CDATA as it is."""
    return f"<![CDATA[{text}]]>"


MUTANTS = {
    "signature unchecked": Mutant("plain", "A1", _set(_ENVELOPE, "signature.matches", lambda *_: True)),
    "message signature unchecked": Mutant(
        "safe", "A1", _set(_ENVELOPE, "signature.matches", lambda *_: True)
    ),
    "no window": Mutant("safe", "A2", _set(_ENVELOPE, "_check_time", lambda *_a, **_n: None)),
    "one-sided window": Mutant("safe", "A2", _set(_ENVELOPE, "_check_time", _one_sided)),
    "loose time": Mutant("plain", "A2", _form("timestamp", "\\s*\\+?[0-9]{1,14}\\s*")),
    "loose nonce": Mutant("plain", "A2", _form("nonce", ".*")),
    "loose echo": Mutant("safe", "A10", _form("echostr", ".*")),
    "last parameter wins": Mutant("plain", "A1", _last_wins),
    "echo first": Mutant("safe", "A10", _echo_first),
    "signature forgotten": Mutant(
        "plain", "A3", _set(_ENVELOPE, "_digest", lambda _: secrets.token_bytes(16))
    ),
    "verification not noted": Mutant(
        "plain", "A3", _set("wxbot.events.records", "Records.bind_signature", lambda *_a, **_n: None)
    ),
    "events of any age": Mutant("safe", "A4", _set(_ANSWER, "_LONGEST_WAY", timedelta(days=10**6))),
    "sender chooses the mode": Mutant("safe", "A5", _sender_chooses),
    "outer document counts": Mutant("safe", "A5", _outer_counts),
    "padding unchecked": Mutant("safe", "A7", _set(_CRYPTO, "Cipher._unwrap", _unpadded)),
    "appid unchecked": Mutant("safe", "A7", _set(_CRYPTO, "hmac.compare_digest", lambda *_: True)),
    "talkative refusal": Mutant("safe", "A1", _talkative),
    "doctype accepted": Mutant("plain", "B1-3", _doctype),
    "depth unlimited": Mutant("plain", "B1-3", _set(_DOCUMENT, "MAX_DEPTH", 10**6)),
    "elements unlimited": Mutant("plain", "B1-3", _set(_DOCUMENT, "MAX_ELEMENTS", 10**6)),
    "attributes unlimited": Mutant("plain", "B1-3", _set(_DOCUMENT, "MAX_ATTRIBUTES", 10**6)),
    "names unlimited": Mutant("plain", "B1-3", _set(_DOCUMENT, "MAX_NAME", 10**6)),
    "body unlimited": Mutant("plain", "B2", _set("wxbot.callback.views", "MAX_BODY_BYTES", 10**9)),
    "first of doubled wins": Mutant("plain", "B4", _set("wxbot.wechat.parse", "_text", _first_of_doubled)),
    "cdata not split": Mutant("safe", "C1", _set("wxbot.wechat.render", "_cdata", _kept_whole)),
    "any path": Mutant("plain", "A1", _set(_ANSWER, "Answering._credentials", _any_account)),
}
