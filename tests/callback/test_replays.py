"""What was captured stays worthless after its record is gone."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import update

from tests.callback.conftest import Line
from tests.callback.test_refusals import REFUSAL, SCAN
from wxbot.db.models import events, signatures
from wxbot.emulator import wire
from wxbot.events.retention import forget_old
from wxbot.wechat.signature import sign

DAY_SECONDS = 86_400


def keeping(mode: str, days: int) -> dict[str, Any]:
    """Return settings that keep events for so long."""
    return {"accounts": {"default": {"mode": mode}}, "privacy": {"events_days": days}}


def age(line: Line, days: int) -> None:
    """Make all that is on record so many days older, and delete what is too old then."""
    with line.wx.bot.engine.begin() as connection:
        for table in (events, signatures):
            earlier = table.c.recorded_at - days * DAY_SECONDS
            connection.execute(update(table).values(recorded_at=earlier))
    forget_old(line.wx.bot.engine, events_days=1, malformed_days=1)


def test_redated_signature_carries_nothing_after_its_event_was_deleted(
    make_line: Callable[..., Line],
) -> None:
    line = make_line("plain", keeping("plain", 1))
    captured = {"timestamp": str(line.now() - 3), "nonce": str(line.now() - 2)}
    captured["signature"] = sign(line.wx.world.account.token, *captured.values())
    redated = captured | {"timestamp": captured["nonce"], "nonce": captured["timestamp"]}
    first, second = (line.sealed(wire.scan("o1", line.now() + shift, **SCAN)).body for shift in (0, 1))
    assert line.post(urlencode(captured), first)[0] == 200
    age(line, 3)

    assert line.post(urlencode(redated), second) == REFUSAL
    assert line.runs == ["vip"]


@pytest.mark.parametrize("mode", ["safe", "compatible", "plain"])
def test_event_that_would_not_be_known_again_is_refused(make_line: Callable[..., Line], mode: str) -> None:
    line = make_line(mode, keeping(mode, 2))
    push = wire.scan("o1", line.now(), **SCAN)
    for hours, status in ((0, 200), (46, 200), (48, 403)):
        line.wx.world.clock.offset_seconds = hours * 3600
        request = line.sealed(push)

        assert line.post(request.query, request.body)[0] == status
    assert line.runs == ["vip"]


@pytest.mark.parametrize("mode", ["safe", "compatible"])
def test_genuine_event_that_was_held_back_is_refused(make_line: Callable[..., Line], mode: str) -> None:
    line = make_line(mode)
    for minutes, status in ((29, 200), (31, 403)):
        request = line.sealed(wire.scan(f"o{minutes}", line.now() - minutes * 60, **SCAN))

        assert line.post(request.query, request.body)[0] == status
    assert line.runs == ["vip"]


def test_plain_event_of_any_age_is_answered_where_events_are_kept_for_ever(
    make_line: Callable[..., Line],
) -> None:
    line = make_line("plain")
    request = line.sealed(wire.scan("o1", 1_348_831_860, **SCAN))

    assert line.post(request.query, request.body)[0] == 200
