"""Users of the dashboard: their roles, and their passwords as argon2id."""

import re
import secrets
import threading
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import ColumnElement, Connection, Engine, RowMapping, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from wxbot import clock
from wxbot.admin.roles import Role
from wxbot.db.administration import admin_sessions, admin_users
from wxbot.db.patience import patiently
from wxbot.errors import WxbotError

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 256
LONGEST_NAME = 64
_TELLING_NAME = 4

# Letters of any script.
_NAME = re.compile(r"[\w.@+-]+")
# OWASP's memory with twice its time, on one lane: about a tenth of a second.
_HASHER = PasswordHasher(time_cost=2, memory_cost=46 * 1024, parallelism=1)
# Each takes 46 MiB and a processor for a moment: whoever guesses must not have all of them.
_AT_A_TIME = threading.BoundedSemaphore(2)
# Of no password; checked for names that there are not, so that both take the same time.
_NOBODY = "$argon2id$v=19$m=47104,t=2,p=1$bX/xDyu6wplFGGSnCuJZvA$9VN+ZNNOBc2lgGlQxvQW8J49jk+KCNDi4PC9U6XzyAI"


class UserError(WxbotError):
    """Something about users that cannot be. `reason` is a short slug; the text is for the command line."""

    reason: str

    def __init__(self, reason: str, text: str) -> None:
        self.reason = reason
        super().__init__(text)


@dataclass(frozen=True, kw_only=True)
class User:
    """Somebody who may log in to the dashboard. Times are seconds since 1970 in UTC."""

    id: str
    name: str
    role: Role
    created_at: int
    password_at: int
    logged_in_at: int | None
    disabled_at: int | None


@dataclass(frozen=True, kw_only=True)
class Proof:
    """That somebody knows a user's password: `hashed` is what it was compared with.

    To compare takes a moment, in which another password may be set: see `holds`.
    """

    user: User
    hashed: str = field(repr=False)

    def holds(self) -> tuple[ColumnElement[bool], ...]:
        """Return the conditions under which the user may still come in with this password."""
        return (
            admin_users.c.id == self.user.id,
            admin_users.c.password == self.hashed,
            admin_users.c.disabled_at.is_(None),
        )


