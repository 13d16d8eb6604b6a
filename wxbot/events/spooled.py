"""What the spool keeps of an event, and how it stands in a file: a line with a checksum."""

import base64
import json
import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from wxbot.outcome import Status

# Begins the detail of a document that no handler can be given; the reason follows.
MALFORMED = "malformed: "
LINE_START = b'{"sum":"'
_LINE = re.compile(rb'\{"sum":"([0-9a-f]{16})","event":(.*)\}\n', re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Spooled:
    """An event on its way into the database, with what it was answered.

    `arrived_at` is in seconds since 1970, `signed_by` as in Delivery, `reply` and `more` are replies as data.
    `status` is empty for an event that no handler has seen; the others tell the end of one that was handled.
    """

    account: str
    body: bytes = field(repr=False)
    arrived_at: int
    signed_by: bytes | None = field(default=None, repr=False)
    reply: dict[str, object] | None = None
    more: tuple[dict[str, object], ...] = ()
    status: Status | None = None
    handler: str = ""
    detail: str = ""
    seconds: float = 0.0

    @property
    def malformed_key(self) -> bytes | None:
        """Return the key that a document has on record which no handler can be given; None for an event."""
        if self.handler or not self.detail.startswith(MALFORMED):
            return None
        return sha256(b"malformed\0" + self.account.encode() + b"\0" + self.body).digest()[:16]


def to_line(entry: Spooled) -> bytes:
    """Return the line of a file that keeps an event."""
    data = vars(entry) | {
        "body": base64.b64encode(entry.body).decode(),
        "signed_by": _hex(entry.signed_by),
    }
    text = json.dumps(data, separators=(",", ":")).encode()
    return b'{"sum":"%s","event":%s}\n' % (_sum(text), text)


def from_line(line: bytes) -> Spooled | None:
    """Return what a line holds; None when it is not as it was written, or not by a version like this."""
    match = _LINE.fullmatch(line)
    if match is None or match[1] != _sum(match[2]):
        return None
    try:
        data: dict[str, Any] = json.loads(match[2])
        data.pop("run", None)  # earlier versions wrote it, always empty
        read = {
            "body": base64.b64decode(data["body"]),
            "signed_by": _bytes(data["signed_by"]),
            "more": tuple(data["more"]),
            "status": data["status"] and Status(data["status"]),
        }
        return Spooled(**data | read)
    except (KeyError, TypeError, ValueError):
        return None


def _sum(text: bytes) -> bytes:
    return sha256(text).hexdigest()[:16].encode()


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text)
