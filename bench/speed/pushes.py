"""Scans of ever new people, signed and sealed beforehand, and whether an answer is the right one."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from wxbot.emulator import wire
from wxbot.emulator.wire import Mode, Sender
from wxbot.wechat.signature import sign

APPID = "wx0000000000000001"
TOKEN = "bench0callback0token"
AES_KEY = "benchbenchbenchbenchbenchbenchbenchbenchbe1"
GH_ID = "gh_bench"
SCENE = "bench"
REPLY = "收到"
CONSTANT = "success"

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_ELEMENT = r"<{0}>\s*(?:<!\[CDATA\[)?(.*?)(?:\]\]>)?\s*</{0}>"
_REPLY_ELEMENTS = ("ToUserName", "FromUserName", "MsgType", "Content")
_ENVELOPE_ELEMENTS = ("Encrypt", "MsgSignature", "TimeStamp", "Nonce")
_PATTERNS = {
    name: re.compile(_ELEMENT.format(name), re.DOTALL) for name in (*_REPLY_ELEMENTS, *_ENVELOPE_ELEMENTS)
}


def sender(mode: Mode) -> Sender:
    """Return the account in whose name scans are pushed."""
    return Sender(appid=APPID, token=TOKEN, aes_key=AES_KEY, gh_id=GH_ID, mode=mode)


@dataclass(frozen=True)
class Pushed:
    """One request ready for the wire, and who is to be answered."""

    openid: str
    request: bytes


class Supply:
    """Makes requests for one candidate; no person scans twice unless it is asked for."""

    def __init__(self, mode: Mode, path: str, scene: str = SCENE) -> None:
        self.sender = sender(mode)
        self._path = path
        self._scene = scene
        self._made = 0

    def make(self, count: int) -> list[Pushed]:
        """Return so many requests, signed for this moment."""
        now = int(time.time())
        numbers = range(self._made, self._made + count)
        self._made += count
        return [self._pushed(f"o{number:027}", now) for number in numbers]

    def _pushed(self, openid: str, now: int) -> Pushed:
        push = wire.scan(openid, now, scene=self._scene, ticket="gQ_ticket")
        sealed = wire.sealed(push, self.sender, timestamp=now)
        head = (
            f"POST {self._path}?{sealed.query} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Mozilla/4.0\r\n"
            "Accept: */*\r\nConnection: close\r\nContent-Type: text/xml\r\n"
            f"Content-Length: {len(sealed.body)}\r\n\r\n"
        )
        return Pushed(openid, head.encode() + sealed.body)


def faults(
    answers: Sequence[bytes], pushed: Sequence[Pushed], account: Sender, *, constant: bool
) -> dict[int, str]:
    """Return what is wrong with which answers, each of them looked at; empty when all are right."""
    found = {}
    for number, (answer, push) in enumerate(zip(answers, pushed, strict=True)):
        try:
            _check(answer, push, account, constant=constant)
        except Exception as error:
            found[number] = f"{error} ({answer[:300]!r})"
    return found


def _check(answer: bytes, push: Pushed, account: Sender, *, constant: bool) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head[9:12] == b"200", "status"
    length = _LENGTH.search(head + b"\r\n")
    if length is not None:
        assert len(body) == int(length[1]), "length"
    else:
        body = _joined(body)
    text = body.decode()
    if constant:
        assert text == CONSTANT, "constant"
        return
    if account.mode == "safe":
        text = _opened(text, account)
    expected = {"ToUserName": push.openid, "FromUserName": GH_ID, "MsgType": "text", "Content": REPLY}
    for name, value in expected.items():
        found = _value(text, name)
        assert found == value, f"{name} is {found}"


def _opened(text: str, account: Sender) -> str:
    encrypted = _value(text, "Encrypt")
    signature = sign(account.token, _value(text, "TimeStamp"), _value(text, "Nonce"), encrypted)
    assert _value(text, "MsgSignature") == signature, "MsgSignature"
    return account.cipher.decrypt(encrypted).decode()


def _joined(chunked: bytes) -> bytes:
    """Return the body that came in chunks."""
    parts: list[bytes] = []
    rest = chunked
    while True:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            return b"".join(parts)
        parts.append(rest[:length])
        rest = rest[length + 2 :]


def _value(text: str, name: str) -> str:
    found = _PATTERNS[name].search(text)
    assert found is not None, name
    return found[1]
