"""Scans that end at the same moment share a commit, and each is answered as if it had been alone."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update
from sqlalchemy.event import listen

from wxbot import Plugin, Scan
from wxbot.db.models import events, followers
from wxbot.followers import find, person
from wxbot.testing import User, Wx

PEOPLE = ("ailin", "bo", "chen", "dan", "emei")


class Door:
    """Holds the commit of one person's scan until it is opened, and counts commits."""

    def __init__(self, wx: Wx) -> None:
        self.commits = 0
        self._queue = wx.bot.records.together
        self._held, self._open = threading.Event(), threading.Event()
        listen(wx.bot.engine, "commit", self._commit)

    def _commit(self, _connection: object) -> None:
        if threading.current_thread().name.startswith("handler-"):
            self.commits += 1
            self._held.set()
            assert self._open.wait(30)

    def while_shut(self, first: Callable[[], object], others: list[Callable[[], object]]) -> None:
        """Let `first` write, `others` wait for it, and then all go on."""
        with ThreadPoolExecutor(len(others) + 1) as threads:
            leads = threads.submit(first)
            assert self._held.wait(30)
            follow = [threads.submit(each) for each in others]
            give_up_at = time.monotonic() + 30
            while self._queue.waiting() < len(others):
                assert time.monotonic() < give_up_at
                time.sleep(0.005)
            self._open.set()
            for each in (leads, *follow):
                each.result()


@pytest.fixture
def wx(plugin: Plugin, make_wx: Callable[..., Wx]) -> Wx:
    @plugin.scene("desk:<int:number>")
    def desk(scan: Scan, number: int) -> str:
        return f"{number} 号桌"

    return make_wx()


def rows(wx: Wx) -> dict[str, str]:
    """Return the outcome of each scene on record."""
    asked = select(events.c.scene, events.c.outcome)
    with wx.bot.engine.connect() as connection:
        return dict(connection.execute(asked).all())


def people(wx: Wx, *names: str) -> list[User]:
    return [wx.user(name, follows=False) for name in names]


def test_those_who_come_while_one_is_written_share_a_commit(wx: Wx) -> None:
    first, *others = people(wx, *PEOPLE)
    door = Door(wx)

    door.while_shut(
        lambda: first.scan("desk:0"),
        [lambda each=each, n=n: each.scan(f"desk:{n}") for n, each in enumerate(others, start=1)],  # type: ignore[misc]
    )

    assert door.commits == 2
    assert [each.last_reply.text for each in (first, *others)] == [f"{n} 号桌" for n in range(5)]
    assert rows(wx) == {f"desk:{n}": "handled" for n in range(5)}


def test_two_first_scans_of_one_person_at_once_are_both_written(wx: Wx) -> None:
    first, twice, other = people(wx, "ailin", "bo", "chen")
    door = Door(wx)

    door.while_shut(
        lambda: first.scan("desk:0"),
        [lambda: twice.scan("desk:1"), lambda: twice.scan("desk:2"), lambda: other.scan("desk:3")],
    )

    assert rows(wx) == {f"desk:{n}": "handled" for n in range(4)}
    assert other.last_reply.text == "3 号桌"
    with wx.bot.engine.connect() as connection:
        follower = find(connection, "default", twice.openid)
    assert follower is not None and follower.first_scene in ("desk:1", "desk:2")


@pytest.mark.servers_only
def test_a_person_whose_row_is_held_keeps_nobody_else_from_being_written(wx: Wx) -> None:
    first, held, other = people(wx, "ailin", "bo", "chen")
    held.scan("desk:9")
    door = Door(wx)

    with wx.bot.engine.connect() as somebody:
        who = followers.c.person == person("default", held.openid)
        somebody.execute(update(followers).where(who).values(follows=0))
        door.while_shut(
            lambda: first.scan("desk:0"), [lambda: held.scan("desk:1"), lambda: other.scan("desk:2")]
        )

    assert rows(wx) == {"desk:9": "handled", "desk:0": "handled", "desk:2": "handled"}
    assert other.last_reply.text == "2 号桌"
    assert held.last_reply.text
