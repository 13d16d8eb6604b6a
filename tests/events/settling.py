"""After an outage."""

import time

from wxbot.events.takeover import take_over_lost
from wxbot.testing import Wx


def settle(wx: Wx) -> None:
    """Bring in all that was spooled, now that the database is back, and run it."""
    wx.bot.outage._gate.succeeded()
    give_up_at = time.monotonic() + 10
    # The gate's own thread may be importing.
    while wx.bot.outage.spool.size().bytes or wx.bot.outage._gate._watcher is not None:
        assert time.monotonic() < give_up_at
        wx.bot.outage.bring_in()
        time.sleep(0.01)
    take_over_lost(wx.bot.engine)
    wx.work()
