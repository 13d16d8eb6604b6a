"""What a webhook is, what it may be told of, and what an operator may ask for."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from wxbot.clock import moment, moment_or_none
from wxbot.errors import WxbotError

EVENT_KINDS = ("follow", "unfollow", "scan", "message")
CLAIM_KINDS = (
    "claim.made",
    "claim.claimed",
    "claim.confirmed",
    "claim.cancelled",
    "claim.released",
    "claim.expired",
)
BINDING_KINDS = ("binding.made", "binding.ended")
# What can be asked for; `test` goes to whichever webhook is tested.
KINDS = (*EVENT_KINDS, *CLAIM_KINDS, *BINDING_KINDS)
TEST = "test"
LONGEST_URL = 1024
LONGEST_DESCRIPTION = 64
LONGEST_REASON = 255
MOST_WEBHOOKS = 100


class WebhookError(WxbotError):
    """A webhook cannot be made or changed like this; the text says what to change."""


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """Where the site wants to be told, and of what; times are seconds since 1970 in UTC.

    `account` is None for all accounts. Until `old_until` the secret before the last rotation signs as well.
    """

    id: str
    account: str | None
    url: str = field(repr=False)  # may hold a secret of the site's
    kinds: tuple[str, ...]
    description: str
    made_by: str
    created_at: int
    old_until: int | None = None
    disabled_at: int | None = None
    disabled_because: str | None = None

    @property
    def is_active(self) -> bool:
        """Say whether anything is sent to it."""
        return self.disabled_at is None

    def wants(self, account: str, kind: str) -> bool:
        """Say whether it is to be told of such a thing."""
        return self.is_active and self.account in (None, account) and kind in self.kinds

    def shown(self) -> dict[str, Any]:
        """Return it as the API and the commands show it."""
        return {
            "id": self.id,
            "account": self.account,
            "url": self.url,
            "kinds": list(self.kinds),
            "description": self.description,
            "made_by": self.made_by,
            "created_at": moment(self.created_at),
            "old_secret_until": moment_or_none(self.old_until),
            "disabled_at": moment_or_none(self.disabled_at),
            "disabled_because": self.disabled_because,
        }


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A webhook that is to be made; raises WebhookError for what cannot be kept. The URL is checked later."""

    url: str = field(repr=False)
    kinds: tuple[str, ...] = KINDS
    account: str | None = None
    description: str = ""
    made_by: str = ""

    def __post_init__(self) -> None:
        check_kinds(self.kinds)
        check_description(self.description)


@dataclass(frozen=True, kw_only=True)
class NewSecret:
    """A webhook with a secret that was just made, which is never to be had again."""

    webhook: Webhook
    secret: str = field(repr=False)


def check_kinds(kinds: Iterable[str]) -> None:
    """Raise WebhookError unless these are kinds that can be asked for."""
    asked = list(kinds)
    unknown = sorted(set(asked) - set(KINDS))
    if unknown or not asked:
        named = f"there is no {unknown[0]!r}" if unknown else "name at least one"
        raise WebhookError(f"what a webhook can be told of: {', '.join(KINDS)}; {named}")


def check_description(text: str) -> None:
    """Raise WebhookError for a description that cannot be shown."""
    if len(text) > LONGEST_DESCRIPTION or not text.isprintable():
        raise WebhookError(
            f"the description of a webhook has up to {LONGEST_DESCRIPTION} characters that can be seen"
        )
