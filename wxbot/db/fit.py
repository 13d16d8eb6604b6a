"""Whether this program and a database belong together, also while the machines are upgraded one by one."""

from enum import StrEnum

from sqlalchemy import Connection, column, inspect, select, table
from sqlalchemy.exc import SQLAlchemyError

from wxbot.db.models import compatibility

# Alembic's table. It is read here without Alembic, which takes as much memory as all of Flask.
_versions = table("alembic_version", column("version_num"))


class Fit(StrEnum):
    """How the database's revision is to the newest that this program knows.

    `newer`: a newer wxbot has added to it, and this one can use it all the same. `too_new`: it cannot.
    """

    EXACT = "exact"
    OLDER = "older"
    NEWER = "newer"
    TOO_NEW = "too_new"

    @property
    def is_usable(self) -> bool:
        """Whether this program can work with the database as it is."""
        return self in (Fit.EXACT, Fit.NEWER)


def revision_at(connection: Connection) -> str | None:
    """Return the revision the database is at, None for an empty one."""
    if not inspect(connection).has_table(_versions.name):
        return None
    revision: str | None = connection.scalar(select(_versions.c.version_num))
    return revision


def fit_of(connection: Connection, head: str) -> Fit:
    """Return how the database fits a program whose newest revision is `head`."""
    at = revision_at(connection)
    if at == head:
        return Fit.EXACT
    if at is None or at < head:
        return Fit.OLDER
    try:
        oldest = connection.execute(select(compatibility.c.oldest)).scalar_one_or_none()
    except SQLAlchemyError:  # a revision of somebody else's, without our table
        return Fit.TOO_NEW
    return Fit.NEWER if oldest is not None and oldest <= head else Fit.TOO_NEW


def too_new(at: str | None, head: str) -> str:
    """Return what to do about a database that is too new."""
    return (
        f"[database] url: the database is at revision {at}, which a newer wxbot has made; this one "
        f"knows {head}. Install the newer one, or bring back a copy from before the upgrade"
    )


def newer(at: str | None, head: str) -> str:
    """Return what to know about a database that is newer and can be used."""
    return (
        f"the database is at revision {at}, which a newer wxbot has made; this one knows {head} and can use "
        "it until it is upgraded too"
    )
