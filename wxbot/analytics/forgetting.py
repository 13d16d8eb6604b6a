"""Forgetting a person: their number stays, and leads to nobody. No figure changes."""

import secrets

from sqlalchemy import Connection, select, update

from wxbot.analytics import marks
from wxbot.db.figures import people


def forget(connection: Connection, account: str, person: bytes, *, pseudonym: bytes) -> int:
    """Put a pseudonym in a person's place, in the caller's transaction; returns how many rows that were.

    Their events should have the same one by the end of it: what is being counted at this moment is then read
    anew. Where something was counted for the pseudonym already, they get another one.
    """
    marks.interrupt(connection)
    taken = select(people.c.id).where(people.c.account == account, people.c.person == pseudonym)
    if connection.execute(taken).first() is not None:
        pseudonym = secrets.token_bytes(16)
    theirs = update(people).where(people.c.account == account, people.c.person == person)
    return connection.execute(theirs.values(person=pseudonym)).rowcount
