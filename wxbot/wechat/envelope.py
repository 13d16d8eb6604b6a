"""Opening what WeChat sends and sealing what it gets: query, time window, signatures, encryption.

The mode is configuration; nothing that a sender may leave out or add changes it.
"""

import hashlib
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Literal, TypeAlias, get_args
from urllib.parse import unquote_to_bytes

from wxbot.errors import ForbiddenError, MalformedError
from wxbot.wechat import signature
from wxbot.wechat.crypto import Cipher
from wxbot.wechat.document import read_fields

Mode: TypeAlias = Literal["safe", "compatible", "plain"]

ACKNOWLEDGEMENT = "success"

MAX_QUERY = 4096

# WeChat's signature does not separate its parts, so each must have a form that no neighbour can lend to.
_FORMS = {
    "timestamp": re.compile("[0-9]{10}"),
    "nonce": re.compile("[0-9A-Za-z]{1,32}"),
    "signature": re.compile("[0-9a-f]{40}"),
    "msg_signature": re.compile("[0-9a-f]{40}"),
    "echostr": re.compile("[0-9A-Za-z+/=_-]{1,128}"),
}
# What the document around the ciphertext may be for what somebody typed.
_TYPED = ("not-xml", "not-utf-8")
_ENCRYPTED = re.compile(rb"<Encrypt><!\[CDATA\[([0-9A-Za-z+/=]+)\]\]></Encrypt>")
_PARAMETERS = frozenset(_FORMS) | {"encrypt_type", "openid"}

_SEALED = """<xml>
<Encrypt><![CDATA[{encrypted}]]></Encrypt>
<MsgSignature><![CDATA[{signed}]]></MsgSignature>
<TimeStamp>{timestamp}</TimeStamp>
<Nonce><![CDATA[{nonce}]]></Nonce>
</xml>"""


@dataclass(frozen=True)
class Credentials:
    """What an account and WeChat share; ValueError for an empty appid or token, which anybody could use.

    `former` are those before a change of token or key, which count as well up to `former_until`.
    """

    appid: str
    token: str = field(repr=False)
    aes_key: str = field(repr=False)
    mode: Mode
    former: tuple["Credentials", ...] = ()
    former_until: datetime | None = None

    def __post_init__(self) -> None:
        if not self.appid or not self.token:
            raise ValueError("an account needs an appid and a callback token")
        if self.mode not in get_args(Mode):
            raise ValueError("the mode of an account must be safe, compatible or plain")

    @cached_property
    def cipher(self) -> Cipher:
        """The cipher of the account; ValueError if the AES key has not the right form."""
        return Cipher(self.aes_key, self.appid)

    def valid_at(self, now: datetime) -> tuple["Credentials", ...]:
        """Return all that count at a time, these first."""
        if self.former_until is None or now >= self.former_until:
            return (self,)
        return (self, *self.former)


@dataclass(frozen=True)
class Opened:
    """A verified callback: the one document to believe, and what its answer and its record need.

    `signed_by` is a digest of the signature where that does not cover the body: the record must refuse the
    same one with another event. In safe mode it is None. `credentials` are those that WeChat used, with which
    the answer must be sealed.
    """

    body: bytes = field(repr=False)
    nonce: str
    credentials: Credentials
    signed_by: bytes | None = field(default=None, repr=False)


def verify_url(query: bytes, credentials: Credentials, *, now: datetime, window_seconds: int) -> str:
    """Return the echostr of a verification request, to be answered as it is; raises ForbiddenError."""
    given = _parameters(query, required=("signature", "timestamp", "nonce", "echostr"))
    _check_time(given["timestamp"], now=now, window_seconds=window_seconds)
    _signers(credentials.valid_at(now), given["signature"], given["timestamp"], given["nonce"])
    return given["echostr"]


def signature_digest(query: bytes) -> bytes:
    """Return what stands for the signature of a request that `verify_url` has accepted."""
    return _digest(_parameters(query, required=("signature",))["signature"])


