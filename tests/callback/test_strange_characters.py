"""What people type and WeChat passes on as it is: characters that XML forbids, and the end of CDATA."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from tests.callback.conftest import Line
from tests.events.settling import BusyError, gone, settle
from wxbot.db.models import events
from wxbot.emulator import wire
from wxbot.emulator.wire import Bare, Push

MODES = pytest.mark.parametrize("mode", ["safe", "compatible", "plain"])


def delivered(line: Line, push: Push) -> list[tuple[int, bool]]:
    """Deliver a push as often as WeChat does; return each status, and whether somebody reads a text."""
    requests = [line.sealed(push) for _ in range(3)]
    answers = [line.post(each.query, each.body) for each in requests]
    return [(status, kind.startswith("text/xml")) for status, _, kind in answers]


def kept(line: Line) -> list[tuple[str, bytes | None]]:
    """Return kind and document of each event on record."""
    with line.wx.session() as session:
        return [(row.kind, row.body) for row in session.execute(select(events.c.kind, events.c.body))]


@MODES
@pytest.mark.parametrize("character", ["\x00", "\x02", "\x10", "\x1d", "\ufffe"])
def test_character_that_xml_forbids_is_read_as_the_replacement(
    make_line: Callable[..., Line], mode: str, character: str
) -> None:
    line = make_line(mode)

    answers = delivered(line, wire.event("o1", line.now(), name="SCAN", key=Bare(f"a{character}b")))

    assert answers == [(200, True)] * 3
    assert line.runs == ["a\ufffdb"]
    assert [kind for kind, _ in kept(line)] == ["scan"]


@MODES
def test_text_with_a_control_character_is_a_text(make_line: Callable[..., Line], mode: str) -> None:
    line = make_line(mode)

    answers = delivered(line, wire.text("o1", line.now(), content="\x1dc", msg_id=22211872600753510))

    assert answers == [(200, True)] * 3
    assert [kind for kind, _ in kept(line)] == ["text"]


@pytest.mark.parametrize("mode", ["safe", "compatible"])
@pytest.mark.parametrize("content", ["a]]>b", "<xml><status><![CDATA[ok]]></status></xml>", "]]></xml>"])
def test_authentic_text_that_breaks_out_of_its_element_is_acknowledged_and_kept_once(
    make_line: Callable[..., Line], mode: str, content: str
) -> None:
    line = make_line(mode)
    push = wire.text("o1", line.now(), content=content, msg_id=22211872600753510)

    answers = delivered(line, push)

    assert answers == [(200, False)] * 3
    assert kept(line) == [("malformed", wire.document(push, line.wx.world.account.gh_id).encode())]


@pytest.mark.parametrize("failing", [BusyError, None], ids=["locked", "gone"])
@pytest.mark.parametrize("mode", ["safe", "compatible"])
def test_broken_document_that_the_database_does_not_take_waits_in_the_spool(
    make_line: Callable[..., Line], mode: str, failing: type[Exception] | None
) -> None:
    line = make_line(mode)
    push = wire.text("o1", line.now(), content="a]]>b", msg_id=22211872600753510)

    with gone(line.wx, only="INSERT", error=failing) if failing else gone(line.wx):
        answers = delivered(line, push)
        spooled = (line.wx.bot.outage.spool.folder / "current.jsonl").read_bytes()
    settle(line.wx)
    answers += delivered(line, push)

    assert spooled.count(b"\n") == 1
    assert answers == [(200, False)] * 6
    assert kept(line) == [("malformed", wire.document(push, line.wx.world.account.gh_id).encode())]


def test_what_is_no_xml_is_refused_where_nothing_authenticates_it(make_line: Callable[..., Line]) -> None:
    line = make_line("plain")

    answers = delivered(line, wire.text("o1", line.now(), content="a]]>b", msg_id=22211872600753510))

    assert answers == [(403, False)] * 3
    assert kept(line) == []


def test_ciphertext_that_somebody_typed_is_not_taken_for_the_one_beside_it(
    make_line: Callable[..., Line],
) -> None:
    line = make_line("compatible")
    typed = "]]><Encrypt><![CDATA[AAAA]]></Encrypt>"

    answers = delivered(line, wire.text("o1", line.now(), content=typed, msg_id=22211872600753510))

    assert answers == [(403, False)] * 3
    assert kept(line) == []
