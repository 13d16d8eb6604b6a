"""Documents and queries that began as genuine ones and were damaged at random, the same ones at every run."""

import random
from collections.abc import Iterator

from tests.hostile.forging import Forger, Request

_PIECES = (
    b"]]>",
    b"<![CDATA[",
    b"<a>",
    b"</a>",
    b"</xml>",
    b"<xml>",
    b"&amp;",
    b"&#0;",
    b"&#x10ffff;",
    b"<!DOCTYPE a>",
    b"<?a?>",
    b"<!--",
    b"-->",
    b"\0",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"FromUserName",
    b"EventKey",
    b"qrscene_",
    b"9" * 400,
    b"=&%",
    b"%00",
    "漢😀".encode(),
)


class Damage:
    """Damages bytes."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def of(self, whole: bytes) -> bytes:
        """Return the bytes with one to six places changed, taken away, doubled or moved."""
        parts = bytearray(whole)
        for _ in range(self._random.randint(1, 6)):
            at, size = self._random.randrange(len(parts) + 1), self._random.randint(1, 40)
            taken = bytes(parts[at : at + size])
            new = self._random.choice(
                (b"", taken * 2, self._random.choice(_PIECES), self._random.randbytes(3), taken[::-1])
            )
            parts[at : at + self._random.choice((0, size))] = new
        return bytes(parts)


def authenticated(it: Forger, count: int, *, seed: int) -> Iterator[Request]:
    """Yield damaged documents, each signed and encrypted as the account's mode wants it."""
    damage = Damage(seed)
    for _ in range(count):
        yield it.document(
            damage.of(it.fields("<Event>SCAN</Event><EventKey>vip</EventKey><Ticket>a</Ticket>"))
        )


def unauthenticated(it: Forger, count: int, *, seed: int) -> Iterator[Request]:
    """Yield genuine requests of which query and body were damaged, and whose signature belongs to neither."""
    damage = Damage(seed)
    for _ in range(count):
        request = it.genuine().changed(signature="0" * 40, msg_signature="0" * 40)
        # What no client can put into a request line is among the broken requests (connections.py).
        query = bytes(byte for byte in damage.of(request.query) if 0x21 <= byte < 0x7F and byte != ord("#"))
        yield Request(query[:8000], damage.of(request.body)[:60_000])
