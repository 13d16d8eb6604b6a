"""Deadlines that pass while a handler runs, however busy the machine is."""

import threading

from wxbot.events.run import Answer, Run
from wxbot.testing import Wx


def wait_for_handler(wx: Wx, begun: threading.Event) -> None:
    """Let nobody be told that a handler is late before it has `begun`.

    A deadline of tenths of a second is over before that on a machine that stands still for a while.
    """
    answer_late = wx.bot.runs._answer_late

    def answer(run: Run, until: float) -> Answer:
        assert begun.wait(20)
        return answer_late(run, until)

    wx.bot.runs._answer_late = answer  # type: ignore[method-assign]
