"""Who is logged in: sessions in the database, so that each can be ended from anywhere, at once."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, RowMapping, delete, insert, select, update

from wxbot import clock
from wxbot.admin.users import Proof, User, from_row
from wxbot.db.administration import admin_sessions, admin_users
from wxbot.db.patience import patiently

# Often enough for the idle time, and no write for each page.
NOTE_EVERY_SECONDS = 60
# A request must not keep its thread for longer: others need it.
PATIENCE_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Session:
    """One browser that is logged in. Times are seconds since 1970 in UTC."""

    id: bytes
    user: User
    created_at: int
    seen_at: int
    device: str
    place: str
    notes: str | None


class Sessions:
    """The sessions; `idle_seconds` and `longest_seconds` after which each ends by itself."""

    def __init__(
        self,
        engine: Engine,
        *,
        idle_seconds: int,
        longest_seconds: int,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._engine = engine
        self.idle_seconds = idle_seconds
        self.longest_seconds = longest_seconds
        self._now = now

    def begin(self, proof: Proof, *, device: str, place: str, former: str = "") -> str | None:
        """Log a user in and return what the browser shall hold: always new, whatever it held before.

        None for a proof that does not hold any more: a new password ends logins that are under way as well.
        The session of `former`, which the browser held before, ends.
        """
        held = secrets.token_urlsafe(32)
        now = self._seconds()
        row = {
            "id": _digest(held),
            "user": proof.user.id,
            "created_at": now,
            "seen_at": now,
            "device": device[:64],
            "place": place[:48],
        }

        def work(connection: Connection) -> bool:
            # First, and locks the row: whoever changes the password ends the sessions that are there then.
            logged_in = update(admin_users).where(*proof.holds()).values(logged_in_at=now)
            if connection.execute(logged_in).rowcount != 1:
                return False
            is_over = admin_sessions.c.seen_at < now - self.idle_seconds
            is_over |= admin_sessions.c.created_at < now - self.longest_seconds
            is_over |= admin_sessions.c.id == _digest(former)
            connection.execute(delete(admin_sessions).where(is_over))
            connection.execute(insert(admin_sessions), row)
            return True

        return held if patiently(self._engine, work, seconds=PATIENCE_SECONDS) else None

    def find(self, held: str) -> Session | None:
        """Return the session of a browser; None when it has ended, and for what was never one."""
        if not held:
            return None
        query = _JOINED.where(admin_sessions.c.id == _digest(held), *self._is_alive())
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            return None
        found = _session(row)
        if found.seen_at <= self._seconds() - NOTE_EVERY_SECONDS:
            self._change(found, seen_at=self._seconds())
        return found

    def of(self, user: User) -> list[Session]:
        """Return a user's sessions, the one that was used last first."""
        query = _JOINED.where(admin_sessions.c.user == user.id, *self._is_alive())
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(admin_sessions.c.seen_at.desc())).mappings()
            return [_session(row) for row in rows]

    def end(self, session: Session) -> None:
        """End a session."""
        self._delete(admin_sessions.c.id == session.id)

    def end_one(self, user: User, identity: bytes) -> bool:
        """End one of a user's own sessions; False if they have none of this id."""
        return self._delete(admin_sessions.c.id == identity, admin_sessions.c.user == user.id) == 1

    def end_all(self, user: User, *, but: Session | None = None) -> int:
        """End all sessions of a user, but for one, and return how many there were."""
        others = [] if but is None else [admin_sessions.c.id != but.id]
        return self._delete(admin_sessions.c.user == user.id, *others)

    def note(self, session: Session, notes: list[Any] | None) -> None:
        """Keep what the next page of this browser tells; None: it has been told."""
        self._change(session, notes=None if notes is None else json.dumps(notes, ensure_ascii=False))

    def _is_alive(self) -> tuple[ColumnElement[bool], ...]:
        now = self._seconds()
        return (
            admin_sessions.c.seen_at >= now - self.idle_seconds,
            admin_sessions.c.created_at >= now - self.longest_seconds,
            admin_users.c.disabled_at.is_(None),
        )

    def _change(self, session: Session, **values: object) -> None:
        changed = update(admin_sessions).where(admin_sessions.c.id == session.id).values(values)
        patiently(self._engine, lambda connection: connection.execute(changed), seconds=PATIENCE_SECONDS)

    def _delete(self, *which: ColumnElement[bool]) -> int:
        ended = delete(admin_sessions).where(*which)
        return patiently(
            self._engine, lambda connection: connection.execute(ended).rowcount, seconds=PATIENCE_SECONDS
        )

    def _seconds(self) -> int:
        return int(self._now().timestamp())


def form_token(held: str) -> str:
    """Return what goes into each form of a browser: who does not hold its cookie cannot know it."""
    return hmac.new(held.encode(), b"wxbot admin: form", hashlib.sha256).hexdigest()


_JOINED = select(
    *(column.label(f"session_{column.name}") for column in admin_sessions.c), *admin_users.c
).join_from(admin_sessions, admin_users, admin_sessions.c.user == admin_users.c.id)


def _session(row: RowMapping) -> Session:
    return Session(
        id=bytes(row["session_id"]),
        user=from_row(row),
        created_at=row["session_created_at"],
        seen_at=row["session_seen_at"],
        device=row["session_device"],
        place=row["session_place"],
        notes=row["session_notes"],
    )


def _digest(held: str) -> bytes:
    # 32 random bytes cannot be guessed, so that a slow hash would protect nothing.
    return hashlib.sha256(held.encode("utf-8", "surrogatepass")).digest()
