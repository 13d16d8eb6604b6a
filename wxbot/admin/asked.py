"""What a page is asked for in its address; it may be anything."""

import re
from collections.abc import Collection
from datetime import datetime

from flask import abort, request

from wxbot.admin.visit import Visit
from wxbot.clock import CHINA
from wxbot.db.paging import Place, Window
from wxbot.web.cursors import cursor

_KEY_BYTES = 16
_LATEST = 4_102_444_800  # the year 2100: what lies beyond is no moment that somebody means


def asked_text(name: str, longest: int = 255) -> str:
    """Return a text that every database can be asked for, empty for none."""
    return request.args.get(name, "")[:longest].replace("\0", "")


def asked_choice(name: str, choices: Collection[str]) -> str:
    """Return one of the choices, empty for anything else."""
    text = request.args.get(name, "")
    return text if text in choices else ""


def asked_digest(name: str) -> bytes | None:
    """Return the digest of a person, None for anything else."""
    text = request.args.get(name, "")
    return bytes.fromhex(text) if re.fullmatch("[0-9a-f]{32}", text) else None


def asked_moment(name: str) -> int | None:
    """Return a moment as a field gives it, in China's time, as seconds since 1970; None for none."""
    try:
        moment = datetime.fromisoformat(request.args.get(name, "")[:32])
        seconds = int(moment.replace(tzinfo=moment.tzinfo or CHINA).timestamp())
    except (ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds <= _LATEST else None


def asked_window() -> Window:
    """Return the time from `since` to `until`, each of them if it is given."""
    return Window(asked_moment("since"), asked_moment("until"))


def asked_place(visit: Visit) -> Place | None:
    """Return where the page begins, None for the first one."""
    found = visit.before(int, str)
    return None if found is None else Place(found[0], id_of(found[1], _KEY_BYTES))


def cursor_of(place: Place | None) -> str | None:
    """Return what the next page is asked for with."""
    return None if place is None else cursor(place.at, place.key.hex())


def id_of(text: str, length: int = _KEY_BYTES) -> bytes:
    """Return the bytes of an id in an address; 404 for what is none."""
    if not re.fullmatch("(?:[0-9a-f]{2})+", text) or len(text) != 2 * length:
        abort(404)
    return bytes.fromhex(text)
