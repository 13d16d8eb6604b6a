"""What handlers hang on to a commit, and faults after they returned: one answer, and nothing twice."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from wxbot import Plugin, Scan
from wxbot.db.models import events
from wxbot.testing import Wx

ORDER = text("INSERT INTO orders VALUES ('ordered')")


def nameless(_class: type) -> str:
    raise ZeroDivisionError


class NamelessMeta(type):
    """Makes classes that do not tell their names."""

    __name__ = property(nameless)  # type: ignore[assignment]


class NamelessError(Exception, metaclass=NamelessMeta):
    """An error at which whatever wants to log it fails."""


def with_orders(make_wx: Callable[[], Wx]) -> Wx:
    wx = make_wx()
    with wx.session() as session:
        session.execute(text("CREATE TABLE orders (word TEXT)"))
    return wx


def recorded(wx: Wx) -> list[tuple[Any, ...]]:
    """Return what is on record of the events, and how many orders there are."""
    with wx.session() as session:
        orders = session.execute(text("SELECT count(*) FROM orders")).scalar_one()
        found = session.execute(select(events.c.state, events.c.outcome, events.c.detail)).all()
    return [*map(tuple, found), (orders,)]


@pytest.mark.parametrize("commits_itself", [True, False])
def test_sessions_listeners_hear_of_one_commit(
    plugin: Plugin, make_wx: Callable[[], Wx], commits_itself: bool
) -> None:
    sent: list[str] = []

    @plugin.scene("code")
    def order(scan: Scan, session: Session) -> str:
        session.info["outbox"] = ["mail"]
        event.listen(session, "after_commit", lambda session: sent.extend(session.info.pop("outbox")))
        session.execute(ORDER)
        if commits_itself:
            session.commit()
        return "谢谢"

    wx = with_orders(make_wx)
    bo = wx.user("bo")

    assert [bo.scan("code").text, bo.redeliver().text] == ["谢谢", "谢谢"]
    assert (sent, recorded(wx)) == (["mail"], [("done", "handled", ""), (1,)])


@pytest.mark.parametrize("error", [RuntimeError, SystemExit])
def test_error_at_the_commit_itself_becomes_the_fallback(
    plugin: Plugin, make_wx: Callable[[], Wx], caplog: pytest.LogCaptureFixture, error: type[BaseException]
) -> None:
    def fail(_connection: object) -> None:
        raise error

    @plugin.scene("code")
    def order(scan: Scan, session: Session) -> str:
        session.execute(ORDER)
        event.listen(session.connection(), "commit", fail)
        return "谢谢"

    wx = with_orders(make_wx)
    bo = wx.user("bo")
    first = bo.scan("code")

    assert first.text.startswith("抱歉")
    assert bo.redeliver().text == first.text
    assert wx.runs("test.order") == 1
    assert recorded(wx) == [("done", "failed", f"commit: {error.__name__}"), (0,)]
    assert f"what test.order wrote could not be committed: {error.__name__}" in caplog.text


@pytest.mark.parametrize("has_session", [True, False])
def test_event_is_answered_once_also_after_a_fault_of_our_own(
    plugin: Plugin, make_wx: Callable[[], Wx], has_session: bool
) -> None:
    @plugin.scene("code", interim="稍等" if has_session else None)
    def order(scan: Scan) -> str:
        raise NamelessError

    wx = with_orders(make_wx)
    bo = wx.user("bo")
    first = bo.scan("code")
    spooled = wx.bot.outage.spool.size().files

    assert first.text.startswith("抱歉")
    assert bo.redeliver().text == first.text
    if has_session:
        assert (spooled, recorded(wx)) == (0, [("done", "failed", "fault"), (0,)])


def test_error_of_a_class_without_a_module_becomes_the_fallback(
    plugin: Plugin, make_wx: Callable[[], Wx]
) -> None:
    @plugin.scene("code")
    def order(scan: Scan, session: Session) -> str:
        session.execute(ORDER)
        raise type("OrderError", (Exception,), {"__module__": None})

    wx = with_orders(make_wx)

    assert wx.user("bo").scan("code").text.startswith("抱歉")
    assert recorded(wx) == [("done", "failed", "test.order: OrderError"), (0,)]
