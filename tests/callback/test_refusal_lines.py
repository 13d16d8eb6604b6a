"""Strangers cannot fill the log: some lines a minute for each reason, and how many were left out."""

import logging
from collections.abc import Callable

import pytest

from tests.callback.conftest import Line
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


def test_one_account_does_not_hide_another(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    refusals = Refusals(monotonic=lambda: 600.0)

    for _ in range(100):
        refusals.note("shop", ForbiddenError("signature"))
    for number in range(100):
        refusals.note(f"stranger{number}", ForbiddenError("account"), is_ours=False)
    refusals.note("news", ForbiddenError("signature"))

    lines = [record.getMessage() for record in caplog.records]
    assert sum("'shop'" in line for line in lines) == EACH_MINUTE
    assert sum("'stranger" in line for line in lines) == EACH_MINUTE
    assert sum("'news'" in line for line in lines) == 1


def test_invented_accounts_share_their_lines(
    make_line: Callable[..., Line], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("wxbot.callback.views._refusals", Refusals(monotonic=lambda: 600.0))
    line = make_line("plain")

    for number in range(EACH_MINUTE + 5):
        line.post("", b"", f"/wechat/stranger{number}")
    line.post("", b"")

    lines = [record.getMessage() for record in caplog.records if "was refused" in record.getMessage()]
    assert sum("'stranger" in line for line in lines) == EACH_MINUTE
    assert sum("'default'" in line for line in lines) == 1
