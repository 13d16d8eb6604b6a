"""What lists of the API share: pages that are found again by a cursor."""

from typing import Any

from wxbot.api.problems import ProblemError
from wxbot.web import cursors


def place(after: str | None, *types: type) -> list[Any] | None:
    """Return the columns in a cursor, which must be of these types; None where there is no cursor.

    Raises ProblemError for a text that no page named: it may be anything.
    """
    try:
        return cursors.place(after, *types)
    except ValueError:
        raise ProblemError(404, "bad_cursor", "`after` is not what a page named as `next`") from None