def open_envelope(
    query: bytes, body: bytes, credentials: Credentials, *, now: datetime, window_seconds: int
) -> Opened:
    """Verify a pushed event and return its document; raises ForbiddenError for all that cannot be verified.

    `query` is the raw query string. In plain mode nothing of the body is looked at.
    """
    required = {
        "plain": ("signature", "timestamp", "nonce"),
        "compatible": ("signature", "msg_signature", "timestamp", "nonce"),
        "safe": ("msg_signature", "timestamp", "nonce"),
    }[credentials.mode]
    given = _parameters(query, required=required)
    _check_time(given["timestamp"], now=now, window_seconds=window_seconds)
    stamp = (given["timestamp"], given["nonce"])
    possible: Sequence[Credentials] = credentials.valid_at(now)
    signed_by = None
    if credentials.mode != "safe":
        possible = _signers(possible, given["signature"], *stamp)
        signed_by = _digest(given["signature"])
    if credentials.mode != "plain":
        encrypted = _encrypted(body, is_alone=credentials.mode == "safe")
        possible = _signers(possible, given["msg_signature"], *stamp, encrypted)
        body, used = _decrypted(possible, encrypted)
        possible = (used,)
    return Opened(body=body, nonce=given["nonce"], credentials=possible[0], signed_by=signed_by)


def seal(
    xml: str, credentials: Credentials, *, nonce: str, now: datetime, random: bytes | None = None
) -> str:
    """Return the answer's body: encrypted in safe mode, otherwise as it is; the acknowledgement never is.

    Raises ValueError for a nonce that no request can have brought. `random` is for known ciphertexts.
    """
    if credentials.mode != "safe" or xml == ACKNOWLEDGEMENT:
        return xml
    if _FORMS["nonce"].fullmatch(nonce) is None:
        raise ValueError("the nonce of an answer must have 1 to 32 letters and digits")
    encrypted = credentials.cipher.encrypt(xml.encode("utf-8"), random=random)
    timestamp = str(int(now.timestamp()))
    signed = signature.sign(credentials.token, timestamp, nonce, encrypted)
    return _SEALED.format(encrypted=encrypted, signed=signed, timestamp=timestamp, nonce=nonce)


def _parameters(query: bytes, *, required: Collection[str]) -> dict[str, str]:
    """Read WeChat's parameters: none twice, the required ones present and in their form.

    Others are left alone, since WeChat appends its own to the query of the configured address. A plus sign
    stands for itself: no value of WeChat's contains a space, but base64 has a plus.
    """
    if len(query) > MAX_QUERY:
        raise ForbiddenError("query")
    given: dict[str, str] = {}
    for name, value in _pairs(query):
        if name not in _PARAMETERS:
            continue
        if name in given:
            raise ForbiddenError("query")
        given[name] = value
    if "msg_signature" in required and "msg_signature" not in given:
        raise ForbiddenError("not-encrypted")
    for name in required:
        if _FORMS[name].fullmatch(given.get(name, "")) is None:
            raise ForbiddenError("query")
    return given


def _pairs(query: bytes) -> Iterator[tuple[str, str]]:
    for pair in query.decode("latin-1").split("&"):
        name, _, value = pair.partition("=")
        if "%" in pair:
            yield _unquoted(name), _unquoted(value)
        else:
            yield name, value


def _unquoted(text: str) -> str:
    return unquote_to_bytes(text.encode("latin-1")).decode("latin-1")


def _digest(given: str) -> bytes:
    return hashlib.sha256(given.encode("ascii")).digest()[:16]


def _check_time(timestamp: str, *, now: datetime, window_seconds: int) -> None:
    """Refuse a request from outside the window, on both sides of now."""
    if abs(now.timestamp() - int(timestamp)) > window_seconds:
        raise ForbiddenError("window")


def _signers(possible: Sequence[Credentials], given: str, *parts: str) -> Sequence[Credentials]:
    """Return those whose token made a signature; without any it is a wrong one."""
    found = [each for each in possible if signature.matches(given, each.token, *parts)]
    if not found:
        raise ForbiddenError("signature")
    return found


def _encrypted(body: bytes, *, is_alone: bool) -> str:
    """Return the text of the one `<Encrypt>` element of the outer document.

    Where it does not stand alone, what somebody typed stands beside it, and may be no XML.
    """
    try:
        encrypted = read_fields(body).get("Encrypt")
    except MalformedError as malformed:
        found = _ENCRYPTED.findall(body)
        if is_alone or malformed.reason not in _TYPED or len(found) != 1:
            raise ForbiddenError("envelope") from None
        encrypted = found[0].decode("ascii")
    if not isinstance(encrypted, str) or not encrypted:
        raise ForbiddenError("envelope")
    return encrypted


def _decrypted(possible: Sequence[Credentials], encrypted: str) -> tuple[bytes, Credentials]:
    """Return the document inside, and the credentials whose key opens it."""
    *earlier, last = possible
    for each in earlier:
        with suppress(ForbiddenError):
            return each.cipher.decrypt(encrypted), each
    return last.cipher.decrypt(encrypted), last
