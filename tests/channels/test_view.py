"""The channels in memory: as fresh as they need be, without a database on the answer path."""

import gc
import os
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, update
from sqlalchemy.exc import SQLAlchemyError

from wxbot import Channel, Plugin, Scan, Text
from wxbot.channels import view as view_module
from wxbot.channels.channel import Details
from wxbot.channels.parts import ChannelParts
from wxbot.channels.store import Wanted
from wxbot.channels.view import ChannelView
from wxbot.db.business import channels
from wxbot.db.engine import open_engine
from wxbot.db.statements import database_now
from wxbot.testing import Wx

Make = Callable[..., Channel]
NOW = 1_800_000_000


def create(parts: ChannelParts, name: str, **details: Any) -> Channel:
    return parts.book.create("default", Wanted(name=name, details=Details(**details)))


def wait_for(has_come: Callable[[], object]) -> None:
    give_up_at = time.monotonic() + 10
    while not has_come():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def test_change_is_seen_at_once_where_it_is_made(parts: ChannelParts) -> None:
    made = create(parts, "shop-1")

    assert parts.view.find("default", "shop-1", NOW) == made
    changed = parts.book.change("default", "shop-1", {"title": "一号店"})
    assert parts.view.find("default", "shop-1", NOW) == changed
    parts.book.archive("default", "shop-1")
    assert parts.view.find("default", "shop-1", NOW) is parts.view.find_any("default", "shop-1") is None


def test_change_elsewhere_is_seen_by_the_thread(
    parts: ChannelParts, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view_module, "REFRESH_SECONDS", 0.02)
    other = ChannelView(engine)
    other.start()
    create(parts, "shop-1")

    wait_for(lambda: other.find("default", "shop-1", NOW))

    other.close()


def test_without_a_thread_the_next_event_that_looks_tries_again(
    parts: ChannelParts, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view_module, "REFRESH_SECONDS", 0.02)
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "channels":
            raise RuntimeError("can't start new thread")
        start(thread)

    other = ChannelView(engine)
    with monkeypatch.context() as limited:
        limited.setattr(threading.Thread, "start", refuse)
        other.start()
        assert other.find("default", "shop-1", NOW) is None
    create(parts, "shop-1")

    wait_for(lambda: other.find("default", "shop-1", NOW))

    other.close()


def test_scenes_of_accounts_are_apart(parts: ChannelParts) -> None:
    create(parts, "shop-1")

    assert parts.view.find("second", "shop-1", NOW) is None
    assert [each.name for each in parts.view.of("default")] == ["shop-1"]
    assert parts.view.of("second") == []


@pytest.mark.parametrize(
    ("at", "is_live"), [(NOW - 1, False), (NOW, True), (NOW + 9, True), (NOW + 10, False)]
)
def test_channel_is_found_from_its_start_until_its_end(
    parts: ChannelParts, at: int, *, is_live: bool
) -> None:
    create(parts, "shop-1", starts_at=NOW, ends_at=NOW + 10)

    assert (parts.view.find("default", "shop-1", at) is not None) is is_live
    assert parts.view.find_any("default", "shop-1") is not None


def test_channel_that_did_not_change_is_not_read_again(parts: ChannelParts) -> None:
    create(parts, "shop-1")
    before = parts.view.find("default", "shop-1", NOW)

    parts.view.refresh()

    assert parts.view.find("default", "shop-1", NOW) is before


def test_channels_are_read_again_only_as_long_as_they_may_have_changed(
    parts: ChannelParts, engine: Engine
) -> None:
    create(parts, "shop-1")
    view = ChannelView(engine)
    reads = []

    def settle(seconds: int, **values: object) -> None:
        with engine.begin() as connection:
            at = database_now() - seconds
            connection.execute(update(channels).values(changed_at=at, **values))

    for change in (
        lambda: None,  # the first time
        lambda: None,  # it was changed a moment ago
        lambda: settle(120),
        lambda: None,
        lambda: settle(100, title="一号店"),
        lambda: None,
    ):
        change()
        before = view._read_at
        view.refresh_if_changed()
        reads.append(view._read_at != before)

    assert reads == [True, True, True, False, True, False]
    found = view.find_any("default", "shop-1")
    assert found is not None and found.title == "一号店"


def test_row_that_somebody_broke_leaves_the_others(parts: ChannelParts, engine: Engine) -> None:
    for name in ("shop-1", "shop-2", "shop-3"):
        create(parts, name)
    with engine.begin() as connection:
        for name, broken in (
            ("shop-1", "nonsense"),
            ("shop-2", '{"new": {"type": "music"}, "others": null}'),
        ):
            connection.execute(update(channels).where(channels.c.name == name).values(replies=broken))

    parts.view.refresh()

    assert [each.name for each in parts.view.of("default")] == ["shop-3"]


