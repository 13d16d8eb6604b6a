"""A claim: something that one person may take, once, by scanning the code that was made for it."""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wxbot.clock import DAY_SECONDS
from wxbot.errors import WxbotError

LIFETIME_SECONDS = 600
# What is claimed for these is over with the moment: nobody holds a login as they hold an order.
PASSING = ("login",)
# What is claimed for these is nobody's until it is confirmed, and too late some time.
CONFIRMED = (*PASSING, "link")
# What these makers attach is between a page and a person; an API key's id is never one of them.
DISCREET_MAKERS = ("login",)
LONGEST_LIFETIME_SECONDS = 30 * DAY_SECONDS  # of a temporary code
LONGEST_SUBJECT = 128
LONGEST_DATA = 16_000
LONGEST_MAKER = 32
_TOKEN_BYTES = 16
_PURPOSE = re.compile("[a-z][a-z0-9_.-]{0,15}")
_SCENE = re.compile(rf"{_PURPOSE.pattern}:[A-Za-z0-9_-]{{22}}")


class OfferError(WxbotError):
    """A claim that cannot be made; the text says why."""


class State(StrEnum):
    """Where a claim stands.

    open → claimed → confirmed, where the purpose needs a confirmation. `cancelled`: called off while it was
    open or claimed. `released`: given up after it was claimed or confirmed. `expired`: open for too long.
    """

    OPEN = "open"
    CLAIMED = "claimed"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    RELEASED = "released"
    EXPIRED = "expired"


class Outcome(StrEnum):
    """What became of an attempt to claim.

    `claimed`: now, and by nobody else. `again`: the same person has it already and should read the same
    success. `held`: the code is good, but what it stands for is somebody else's, through another code: that
    may be said. All others are to be answered with one text, such as 二维码无效或已失效: whoever tries codes
    must not learn which of them exist, have been used, or are too late. They are told apart for counts only.
    """

    CLAIMED = "claimed"
    AGAIN = "again"
    HELD = "held"
    USED = "used"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    RELEASED = "released"
    UNKNOWN = "unknown"

    @property
    def is_success(self) -> bool:
        """Say whether the person has what the code stands for."""
        return self in (Outcome.CLAIMED, Outcome.AGAIN)

    @property
    def is_miss(self) -> bool:
        """Say whether the code was not good: what all of these read must not differ."""
        return not self.is_success and self is not Outcome.HELD


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What may be claimed: the subject (an order's number, a user of the site, a browser) of a purpose.

    The scene text begins with the purpose; the subject stays on the server. Mint the code after the claim is
    made and with the same lifetime, so that no claim outlives its code. `is_exclusive`: one person at a time
    holds the subject, whichever code they used. `data` is the maker's own, kept as JSON. Raises OfferError
    for what cannot be kept.
    """

    account: str
    purpose: str
    subject: str
    data: Mapping[str, object] = field(default_factory=dict, repr=False)
    lifetime_seconds: int = LIFETIME_SECONDS
    made_by: str = ""
    is_exclusive: bool = True

    def __post_init__(self) -> None:
        if not _PURPOSE.fullmatch(self.purpose):
            raise OfferError("a purpose is a lower-case letter and up to 15 of a-z 0-9 _ . -")
        check_name("the subject of a claim", self.subject)
        if len(self.made_by) > LONGEST_MAKER or not self.made_by.isprintable():
            raise OfferError(f"the maker of a claim has up to {LONGEST_MAKER} characters that can be seen")
        if not 1 <= self.lifetime_seconds <= LONGEST_LIFETIME_SECONDS:
            raise OfferError(f"a claim lives from 1 to {LONGEST_LIFETIME_SECONDS} seconds")
        self.data_text()

    def data_text(self) -> str:
        """Return `data` as it is kept; raises OfferError when that is not possible."""
        try:
            text = json.dumps(self.data, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise OfferError(f"the data of a claim must be JSON: {type(error).__name__}") from error
        if len(text) > LONGEST_DATA:
            raise OfferError(f"the data of a claim has more than {LONGEST_DATA} characters as JSON")
        return text


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A claim as it stands; times are seconds since 1970 in UTC, by the database's clock.

    `person` is the digest of who claimed it; `openid` is None before, and once the person is forgotten.
    """

    id: bytes
    account: str
    purpose: str
    subject: str
    scene: str = field(repr=False)  # whoever knows it may claim
    state: State
    is_exclusive: bool
    person: bytes | None
    openid: str | None = field(repr=False)
    data: Mapping[str, object] = field(repr=False)
    made_by: str
    created_at: int
    expires_at: int
    claimed_at: int | None
    ended_at: int | None

    @property
    def shown_data(self) -> Mapping[str, object]:
        """The data as sites read it: without the number of a login, and the state of the site's session."""
        return {} if self.made_by in DISCREET_MAKERS else self.data


@dataclass(frozen=True, kw_only=True)
class Claiming:
    """An attempt to claim. `claim` is None unless it succeeded: nothing about others' claims can leak."""

    outcome: Outcome
    claim: Claim | None = None


@dataclass(frozen=True, kw_only=True)
class Step:
    """Something that happened to a claim: `step` is the state it came to, or made, replaced, forgotten."""

    at: int
    step: str
    person: bytes | None
    detail: str | None


def new_scene(purpose: str) -> str:
    """Return the text of a new code: the purpose and 128 random bits."""
    return f"{purpose}:{secrets.token_urlsafe(_TOKEN_BYTES)}"


def is_scene(text: str) -> bool:
    """Say whether a text, which may be anything, looks like one of a claim."""
    return _SCENE.fullmatch(text) is not None


def check_name(what: str, name: str) -> None:
    """Raise OfferError unless a name from elsewhere can be kept and found again on every database."""
    # MySQL takes texts for the same that differ in spaces at their end.
    if not 1 <= len(name) <= LONGEST_SUBJECT or not name.isprintable() or name != name.strip():
        raise OfferError(
            f"{what} has 1 to {LONGEST_SUBJECT} characters that can be seen, no spaces around them"
        )
