"""Places in long lists: which item a page ended with, as a text that goes into an address."""

import base64
import json
from collections.abc import Sequence
from typing import Any

_LARGEST_NUMBER = 2**62


def cursor(*place: object) -> str:
    """Return the text for the place behind an item: the columns by which the list is ordered."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def place(after: str | None, *types: type) -> list[Any] | None:
    """Return the columns in a cursor, which must be of these types; None where there is no cursor.

    Raises ValueError for a text that no page named: it may be anything.
    """
    if after is None:
        return None
    try:
        fields = json.loads(base64.urlsafe_b64decode(after.encode("ascii") + b"=" * (-len(after) % 4)))
    except (TypeError, RecursionError) as error:
        raise ValueError from error
    if not isinstance(fields, list) or [type(each) for each in fields] != list(types):
        raise ValueError
    if not all(_fits(each) for each in fields):
        raise ValueError
    return list(fields)


def cut(found: Sequence[Any], limit: int) -> tuple[Sequence[Any], Any | None]:
    """Return the items of a page, and the last of them if there are more; `found` has one more if so."""
    items = found[:limit]
    return items, items[-1] if len(found) > limit else None


def _fits(field: object) -> bool:
    """Say whether every database takes this value."""
    if isinstance(field, str):
        return field.isprintable()
    return not isinstance(field, int) or abs(field) < _LARGEST_NUMBER
