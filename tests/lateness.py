"""Deadlines that pass while a handler runs, however busy the machine is."""

import threading
import time

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


def wait_for_calls(wx: Wx) -> None:
    """Let nobody be told that a handler is late before it is called, whoever they are."""
    answer_late = wx.bot.runs._answer_late

    def answer(run: Run, until: float) -> Answer:
        give_up_at = time.monotonic() + 20
        while run.called_at is None:
            assert time.monotonic() < give_up_at
            time.sleep(0.005)
        return answer_late(run, until)

    wx.bot.runs._answer_late = answer  # type: ignore[method-assign]
