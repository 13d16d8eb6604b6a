"""Strangers cannot fill the log: some lines a minute for each reason, and how many were left out."""

import logging

import pytest

from wxbot.callback.refusals import EACH_MINUTE, Refusals
from wxbot.errors import ForbiddenError, MalformedError


def test_flood_leaves_some_lines_and_a_count(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    now = [600.0]
    refusals = Refusals(monotonic=lambda: now[0])

    for number in range(1000):
        refusals.note("default", ForbiddenError("signature"))
        refusals.note("default", MalformedError(f"not-plain:Field{number}"))
    refusals.note("default", ForbiddenError("window"))
    lines = [record.getMessage() for record in caplog.records]
    now[0] += 60
    refusals.note("default", ForbiddenError("signature"))

    assert len(lines) == 2 * EACH_MINUTE + 1 and "refused: window" in lines[-1]
    later = [record.getMessage() for record in caplog.records[len(lines) :]]
    assert "1960 more callbacks" in later[0] and "refused: signature" in later[1] and len(later) == 2
