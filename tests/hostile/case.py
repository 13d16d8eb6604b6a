"""One line of the table of attacks: what is sent, and what it must come to."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from tests.hostile.forging import Forger, Request

ALL = ("safe", "compatible", "plain")
ENCRYPTED = ("safe", "compatible")
SIGNED_ALONE = ("compatible", "plain")  # where a signature does not cover the body


class End(Enum):
    """What a request may come to: the status and the whole body, or None where the body is a reply."""

    REFUSED = (403, b"forbidden\n")
    TOO_LARGE = (413, b"too large\n")
    KEPT = (200, b"success")  # authentic, but nobody can say what it means
    ANSWERED = (200, None)  # strange, and yet harmless: one run, one reply to the right person
    REPEATED = (200, b"")  # the reply of before: no run
    NOT_THERE = (404, b"not found\n")
    NOT_ALLOWED = (405, b"method not allowed\n")


@dataclass(frozen=True)
class Case:
    """An attack: the line of the threat table, a name, what it must come to, and how it is made."""

    threat: str
    name: str
    end: End
    build: Callable[[Forger], Request]
    modes: tuple[str, ...] = ALL

    @property
    def title(self) -> str:
        """What a failure is found by."""
        return f"{self.threat} {self.name}"
