"""What the shop knows of its claims and links: as the bot told it last, asked for anew when that is old."""

import threading
from collections.abc import Callable
from typing import Any

from wxbot import clock
from wxbot.demo.bot_api import BotApi, Data

# A webhook tells of a change at once; the shop asks nevertheless, since one may be late or lost.
ASK_EVERY_SECONDS = 1.5
ASK_WITH_WEBHOOKS_SECONDS = 4.0
ENDS = ("cancelled", "released", "expired")


class Book:
    """Claims by their ids, links by customers; safe to use from any thread. Calls may raise BotError."""

    def __init__(self, api: BotApi, *, has_webhooks: Callable[[], bool]) -> None:
        self._api = api
        self._has_webhooks = has_webhooks
        self._lock = threading.Lock()
        self._known: dict[str, Any] = {}
        self._asked_at: dict[str, float] = {}

    def make(self, purpose: str, subject: str, *, data: Data, seconds: int) -> str:
        """Make a claim, and return its id."""
        claim = self._api.make_claim(purpose, subject, data=data, seconds=seconds)
        self._keep_claim(claim)
        return str(claim["id"])

    def claim(self, id: str) -> Data:
        """Return a claim, with the code it came with."""
        known: Data | None = self._fresh(id)
        if known is None:
            known = self._keep_claim(self._api.claim(id))
        return known

    def end_claim(self, id: str, *, how: str) -> None:
        """Cancel, confirm or release a claim."""
        self._keep_claim(self._api.end_claim(id, how=how))

    def links(self, customer: str) -> list[Data]:
        """Return which people are linked to a customer."""
        known: list[Data] | None = self._fresh(customer)
        if known is None:
            known = self._api.bindings(customer)
            self._keep(customer, known)
        return known

    def unlink(self, customer: str, account: str, person: str) -> None:
        """End the link between a customer and a person."""
        self._api.unlink(customer, account, person)
        self.has_changed(customer)

    def link(self, customer: str, token: str) -> None:
        """Link the person for whom a browser brought this token from WeChat."""
        self._api.link(customer, token)
        self.has_changed(customer)

    def has_changed(self, key: str) -> None:
        """Ask the bot at the next look: what a webhook says may be older than what is known."""
        with self._lock:
            self._asked_at.pop(key, None)

    def _fresh(self, key: str) -> Any:
        """Return what is known under a key, None if it may be out of date."""
        longest = ASK_WITH_WEBHOOKS_SECONDS if self._has_webhooks() else ASK_EVERY_SECONDS
        with self._lock:
            known = self._known.get(key)
            is_over = isinstance(known, dict) and known["state"] in ENDS
            asked_at = self._asked_at.get(key)
        is_fresh = asked_at is not None and clock.monotonic() - asked_at < longest
        return known if is_over or is_fresh else None

    def _keep_claim(self, claim: Data) -> Data:
        with self._lock:
            # Only the answer to its making has the code.
            code = claim.get("code") or self._known.get(claim["id"], {}).get("code")
        known = {**claim, "code": code}
        self._keep(claim["id"], known)
        return known

    def _keep(self, key: str, value: Any) -> None:
        with self._lock:
            self._known[key] = value
            self._asked_at[key] = clock.monotonic()
