"""Where the page of a claim is: an address that only we can make, and that tells nothing of the claim."""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from flask import Response

from wxbot.bindings.claim import Claim
from wxbot.clock import DAY_SECONDS
from wxbot.scenes.signing import SigningKeys
from wxbot.web.pages import Pages

_VISITOR = "visitor"
_VISITOR_SECONDS = DAY_SECONDS


@dataclass(frozen=True, kw_only=True)
class Named:
    """Which claim an address stands for."""

    account: str
    id: bytes


class Addresses:
    """The addresses of claims' pages, for the purposes whose kits are mounted; `public_url` may be empty.

    Whoever has the address sees the code, like whoever stands before the customer's screen: it is for the
    customer. It is worth nothing for another purpose or account.
    """

    def __init__(
        self,
        public_url: str,
        *,
        purposes: Collection[str],
        accounts: Collection[str],
        secret_keys: Sequence[str],
    ) -> None:
        self.public_url = public_url
        self._purposes = frozenset(purposes)
        self._accounts = tuple(accounts)
        # Not an account's keys: what is signed here is no scene, and no scene is good here.
        self._keys = SigningKeys("", [key.encode() for key in secret_keys])

    def of(self, claim: Claim) -> str | None:
        """Return the address of a claim's page; None when no kit shows claims of its kind."""
        if claim.purpose not in self._purposes:
            return None
        id = urlsafe_b64encode(claim.id).decode().rstrip("=")
        return f"{self.public_url}/{claim.purpose}/{self.signed(_rule(claim.purpose, claim.account), id)}"

    def named(self, purpose: str, token: str) -> Named | None:
        """Return what the last part of an address stands for, None unless we made it."""
        for account in self._accounts:
            id = self.read(_rule(purpose, account), token)
            if id is not None:
                return Named(account=account, id=urlsafe_b64decode(f"{id}=="))
        return None

    def signed(self, what: str, value: str) -> str:
        """Return a value with a signature that is good for this use of it alone."""
        return f"{value}.{self._keys.sign(what, value)}"

    def read(self, what: str, text: str) -> str | None:
        """Return the value that `signed` was given, None for a text that it did not return."""
        value, _, mac = text.rpartition(".")
        return value if value and self._keys.knows(mac, what, value) else None

    def welcome(self, pages: Pages, response: Response) -> None:
        """Give the browser the cookie of whoever has seen a page of the kit."""
        stamp = self.signed(_VISITOR, secrets.token_urlsafe(16))
        pages.set_cookie(response, _VISITOR, stamp, max_age=_VISITOR_SECONDS, is_strict=True)

    def is_visitor(self, pages: Pages) -> bool:
        """Say whether the request comes from a browser that has seen a page of the kit."""
        return self.read(_VISITOR, pages.cookie(_VISITOR)) is not None


def _rule(purpose: str, account: str) -> str:
    return f"page of {purpose} at {account}"
