"""The windows in which WeChat takes service messages: what a person does opens one, for so many messages.

Each is closed a little before WeChat closes it, since a message that is sent later only costs a call.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, or_, select, update

from wxbot.db import models
from wxbot.db.statements import database_now
from wxbot.wechat.events import MESSAGE_KINDS


@dataclass(frozen=True, kw_only=True)
class Window:
    """How long after an event messages may be sent, and how many."""

    seconds: int
    messages: int


_AFTER_MESSAGE = Window(seconds=48 * 3600 - 60, messages=5)
_AFTER_ACT = Window(seconds=55, messages=3)

_WINDOWS = {
    **dict.fromkeys(MESSAGE_KINDS, _AFTER_MESSAGE),
    **dict.fromkeys(
        ("click", "menu_choice", "scancode_push", "scancode_waitmsg", "subscribe", "scan"), _AFTER_ACT
    ),
}


def window_of(kind: str) -> Window | None:
    """Return the window that an event opens, by the kind that is on record; None: it opens none."""
    return _WINDOWS.get(kind)


def take_message(connection: Connection, event_key: bytes) -> bool:
    """Count one message against the window of an event; False: it is closed, or used up.

    One statement, so that of several senders only as many succeed as there are messages left.
    """
    taken = (
        update(models.events)
        .where(models.events.c.key == event_key, or_(*_open_windows()))
        .values(messages_sent=models.events.c.messages_sent + 1)
    )
    return connection.execute(taken).rowcount == 1


def take_any_message(connection: Connection, account: str, person: bytes) -> bytes | None:
    """Count one message against any window that a person has open; return its event, None if there is none.

    For messages whose own event has no window, or none any more. No index leads to the events of a person,
    only one to those of two days: this is a worker's work.
    """
    events = models.events.c
    theirs = events.account == account, events.person == person
    # What the windows say of it each by themselves leads to no index.
    is_recent = events.recorded_at > database_now() - max(window.seconds for window in _WINDOWS.values())
    query = select(events.key).where(*theirs, is_recent, or_(*_open_windows()))
    query = query.order_by(events.recorded_at.desc())
    for key in connection.execute(query).scalars().all():
        if take_message(connection, key):
            return bytes(key)
    return None


def give_back(connection: Connection, event_key: bytes) -> None:
    """Undo one `take_message` for a message that surely was not sent."""
    given = (
        update(models.events)
        .where(models.events.c.key == event_key, models.events.c.messages_sent > 0)
        .values(messages_sent=models.events.c.messages_sent - 1)
    )
    connection.execute(given)


def _open_windows() -> Iterator[ColumnElement[bool]]:
    event = models.events.c
    for window in sorted(set(_WINDOWS.values()), key=lambda window: window.seconds):
        kinds = sorted(kind for kind, its in _WINDOWS.items() if its == window)
        yield and_(
            event.kind.in_(kinds),
            event.messages_sent < window.messages,
            event.recorded_at + window.seconds > database_now(),
        )
