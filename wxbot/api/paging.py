"""What lists of the API share: pages that are found again by a cursor, and how times are written."""

from datetime import UTC, datetime
from typing import Any

from wxbot.api.problems import ProblemError
from wxbot.web import cursors


def moment(seconds: int) -> str:
    """Return a time of a row as the API writes it."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def moment_or_none(seconds: int | None) -> str | None:
    """Return a time that may be missing."""
    return None if seconds is None else moment(seconds)


def place(after: str | None, *types: type) -> list[Any] | None:
    """Return the columns in a cursor, which must be of these types; None where there is no cursor.

    Raises ProblemError for a text that no page named: it may be anything.
    """
    try:
        return cursors.place(after, *types)
    except ValueError:
        raise ProblemError(404, "bad_cursor", "`after` is not what a page named as `next`") from None
