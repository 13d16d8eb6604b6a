"""An outage, and what comes after it."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from wxbot.events.takeover import take_over_lost
from wxbot.testing import Wx


class GoneError(Exception):
    """What the driver says of a server that is not there."""


class BusyError(sqlite3.OperationalError):
    """What SQLite says when somebody else holds its lock for too long."""

    sqlite_errorcode = sqlite3.SQLITE_BUSY


@contextmanager
def gone(wx: Wx, *, only: str = "", error: type[Exception] = GoneError) -> Iterator[None]:
    """Let every statement of a kind fail, as if the server had gone. No probe finds it before `settle`."""

    def refuse(_connection: object, _cursor: object, sql: str, *_: object) -> None:
        if sql.startswith(only):
            raise OperationalError(sql, {}, error("not now"))

    event.listen(wx.bot.engine, "before_cursor_execute", refuse)
    gate = wx.bot.outage._gate
    usual_seconds, gate._probe_seconds = gate._probe_seconds, 3600.0
    try:
        yield
    finally:
        gate._probe_seconds = usual_seconds
        event.remove(wx.bot.engine, "before_cursor_execute", refuse)


def settle(wx: Wx) -> None:
    """Bring in all that was spooled, now that the database is back, and run it."""
    wx.bot.outage._gate.succeeded()
    give_up_at = time.monotonic() + 60
    # The gate's own thread may be importing.
    while wx.bot.outage.spool.size().bytes or wx.bot.outage._gate._watcher is not None:
        try:
            wx.bot.outage.bring_in()
        except OperationalError:  # a server counts connections for a moment after they were closed
            if time.monotonic() > give_up_at:
                raise
        assert time.monotonic() < give_up_at
        time.sleep(0.01)
    take_over_lost(wx.bot.engine)
    wx.work()
