"""Who is counted at a channel: once for each scan, however often it is told."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlalchemy.exc import OperationalError

from wxbot import Channel, Plugin, Scan, Text, followers
from wxbot.db import models
from wxbot.db.business import channel_people
from wxbot.db.faults import is_busy
from wxbot.db.session import UnitOfWork
from wxbot.testing import Wx
from wxbot.wechat.parse import parse_event

Make = Callable[..., Channel]
People = Callable[[str], list[Any]]


def jobs(wx: Wx) -> list[tuple[str, str]]:
    """Return name and state of all jobs."""
    table = models.jobs.c
    with wx.bot.engine.connect() as connection:
        return sorted(tuple(row) for row in connection.execute(select(table.name, table.state)))  # type: ignore[misc]


def test_people_and_their_scans_are_counted(wx: Wx, make: Make, people: People) -> None:
    make("shop-1", reply=Text("欢迎"))
    ailin, bo = wx.user("ailin"), wx.user("bo", follows=False)

    ailin.scan("shop-1")
    bo.scan("shop-1")
    ailin.scan("shop-1")
    ailin.redeliver()
    ailin.scan("somewhere-else")
    wx.work()

    assert people("shop-1") == [(2, False), (1, True)]


def test_nothing_is_enqueued_for_scans_of_no_channel(wx: Wx, make: Make) -> None:
    make("shop-1", reply=Text("欢迎"), ends_at=1)

    wx.user("ailin").scan("shop-1")
    wx.user("bo", follows=False).scan("somewhere-else")

    assert jobs(wx) == []


def test_scan_is_counted_once_however_often_it_is_told(wx: Wx, make: Make, people: People) -> None:
    make("shop-1", reply=Text("欢迎"))
    bo = wx.user("bo", follows=False)
    told = []
    for _ in range(3):
        bo.scan("shop-1")
        told.append(_last_event(wx))

    for event in (*told, *told[::-1]):
        _tell(wx, event)

    assert people("shop-1") == [(3, True)]


def test_order_in_which_scans_are_told_does_not_matter(wx: Wx, make: Make) -> None:
    make("shop-1", reply=Text("欢迎"))
    bo = wx.user("bo", follows=False)
    told = []
    for _ in range(3):
        bo.scan("shop-1")
        told.append(_last_event(wx))

    for event in told[::-1]:
        _tell(wx, event)

    with wx.bot.engine.connect() as connection:
        row = connection.execute(select(channel_people)).one()
    moments = [int(each.created_at.timestamp()) for each in told]
    assert (row.first_at, row.last_at, row.scans, row.is_new) == (moments[0], moments[-1], 3, True)


def test_scans_of_one_person_that_are_told_at_the_same_time_all_count(
    wx: Wx, make: Make, people: People
) -> None:
    make("shop-1", reply=Text("欢迎"))
    bo = wx.user("bo", follows=False)
    told = []
    for _ in range(12):
        bo.scan("shop-1")
        told.append(_last_event(wx))
    start = threading.Barrier(4)

    def tell(some: list[Scan]) -> None:
        start.wait()
        for event in some:
            _tell_patiently(wx, event)

    # Each is told by two of them.
    threads = [threading.Thread(target=tell, args=(told[part % 2 :: 2],)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert people("shop-1") == [(12, True)]


def test_person_who_had_followed_before_is_not_new(wx: Wx, make: Make, people: People) -> None:
    make("shop-1", reply=Text("欢迎"))
    make("shop-2", reply=Text("欢迎"))
    bo = wx.user("bo", follows=False)
    bo.scan("shop-1")
    wx.work()
    bo.unfollow()

    bo.scan("shop-2")
    wx.work()

    assert (people("shop-1"), people("shop-2")) == ([(1, True)], [(1, False)])


def test_channel_that_the_worker_does_not_know_yet_is_counted(wx: Wx, make: Make, people: People) -> None:
    make("shop-1", reply=Text("欢迎"))
    wx.user("ailin").scan("shop-1")
    wx.bot.channels.view._known = {}

    wx.work()

    assert people("shop-1") == [(1, False)]


def test_scan_from_before_the_archiving_is_counted(wx: Wx, make: Make, people: People) -> None:
    make("shop-1", reply=Text("欢迎"))
    wx.world.clock.offset_seconds -= 60
    wx.user("ailin").scan("shop-1")
    wx.bot.channels.book.archive("default", "shop-1")

    wx.work()

    assert people("shop-1") == [(1, False)]


class TestBesideHandlers:
    """A scan counts whoever answers it, and is counted with what the handler wrote or not at all."""

    @pytest.fixture
    def wx_plugins(self) -> list[Plugin]:
        """Mount a rule for all channels, and an observer that fails at first."""
        plugin = Plugin("shops")

        @plugin.scene("shop-<int:number>")
        def shop(scan: Scan, number: int) -> str:
            return f"{number}"

        told: list[str] = []

        @plugin.on_scan
        def observe(scan: Scan) -> None:
            told.append(scan.scene)
            if len(told) == 1:
                raise RuntimeError("the first time it fails")

        return [plugin]

    def test_scan_is_counted_once_though_the_observers_are_told_again(
        self, wx: Wx, make: Make, people: People
    ) -> None:
        make("shop-1")
        wx.user("ailin").scan("shop-1")

        wx.work()
        before = people("shop-1")
        with wx.bot.engine.begin() as connection:
            connection.execute(models.jobs.update().values(run_at=0))
        wx.work()

        assert (before, people("shop-1")) == ([(1, False)], [(1, False)])


def _last_event(wx: Wx) -> Scan:
    """Return the event that is to be told, and take its job away."""
    with wx.bot.engine.begin() as connection:
        body = connection.execute(select(models.jobs.c.body)).scalar_one()
        connection.execute(delete(models.jobs))
    event = parse_event(body, account="default")
    assert isinstance(event, Scan)
    return event


def _tell_patiently(wx: Wx, event: Scan) -> None:
    """Tell an event again when others held the locks, as a worker would."""
    while True:
        try:
            return _tell(wx, event)
        except OperationalError as error:
            if not is_busy(error):
                raise
            time.sleep(0.01)


def _tell(wx: Wx, event: Scan) -> None:
    with wx.bot.engine.connect() as connection:
        follower = followers.find(connection, "default", event.openid)
    unit = UnitOfWork(wx.bot.engine)
    try:
        wx.bot.channels.listener.hear(event, follower, unit)
        assert unit.commit(lambda _: True)
    finally:
        unit.close()
