"""How often a password may be tried: counted by name and address, for all processes together.

Nobody is locked out by others: the right password from another address is not counted with these.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, update

from wxbot import clock
from wxbot.admin.sessions import PATIENCE_SECONDS
from wxbot.admin.users import plain_name
from wxbot.db.administration import admin_guesses
from wxbot.db.patience import patiently
from wxbot.db.statements import insert_first
from wxbot.web.browser import customer_of

MOST_GUESSES = 10
WINDOW_SECONDS = 900


class Guesses:
    """The passwords that were tried lately."""

    def __init__(self, engine: Engine, *, now: Callable[[], datetime] = clock.now) -> None:
        self._engine = engine
        self._now = now

    def allow(self, name: str, address: str) -> bool:
        """Count a try before the password is looked at; False when there were too many.

        Before and not after, so that a hundred at the same moment are no more than one after the other.
        """
        now = int(self._now().timestamp())
        identity = _identity(name, address)

        def work(connection: Connection) -> bool:
            connection.execute(delete(admin_guesses).where(admin_guesses.c.began_at <= now - WINDOW_SECONDS))
            if _count(connection, identity):
                return True
            row = {"id": identity, "began_at": now, "count": 1}
            return insert_first(connection, admin_guesses, row)

        return patiently(self._engine, work, seconds=PATIENCE_SECONDS) or self._once_more(identity)

    def forget(self, name: str, address: str) -> None:
        """Begin anew after the right password."""
        gone = delete(admin_guesses).where(admin_guesses.c.id == _identity(name, address))
        patiently(self._engine, lambda connection: connection.execute(gone), seconds=PATIENCE_SECONDS)

    def _once_more(self, identity: bytes) -> bool:
        """Count where another process has made the row in the meantime, or the count is full."""
        return patiently(
            self._engine, lambda connection: _count(connection, identity), seconds=PATIENCE_SECONDS
        )


def _count(connection: Connection, identity: bytes) -> bool:
    count = admin_guesses.c.count
    one_more = update(admin_guesses).where(admin_guesses.c.id == identity, count < MOST_GUESSES)
    return connection.execute(one_more.values(count=count + 1)).rowcount == 1


def _identity(name: str, address: str) -> bytes:
    """Return what stands for name and address; of IPv6 the part that one customer has.

    The name in the one spelling that a user is found by: another would have guesses of its own.
    """
    text = f"{plain_name(name)}\0{customer_of(address)}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]
