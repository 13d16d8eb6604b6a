"""What lists of the API share: pages that are found again by a cursor."""

from typing import Any

from wxbot.api.problems import ProblemError
from wxbot.db.paging import Place
from wxbot.web import cursors


def place(after: str | None, *types: type) -> list[Any] | None:
    """Return the columns in a cursor, which must be of these types; None where there is no cursor.

    Raises ProblemError for a text that no page named: it may be anything.
    """
    try:
        return cursors.place(after, *types)
    except ValueError:
        raise bad_cursor() from None


def row_place(after: str | None) -> Place | None:
    """Return the row in a cursor of `next_of`; None where there is no cursor. Raises as `place`."""
    found = place(after, int, str)
    return None if found is None else Place(found[0], id_of(found[1]))


def next_of(behind: Place | None) -> str | None:
    """Return the cursor of what comes behind a row; None where nothing does."""
    return None if behind is None else cursors.cursor(behind.at, behind.key.hex())


def id_of(text: str) -> bytes:
    """Return an id that came as text; ProblemError for one out of a cursor that nobody made."""
    try:
        id = bytes.fromhex(text)
    except ValueError:
        id = b""
    if len(id) != 16:
        raise bad_cursor()
    return id


def bad_cursor() -> ProblemError:
    """Return the answer to a cursor that no page named."""
    return ProblemError(404, "bad_cursor", "`after` is not what a page named as `next`")
