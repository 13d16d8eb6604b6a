"""What people have granted to the account's site: codes that a browser carries, and the tokens they give."""

import secrets
from dataclasses import dataclass, replace
from typing import Literal

from wxbot.emulator.refusals import Refusal

Scope = Literal["snsapi_base", "snsapi_userinfo"]
CODE_SECONDS = 300
TOKEN_SECONDS = 7200
REFRESH_SECONDS = 30 * 86400


@dataclass(frozen=True, kw_only=True)
class Grant:
    """Who lets the site know what; `is_snapshot` marks a made-up person.

    `expires_at` is the end of the code or token that leads here.
    """

    openid: str
    name: str
    scope: Scope
    is_snapshot: bool = False
    expires_at: float = 0.0
    is_used: bool = False


class Grants:
    """The codes and tokens of one account. The tokens have nothing to do with those of the API."""

    def __init__(self) -> None:
        self._codes: dict[str, Grant] = {}
        self._tokens: dict[str, Grant] = {}
        self._refreshes: dict[str, Grant] = {}

    def new_code(self, grant: Grant, now: float) -> str:
        """Return a code for a grant, good for five minutes and one call."""
        code = "0" + secrets.token_hex(15) + "1"
        self._codes[code] = replace(grant, expires_at=now + CODE_SECONDS)
        return code

    def use_code(self, code: str, now: float) -> Grant:
        """Return the grant of a code, once; Refusal 40029 for an unknown or old one, 40163 for a used one."""
        grant = self._codes.get(code)
        if grant is None or now >= grant.expires_at:
            raise Refusal(40029)
        if grant.is_used:
            raise Refusal(40163)
        self._codes[code] = replace(grant, is_used=True)
        return grant

    def new_token(self, grant: Grant, now: float) -> str:
        """Return an access token for a grant, good for two hours."""
        token = f"{90 + len(self._tokens)}_{secrets.token_urlsafe(64)}"
        self._tokens[token] = replace(grant, expires_at=now + TOKEN_SECONDS)
        return token

    def new_refresh_token(self, grant: Grant, now: float) -> str:
        """Return a refresh token for a grant, good for thirty days."""
        token = f"{90 + len(self._refreshes)}_{secrets.token_urlsafe(64)}"
        self._refreshes[token] = replace(grant, expires_at=now + REFRESH_SECONDS)
        return token

    def granted(self, token: str, now: float) -> Grant:
        """Return the grant of an access token; Refusal 41001, 40001 or 42001."""
        if not token:
            raise Refusal(41001)
        return _living(self._tokens.get(token), now, unknown=40001, expired=42001)

    def refreshed(self, token: str, now: float) -> Grant:
        """Return the grant of a refresh token; Refusal 41003, 40030 or 42002."""
        if not token:
            raise Refusal(41003)
        return _living(self._refreshes.get(token), now, unknown=40030, expired=42002)


def _living(grant: Grant | None, now: float, *, unknown: int, expired: int) -> Grant:
    if grant is None:
        raise Refusal(unknown)
    if now >= grant.expires_at:
        raise Refusal(expired)
    return grant
