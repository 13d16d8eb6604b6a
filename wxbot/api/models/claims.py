"""Claims, what happened to them, and bindings."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, JsonValue

from wxbot.api.models.fields import AccountName, Id, Name, Page, PageQuery, Person, Sent, Whole
from wxbot.qrcodes.kinds import LONGEST_SECONDS, SHORTEST_SECONDS

LIFETIME_SECONDS = 600
DEEPEST_DATA = 32
Purpose = Annotated[
    str,
    Field(
        strict=True,
        pattern="^[a-z][a-z0-9_.-]{0,15}$",
        description="What a scan of it does: `order`, `link`, `login`, or one of a plugin's own.",
        examples=["order"],
    ),
]


class ClaimState(StrEnum):
    """Where a claim stands."""

    OPEN = "open"
    CLAIMED = "claimed"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    RELEASED = "released"
    EXPIRED = "expired"

    @property
    def is_end(self) -> bool:
        """Say whether nothing more is to be waited for."""
        return self not in (ClaimState.OPEN, ClaimState.CLAIMED)


def _shallow(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Refuse what could be kept here and not be read where less of the stack is left."""
    level: list[JsonValue] = [value]
    for _ in range(DEEPEST_DATA):
        level = [item for each in level for item in _items(each)]
    if level:
        raise ValueError(f"must not be nested deeper than {DEEPEST_DATA} levels")
    return value


def _items(value: JsonValue) -> Iterable[JsonValue]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


class WantedClaim(Sent):
    """What one person shall be able to claim, once, by scanning."""

    purpose: Purpose
    subject: Name = Field(
        description="What it is about, as the site names it: an order's number, a user. It is in no code.",
        examples=["42"],
    )
    account: AccountName | None = None
    data: Annotated[dict[str, JsonValue], AfterValidator(_shallow)] = Field(
        default_factory=dict,
        description="Whatever the site wants to find again in the claim; up to 16000 characters as JSON.",
    )
    expires_in: Annotated[int, Field(ge=SHORTEST_SECONDS, le=LONGEST_SECONDS), Whole] = Field(
        LIFETIME_SECONDS, description="For how many seconds it can be claimed."
    )
    is_exclusive: bool | None = Field(
        None,
        strict=True,
        description="One person at a time has the subject, whichever code they scanned. By default so, but "
        "for `link`, where the bindings say who may be whom.",
    )
    with_code: bool = Field(True, strict=True, description="Mint the code as well.")


class ClaimsQuery(PageQuery):
    """Which claims are listed."""

    purpose: Purpose | None = None
    subject: Name | None = None
    person: Person | None = None


class ShownClaim(BaseModel):
    """A claim. Times are UTC."""

    id: Id
    account: str
    purpose: str
    subject: str
    state: ClaimState
    scene: str | None = Field(
        description="What the code brings; null as soon as nobody can claim it any more."
    )
    is_exclusive: bool
    person: Person | None = Field(description="Who has claimed it.")
    data: dict[str, JsonValue]
    made_by: str = Field(description="The id of the API key, or the plugin that made it.")
    created_at: datetime
    expires_at: datetime
    claimed_at: datetime | None
    ended_at: datetime | None


class ClaimCode(BaseModel):
    """The code of a claim."""

    url: str = Field(description="What the picture of the code contains; draw it at any size.")
    ticket: str = Field(description="WeChat's handle of the code.")
    expires_at: datetime


class NewClaim(ShownClaim):
    """A claim that was just made, with its code."""

    code: ClaimCode | None = Field(description="null if none was asked for.")
    page: str | None = Field(
        description="Address of a page for the customer, which shows the code and what becomes of it; null "
        "where no kit is mounted that has one."
    )


class ClaimPage(Page):
    """Some claims, the newest first."""

    items: list[ShownClaim]


class ShownStep(BaseModel):
    """Something that happened to a claim."""

    at: datetime
    step: str = Field(description="The state that it came to; or made, replaced, forgotten, known again.")
    person: Person | None
    detail: str | None


class Steps(BaseModel):
    """What happened to a claim, in order."""

    items: list[ShownStep]


class BindingsQuery(PageQuery):
    """Which bindings are listed."""

    site_user: Name | None = Field(None, description="The user of the site.")
    person: Person | None = None
    has_ended: bool = Field(False, description="Those that have ended instead of those that last.")


class EndedQuery(Sent):
    """Which bindings are to end."""

    account: AccountName | None = None
    site_user: Name = Field(description="The user of the site.")
    person: Person | None = Field(None, description="Only the one with this person.")


class WantedBinding(Sent):
    """Whom the site wants to bind, by the token that a browser brought from WeChat."""

    token: str = Field(
        strict=True, max_length=128, description="The parameter `wxbot_link` of the site's `login_url`."
    )
    site_user: Name = Field(description="The user of the site who is logged in, and has agreed.")
    is_replacing: bool = Field(
        False, strict=True, description="End the bindings that are in the way; ask the user first."
    )


class ShownBinding(BaseModel):
    """A follower and a user of the site. Times are UTC."""

    id: Id
    account: str
    site_user: str
    person: Person
    claim: Id | None = Field(description="The claim through which it came to it.")
    bound_at: datetime
    ended_at: datetime | None
    ended_by: Literal["site", "person", "unfollow", "rebind"] | None


class BindingPage(Page):
    """Some bindings, the newest first."""

    items: list[ShownBinding]


class EndedBindings(BaseModel):
    """The bindings that have ended now."""

    items: list[ShownBinding]
