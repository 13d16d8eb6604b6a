"""Webhooks, and the log of what they were told."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

from wxbot.api.models.fields import LINE, AccountName, Id, Page, Person, Sent, Whole

LONGEST_URL = 1024
LONGEST_DESCRIPTION = 64
OVERLAP_SECONDS = 86_400
LONGEST_OVERLAP_SECONDS = 604_800


class WebhookKind(StrEnum):
    """What a webhook can be told of."""

    FOLLOW = "follow"
    UNFOLLOW = "unfollow"
    SCAN = "scan"
    MESSAGE = "message"
    CLAIM_MADE = "claim.made"
    CLAIM_CLAIMED = "claim.claimed"
    CLAIM_CONFIRMED = "claim.confirmed"
    CLAIM_CANCELLED = "claim.cancelled"
    CLAIM_RELEASED = "claim.released"
    CLAIM_EXPIRED = "claim.expired"
    BINDING_MADE = "binding.made"
    BINDING_ENDED = "binding.ended"


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


WebhookId = Annotated[str, Field(strict=True, pattern="^wh_[0-9a-f]{12}$")]
Url = Annotated[
    str,
    Field(
        strict=True,
        min_length=8,
        max_length=LONGEST_URL,
        pattern=r"^https?://[^\s#\\]+$",
        description="https://, with a host that leads to public addresses only.",
        examples=["https://shop.example.com/wxbot"],
    ),
]
Kinds = Annotated[list[WebhookKind], Field(min_length=1, max_length=len(WebhookKind))]
Description = Annotated[str, Field(strict=True, max_length=LONGEST_DESCRIPTION, pattern=LINE)]
Overlap = Annotated[int, Field(ge=0, le=LONGEST_OVERLAP_SECONDS), Whole]


class WantedWebhook(Sent):
    """Where the site wants to be told what happens."""

    url: Url
    kinds: Kinds = Field(list(WebhookKind), description="What it is told of; everything, unless it says so.")
    account: AccountName | None = Field(
        None, description="Only of this account; null for all that there are, if the key may see all."
    )
    description: Description = ""


class WebhookChange(Sent):
    """What is to be different; what is left out stays."""

    url: Url | None = None
    kinds: Kinds | None = None
    description: Description | None = None


class WantedSecret(Sent):
    """How the change to a new secret goes."""

    overlap_seconds: Overlap = Field(
        OVERLAP_SECONDS,
        description="How long the present secret signs as well; 0 if others know it.",
    )


class WebhookPath(BaseModel):
    """Which webhook is meant."""

    id: WebhookId


class DeliveryPath(BaseModel):
    """Which delivery of which webhook is meant."""

    id: WebhookId
    delivery: Id


class DeliveriesQuery(Sent):
    """Which deliveries are listed."""

    state: DeliveryState | None = Field(None, description="Only those that stand so.")
    limit: int = Field(50, ge=1, le=200, description="How many at most.")
    after: str | None = Field(None, max_length=512, description="`next` of the page before.")


class ShownWebhook(BaseModel):
    """A webhook without its secret. Times are UTC."""

    id: WebhookId
    account: str | None = Field(description="null: of all accounts.")
    url: str
    kinds: list[WebhookKind]
    description: str
    made_by: str = Field(description="The id of the API key; empty for one made on the command line.")
    created_at: datetime
    old_secret_until: datetime | None = Field(description="Until then, the secret before this one signs too.")
    disabled_at: datetime | None = Field(description="null: it is told.")
    disabled_because: str | None


class NewWebhook(ShownWebhook):
    """A webhook with the secret that was just made."""

    secret: str = Field(description="What the site verifies signatures with. It is not shown again.")


class WebhookList(BaseModel):
    """All webhooks, the oldest first."""

    items: list[ShownWebhook]


class DeliveryCounts(BaseModel):
    """How many deliveries stand how."""

    waiting: int
    delivered: int
    dead: int


class WebhookState(ShownWebhook):
    """A webhook, and how it fares."""

    deliveries: DeliveryCounts
    delivered_at: datetime | None = Field(description="When something was delivered last.")


class ShownDelivery(BaseModel):
    """One message to a webhook, without what it says. Times are UTC."""

    id: Id
    message_id: str = Field(description="The header `webhook-id` of every attempt.")
    webhook: WebhookId
    account: str
    kind: str
    person: Person | None
    state: DeliveryState
    attempts: int = Field(description="Since it was sent, or sent again on demand.")
    created_at: datetime
    finished_at: datetime | None


class DeliveryPage(Page):
    """Some deliveries, the newest first."""

    items: list[ShownDelivery]


class ShownAttempt(BaseModel):
    """One attempt to deliver."""

    number: int
    at: datetime
    seconds: float
    status: int | None = Field(description="What the site answered; null for no answer.")
    detail: str | None = Field(description="What went wrong.")


class DeliveryLog(ShownDelivery):
    """A delivery, and all attempts at it."""

    log: list[ShownAttempt]


class TestSent(BaseModel):
    """A test that is on its way."""

    __test__ = False  # pytest takes the name for one of its own

    delivery: Id = Field(description="Look there for what becomes of it.")