def test_view_keeps_what_it_knew_while_the_database_is_away(
    parts: ChannelParts, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = create(parts, "shop-1")

    def refuse(*_: object) -> None:
        raise OSError("the database is away")

    monkeypatch.setattr(engine, "connect", refuse)
    with pytest.raises(OSError):
        parts.view.refresh()
    assert parts.view.find("default", "shop-1", NOW) == made


def test_database_without_the_table_is_no_fault(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/empty.db")
    view = ChannelView(engine)

    view.refresh_if_possible()

    assert view.find("default", "shop-1", NOW) is None
    with pytest.raises(SQLAlchemyError):
        view.refresh()
    engine.dispose()


def test_thread_outlives_an_error(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view_module, "REFRESH_SECONDS", 0.01)
    calls: list[int] = []

    def fail(_: ChannelView) -> None:
        calls.append(1)
        raise RuntimeError("not a database's error")

    monkeypatch.setattr(ChannelView, "refresh_if_changed", fail)
    view = ChannelView(engine)
    view.start()
    view.start()

    wait_for(lambda: len(calls) > 2)

    view.close()


def test_thread_ends_with_the_view(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view_module, "REFRESH_SECONDS", 0.01)
    view = ChannelView(engine)
    view.start()
    thread, gone = view._thread, weakref.ref(view)
    assert thread is not None

    del view
    gc.collect()
    thread.join(10)

    assert gone() is None and not thread.is_alive()


def test_process_that_is_forked_later_stays_up_to_date(
    parts: ChannelParts, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view_module, "REFRESH_SECONDS", 0.02)
    parts.view.start()
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            wait_for(lambda: parts.view.find("default", "made-later", NOW))
            os.write(writing, b"seen")
        finally:
            os._exit(0)
    os.close(writing)

    create(parts, "made-later")

    with os.fdopen(reading, "rb") as child:
        assert child.read() == b"seen"
    os.waitpid(pid, 0)
    parts.view.close()


def test_answering_asks_the_database_no_more_often_than_for_a_handler(wx: Wx, make: Make) -> None:
    make("shop-1", reply=Text("欢迎"))
    ailin, bo = wx.user("ailin"), wx.user("bo")
    ailin.scan("shop-1"), bo.scan("by-handler")  # they are on record

    by_channel = statements(wx, lambda: ailin.scan("shop-1"))
    by_handler = statements(wx, lambda: bo.scan("by-handler"))

    assert (ailin.last_reply.text, bo.last_reply.text) == ("欢迎", "由处理函数回答")
    # Beyond what any scan costs there is the job that counts, as there is one for an observer.
    counting = [each for each in by_channel if each.startswith("INSERT INTO jobs")]
    assert len(counting) == 1
    assert [each for each in by_channel if each not in counting] == by_handler


def test_scan_of_a_channel_costs_the_same_whoever_answers(wx: Wx, make: Make) -> None:
    make("shop-1", reply=Text("欢迎"))
    make("by-handler")
    ailin, bo = wx.user("ailin"), wx.user("bo")
    ailin.scan("shop-1"), bo.scan("by-handler")

    assert statements(wx, lambda: ailin.scan("shop-1")) == statements(wx, lambda: bo.scan("by-handler"))


@pytest.fixture
def wx_plugins() -> list[Plugin]:
    """Mount a light handler."""
    plugin = Plugin("shops")

    @plugin.scene("by-handler")
    def by_handler(scan: Scan) -> str:
        return "由处理函数回答"

    return [plugin]


def statements(wx: Wx, act: Callable[[], object]) -> list[str]:
    """Return the statements of an act and its commits, by their beginnings; not what the bot does besides."""
    seen: list[str] = []
    us = threading.current_thread()

    def is_of_the_act() -> bool:
        thread = threading.current_thread()
        return thread is us or thread.name.startswith("handler-")

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if is_of_the_act():
            seen.append(" ".join(statement.split())[:60])

    def commit(_connection: Any) -> None:
        if is_of_the_act():
            seen.append("COMMIT")

    event.listen(wx.bot.engine, "before_cursor_execute", note)
    event.listen(wx.bot.engine, "commit", commit)
    try:
        act()
    finally:
        event.remove(wx.bot.engine, "before_cursor_execute", note)
        event.remove(wx.bot.engine, "commit", commit)
    return seen
