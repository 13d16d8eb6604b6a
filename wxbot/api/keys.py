"""API keys: who may use the API.

Only a digest of each is kept, so that a copy of the database opens nothing.
"""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine, RowMapping, insert, select, update

from wxbot import clock
from wxbot.db.models import api_keys
from wxbot.errors import WxbotError

LONGEST_NAME = 64
# Often enough to see which keys are in use, and no write for each request.
NOTE_EVERY_SECONDS = 60
_KEY = re.compile("wxb_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_NO_DIGEST = bytes(32)
_RESOURCES = ("qrcodes", "claims", "bindings", "channels", "messages", "webhooks")
# Persons are digests in every answer; with the last one a follower's openid is there as well.
SCOPES = (
    *(f"{each}:{act}" for each in _RESOURCES for act in ("read", "write")),
    *("followers:read", "events:read", "stats:read", "followers:openid"),
)


class KeyNameError(WxbotError):
    """An API key cannot have this name."""


class KeyScopeError(WxbotError):
    """There is no such scope."""


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """One key without its secret; times are seconds since 1970 in UTC.

    `scopes` are what it may do and `accounts` those that it may see; None: everything, all.
    """

    id: str
    name: str
    created_at: int
    last_used_at: int | None
    revoked_at: int | None
    scopes: tuple[str, ...] | None = None
    accounts: tuple[str, ...] | None = None

    def may(self, scope: str) -> bool:
        """Say whether the key has a scope."""
        return self.scopes is None or scope in self.scopes


@dataclass(frozen=True, kw_only=True)
class NewKey:
    """A key that was just made; `text` is what its user sends, and is never to be had again."""

    id: str
    name: str
    text: str = field(repr=False)


class Keys:
    """All API keys. Safe to use from any thread."""

    def __init__(self, engine: Engine, *, now: Callable[[], datetime] = clock.now) -> None:
        self._engine = engine
        self._now = now

    def create(
        self,
        name: str,
        *,
        scopes: Collection[str] | None = None,
        accounts: Collection[str] | None = None,
    ) -> NewKey:
        """Make a key; `name` says for whom, None for scopes or accounts that nothing is kept from it.

        Raises KeyNameError for a blank or long name, KeyScopeError for a scope that there is not.
        """
        name = name.strip()
        if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
            raise KeyNameError(f"the name of an API key has 1 to {LONGEST_NAME} characters that can be seen")
        if unknown := [each for each in scopes or () if each not in SCOPES]:
            raise KeyScopeError(f"there is no scope {unknown[0]!r}; there are: {', '.join(SCOPES)}")
        identity, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        row: dict[str, object] = {"id": identity, "name": name, "digest": _digest(secret)}
        row |= {"created_at": self._seconds(), "scopes": _list(scopes), "accounts": _list(accounts)}
        with self._engine.begin() as connection:
            connection.execute(insert(api_keys).values(row))
        return NewKey(id=identity, name=name, text=f"wxb_{identity}_{secret}")

    def all(self) -> list[ApiKey]:
        """Return every key, the oldest first, revoked ones as well."""
        query = select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id)
        with self._engine.connect() as connection:
            return [_key(row) for row in connection.execute(query).mappings()]

    def revoke(self, identity: str) -> bool:
        """Refuse a key from now on; False if there is none of this id that still works."""
        working = api_keys.c.id == identity, api_keys.c.revoked_at.is_(None)
        with self._engine.begin() as connection:
            return bool(
                connection.execute(
                    update(api_keys).where(*working).values(revoked_at=self._seconds())
                ).rowcount
            )

    def verify(self, text: str) -> ApiKey | None:
        """Return the key that was sent, None if it is not one of ours or was revoked.

        Takes the same time whichever character of the secret is wrong.
        """
        parts = _KEY.fullmatch(text)
        if parts is None:
            return None
        identity, secret = parts.groups()
        with self._engine.connect() as connection:
            row = connection.execute(select(api_keys).where(api_keys.c.id == identity)).mappings().first()
        kept = _NO_DIGEST if row is None else row["digest"]
        if not hmac.compare_digest(kept, _digest(secret)) or row is None or row["revoked_at"] is not None:
            return None
        self._note_use(row)
        return _key(row)

    def is_active(self, identity: str) -> bool:
        """Say whether there is a key of this id that has not been revoked."""
        query = select(api_keys.c.id).where(api_keys.c.id == identity, api_keys.c.revoked_at.is_(None))
        with self._engine.connect() as connection:
            return connection.execute(query).first() is not None

    def _note_use(self, row: RowMapping) -> None:
        now, noted_at = self._seconds(), row["last_used_at"]
        if noted_at is not None and noted_at > now - NOTE_EVERY_SECONDS:
            return
        # Of several that come at once the first one writes.
        is_unchanged = api_keys.c.id == row["id"], api_keys.c.last_used_at.is_not_distinct_from(noted_at)
        with self._engine.begin() as connection:
            connection.execute(update(api_keys).where(*is_unchanged).values(last_used_at=now))

    def _seconds(self) -> int:
        return int(self._now().timestamp())


def _digest(secret: str) -> bytes:
    # 32 random bytes cannot be guessed, so that a slow hash would protect nothing.
    return hashlib.sha256(secret.encode()).digest()


def _key(row: RowMapping) -> ApiKey:
    return ApiKey(
        id=row["id"],
        name=row["name"],
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
        revoked_at=row["revoked_at"],
        scopes=_several(row["scopes"]),
        accounts=_several(row["accounts"]),
    )


def _list(names: Collection[str] | None) -> str | None:
    return None if names is None else json.dumps(sorted(set(names)))


def _several(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(json.loads(text))
