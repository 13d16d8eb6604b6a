"""Forgetting a person: their number stays, and leads to nobody. No figure changes."""

from sqlalchemy import Connection, update

from wxbot.analytics import marks
from wxbot.db.figures import people


def forget(connection: Connection, account: str, person: bytes, *, pseudonym: bytes) -> int:
    """Put a pseudonym in a person's place, in the caller's transaction; returns how many rows that were.

    Their events should have the same one already: what is being counted at this moment is then read anew.
    """
    marks.interrupt(connection)
    theirs = update(people).where(people.c.account == account, people.c.person == person)
    return connection.execute(theirs.values(person=pseudonym)).rowcount
