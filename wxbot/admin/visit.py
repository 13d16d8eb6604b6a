"""What a view of the dashboard is handed: who asks, for which account, in which language."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import abort, request, url_for

from wxbot.admin.roles import Role
from wxbot.admin.sessions import Session
from wxbot.admin.users import User
from wxbot.web.cursors import place
from wxbot.web.origin import path_asked

BLUEPRINT = "admin"
TONES = ("good", "warn", "bad", "info")


class Words:
    """The words of a page in one language, as attributes and as items; an unknown one is an error."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = words

    def __getitem__(self, key: str) -> str:
        return self._word(key)

    def __getattr__(self, key: str) -> str:
        return self._word(key)

    def __contains__(self, key: str) -> bool:
        return key in self._words

    def get(self, key: str, otherwise: str) -> str:
        """Return a word, or what stands for it where there is none."""
        return self._words.get(key, otherwise)

    def _word(self, key: str) -> str:
        if key not in self._words:
            # Not a LookupError, which a template takes for an empty text.
            raise RuntimeError(f"the dashboard has no word {key!r}: add it to the words of its area")
        return self._words[key]


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One request of somebody who is logged in.

    `account` is the Official Account that the page is about, `accounts` are all there are, `t` the words.
    """

    session: Session
    account: str
    accounts: Sequence[str]
    language: str
    t: Words
    write: Callable[..., None]
    told: list[tuple[str, str, list[str]]] = field(default_factory=list)

    @property
    def user(self) -> User:
        """Who asks."""
        return self.session.user

    def may(self, role: Role | str) -> bool:
        """Say whether the user may do what needs this role."""
        return self.user.role.covers(Role(role))

    def audit(self, action: str, subject: str = "", *, is_for_account: bool = True, **detail: object) -> None:
        """Write into the audit log that the user has changed something; no secrets, and nobody's openid.

        `action` is like `channel.pause`, `subject` what it was done to. To be called once it is done. With
        `is_for_account=False` it is about the dashboard and no Official Account.
        """
        account = self.account if is_for_account else None
        self.write(action, subject, user=self.user, account=account, **detail)

    def tell(self, word: str, *values: object, tone: str = "good") -> None:
        """Say something above the next page: a key of the words, filled with `values`; a tone of TONES."""
        assert tone in TONES and word in self.t
        self.told.append((tone, word, [str(value) for value in values]))

    def url(self, endpoint: str, **values: Any) -> str:
        """Return the address of a page (`area.view`), for the same account. None as a value: left out."""
        if len(self.accounts) > 1:
            values = {"account": self.account} | values
        return url_of(endpoint, **values)

    def before(self, *types: type) -> list[Any] | None:
        """Return where the page of a long list begins, from `?before=`; 404 for what no page named."""
        try:
            return place(request.args.get("before"), *types)
        except ValueError:
            abort(404)

    def here(self, **changes: Any) -> str:
        """Return the address of this page with other parameters of the query; None takes one away."""
        query = request.args.to_dict(flat=False) | {name: [value] for name, value in changes.items()}
        pairs = [(name, each) for name, values in query.items() for each in values if each is not None]
        return path_asked() + (f"?{urlencode(pairs)}" if pairs else "")


def url_of(endpoint: str, **values: Any) -> str:
    """Return the address of a page (`area.view`) of the dashboard."""
    return url_for(f"{BLUEPRINT}.{endpoint.replace('.', '-')}", **values)