class Users:
    """The users, as they are kept in the database."""

    def __init__(self, engine: Engine, *, now: Callable[[], datetime] = clock.now) -> None:
        self._engine = engine
        self._now = now

    def create(self, name: str, *, password: str, role: Role) -> User:
        """Make a user; raises UserError for a name that is taken and for what cannot be one."""
        name = _checked_name(name)
        now = self._seconds()
        row = {
            "id": secrets.token_hex(6),
            "name": name,
            "role": role.value,
            "password": _hashed(check_password(password, name)),
            "created_at": now,
            "password_at": now,
        }
        try:
            patiently(self._engine, lambda connection: connection.execute(insert(admin_users), row))
        except IntegrityError:
            raise UserError("name_taken", f"there is a user {name!r} already") from None
        return self.find(name)

    def all(self) -> list[User]:
        """Return every user by name, disabled ones as well."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(admin_users).order_by(admin_users.c.name)).mappings()
            return [from_row(row) for row in rows]

    def find(self, name: str) -> User:
        """Return a user; raises UserError if there is none of this name."""
        row = self._row(name)
        if row is None:
            raise UserError("no_user", f"there is no user {name!r}; wxbot admin list shows all")
        return from_row(row)

    def verify(self, name: str, password: str) -> Proof | None:
        """Return the user with this name and password, None for all else; takes the same time for both."""
        row = self._row(name)
        is_right = _matches(_NOBODY if row is None else row["password"], password)
        if not is_right or row is None or row["disabled_at"] is not None:
            return None
        proof = Proof(user=from_row(row), hashed=row["password"])
        return self._rehashed(proof, password) if _HASHER.check_needs_rehash(proof.hashed) else proof

    def set_password(
        self, name: str, password: str, *, keep: bytes | None = None, known: Proof | None = None
    ) -> User:
        """Change a password and log the user out everywhere, but for the session `keep`.

        Raises UserError if `known`, the proof of who knew the one before, does not hold any more.
        """
        user = self.find(name)
        hashed = _hashed(check_password(password, user.name))

        def work(connection: Connection) -> None:
            values = {"password": hashed, "password_at": self._seconds()}
            which = (admin_users.c.id == user.id,) if known is None else known.holds()
            if connection.execute(update(admin_users).where(*which).values(values)).rowcount != 1:
                raise UserError("password_wrong", f"the password of {user.name} has changed meanwhile")
            ended = delete(admin_sessions).where(admin_sessions.c.user == user.id)
            connection.execute(ended if keep is None else ended.where(admin_sessions.c.id != keep))

        patiently(self._engine, work)
        return self.find(name)

    def set_role(self, name: str, role: Role) -> User:
        """Change what a user may do, at once; raises UserError when nobody would be left to rule."""
        user = self.find(name)

        def work(connection: Connection) -> None:
            if role is not Role.OWNER:
                _keep_an_owner(connection, user)
            connection.execute(update(admin_users).where(admin_users.c.id == user.id).values(role=role.value))

        patiently(self._engine, work)
        return self.find(name)

    def disable(self, name: str) -> User:
        """Let a user in no more, and log them out everywhere; raises UserError for the last owner."""
        user = self.find(name)

        def work(connection: Connection) -> None:
            _keep_an_owner(connection, user)
            values = {"disabled_at": self._seconds()}
            connection.execute(update(admin_users).where(admin_users.c.id == user.id).values(values))
            connection.execute(delete(admin_sessions).where(admin_sessions.c.user == user.id))

        patiently(self._engine, work)
        return self.find(name)

    def enable(self, name: str) -> User:
        """Let a disabled user in again."""
        user = self.find(name)
        self._change(user.id, disabled_at=None)
        return self.find(name)

    def _row(self, name: str) -> RowMapping | None:
        plain = plain_name(name)
        # Not every database takes every character; what cannot be a name is nobody's.
        if not _is_name(plain):
            return None
        query = select(admin_users).where(admin_users.c.name == plain)
        with self._engine.connect() as connection:
            return connection.execute(query).mappings().first()

    def _rehashed(self, proof: Proof, password: str) -> Proof | None:
        """Keep a password as passwords are kept now, unless it is another one by now."""
        anew = _hashed(password)
        changed = update(admin_users).where(*proof.holds()).values(password=anew)
        is_kept = patiently(self._engine, lambda connection: connection.execute(changed).rowcount == 1)
        return replace(proof, hashed=anew) if is_kept else self.verify(proof.user.name, password)

    def _change(self, identity: str, **values: object) -> None:
        changed = update(admin_users).where(admin_users.c.id == identity).values(values)
        patiently(self._engine, lambda connection: connection.execute(changed))

    def _seconds(self) -> int:
        return int(self._now().timestamp())


def from_row(row: RowMapping) -> User:
    """Return the user of a row."""
    return User(
        id=row["id"],
        name=row["name"],
        role=Role(row["role"]),
        created_at=row["created_at"],
        password_at=row["password_at"],
        logged_in_at=row["logged_in_at"],
        disabled_at=row["disabled_at"],
    )


def check_password(password: str, name: str) -> str:
    """Return a password that is long enough and not the name; raises UserError for any other."""
    if len(password) < SHORTEST_PASSWORD:
        raise UserError("password_short", f"a password has at least {SHORTEST_PASSWORD} characters")
    if len(password) > LONGEST_PASSWORD:
        raise UserError("password_long", f"a password has at most {LONGEST_PASSWORD} characters")
    if len(set(password)) < 4 or _is_made_of(name, password.lower()):
        raise UserError("password_easy", "this password is too easy to guess; a few words would be better")
    return password


def _is_made_of(name: str, password: str) -> bool:
    # In words that are far from easy a short name comes up by chance: the `li` of a lion.
    rest = password.replace(name, "")
    return rest != password and (len(name) >= _TELLING_NAME or 2 * len(rest) <= len(password))


def plain_name(name: str) -> str:
    """Return one spelling of a name, however somebody types it."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _keep_an_owner(connection: Connection, user: User) -> None:
    rules = admin_users.c.role == Role.OWNER.value, admin_users.c.disabled_at.is_(None)
    # Changes nothing, and makes two owners who part from each other at the same moment wait for one another.
    connection.execute(update(admin_users).where(*rules).values(role=admin_users.c.role))
    if connection.scalars(select(admin_users.c.id).where(*rules)).all() == [user.id]:
        raise UserError("last_owner", f"{user.name} is the only owner; make another one first")


def _checked_name(name: str) -> str:
    plain = plain_name(name)
    if not _is_name(plain):
        raise UserError("bad_name", f"a name has 1 to {LONGEST_NAME} letters, digits or . _ @ + -")
    return plain


def _is_name(plain: str) -> bool:
    return len(plain) <= LONGEST_NAME and _NAME.fullmatch(plain) is not None


def _hashed(password: str) -> str:
    with _AT_A_TIME:
        return _HASHER.hash(_normal(password))


def _matches(hashed: str, password: str) -> bool:
    try:
        with _AT_A_TIME:
            return _HASHER.verify(hashed, _normal(password[:LONGEST_PASSWORD]))
    except (Argon2Error, InvalidHashError):
        return False


def _normal(password: str) -> bytes:
    # What a keyboard in another system composes differently is still the same password.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
