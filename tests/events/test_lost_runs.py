"""Runs that were lost with their process, that hang, and that are done again by hand."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from tests.lateness import wait_for_handler
from wxbot import Plugin, Scan
from wxbot.db.models import events, jobs
from wxbot.events.followups import TAKE_OVER
from wxbot.events.listing import replay
from wxbot.events.takeover import take_over_lost
from wxbot.jobs.outbox import Job, enqueue
from wxbot.testing import Wx

SOON = {"callback": {"deadline_seconds": 0.2}}


def states(wx: Wx) -> list[tuple[str, str]]:
    with wx.session() as session:
        return [tuple(row) for row in session.execute(select(jobs.c.name, jobs.c.state))]


def lose(wx: Wx, **more: str) -> None:
    """Let the lease of all events run out, as if the process had been killed: it renews none any more."""
    wx.bot.runs.watch._held.clear()
    wx.bot.runs.watch.close()
    with wx.session() as session:
        session.execute(update(events).values(lease_until=1, **more))


@pytest.mark.parametrize("state", ["running", "late"])
def test_run_that_lost_its_process_is_taken_over_once(
    plugin: Plugin, make_wx: Callable[..., Wx], state: str
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    runs: list[str] = []

    @plugin.scene("slow")
    def slow(scan: Scan, session: Session) -> str:
        runs.append(scan.key)
        begun.set()
        if len(runs) == 1:
            go_on.wait(20)
        session.execute(text("INSERT INTO notes VALUES ('written')"))
        return "结果"

    wx = make_wx(SOON)
    wait_for_handler(wx, begun)
    with wx.session() as session:
        session.execute(text("CREATE TABLE notes (word TEXT)"))
    ailin = wx.user("ailin")
    first = ailin.scan("slow")
    lose(wx, state=state)

    taken = [len(take_over_lost(wx.bot.engine)) for _ in range(2)]
    wx.work()
    go_on.set()  # the process was only frozen, and comes back
    wx.wait()
    wx.work()

    assert taken == [1, 0]
    assert [said.text for said in ailin.messages] == ["结果"]
    assert ailin.redeliver().text == first.text
    with wx.session() as session:
        assert session.execute(text("SELECT count(*) FROM notes")).scalar_one() == 1
        assert session.execute(select(events.c.state)).scalar_one() == "done"


def test_run_that_is_lost_again_and_again_is_given_up_and_can_be_replayed(
    plugin: Plugin, make_wx: Callable[..., Wx]
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    returned: list[str] = []

    @plugin.scene("slow", interim="稍等")
    def slow(scan: Scan) -> str:
        begun.set()
        go_on.wait(20)
        returned.append(scan.key)
        return "结果"

    wx = make_wx(SOON)
    wait_for_handler(wx, begun)
    ailin = wx.user("ailin")
    ailin.scan("slow")
    lose(wx)
    [job] = take_over_lost(wx.bot.engine)
    for _ in range(3):  # each worker that takes it over is killed
        assert wx.bot.ledger.claim(job)
        with wx.session() as session:
            session.execute(update(jobs).values(lease_until=1))
    go_on.set()
    wx.wait()
    wx.work()

    with wx.session() as session:
        assert session.execute(select(jobs.c.state)).scalar_one() == "dead"
        key, state, detail = session.execute(select(events.c.key, events.c.state, events.c.detail)).one()
    assert (state, detail, len(returned), ailin.messages) == ("done", "lost", 1, [])

    assert wx.bot.ledger.replay(job)
    wx.work()

    assert len(returned) == 2 and [said.text for said in ailin.messages] == ["结果"]
    assert not wx.bot.ledger.replay(job)
    assert ailin.redeliver().text == "稍等"
    assert replay(wx.bot.engine, key.hex())


def test_replay_of_a_lost_event_whose_document_is_gone_says_so(
    plugin: Plugin, make_wx: Callable[..., Wx]
) -> None:
    wx = make_wx()
    wx.user("ailin").scan("nobody")
    with wx.session() as session:  # as it is some days after it was given up
        key = session.execute(select(events.c.key)).scalar_one()
        session.execute(update(events).values(detail="lost", outcome="late", body=None))
        enqueue(session.connection(), [Job(account="default", name=TAKE_OVER, event_key=key)])
    for _ in range(3):
        wx.work()
        with wx.session() as session:
            session.execute(update(jobs).where(jobs.c.state == "waiting").values(run_at=0))

    assert states(wx) == [(TAKE_OVER, "dead")]
    with wx.session() as session:
        assert "no longer kept" in session.execute(select(jobs.c.detail)).scalar_one()


def test_replay_that_fails_again_says_so_and_tells_the_person_nothing(
    plugin: Plugin, make_wx: Callable[..., Wx]
) -> None:
    @plugin.scene("broken")
    def broken(scan: Scan) -> str:
        raise LookupError

    wx = make_wx()
    ailin = wx.user("ailin")
    ailin.scan("broken")
    with wx.session() as session:
        key = session.execute(select(events.c.key)).scalar_one()
    replay(wx.bot.engine, key.hex())
    wx.work()

    assert (states(wx), ailin.messages) == ([("wxbot.replay", "dead")], [])
    with wx.session() as session:
        assert "test.broken: LookupError" in session.execute(select(jobs.c.detail)).scalar_one()


def test_hung_handler_is_given_up_and_its_record_says_so(plugin: Plugin, make_wx: Callable[..., Wx]) -> None:
    for_ever = threading.Event()

    @plugin.scene("hung")
    def hung(scan: Scan, session: Session) -> str:
        session.execute(text("SELECT 1"))
        for_ever.wait(20)
        session.execute(text("SELECT 1"))
        return "太晚了"

    wx = make_wx(SOON)
    ailin = wx.user("ailin")
    first = ailin.scan("hung")
    (run,) = wx.bot.runs.watch._held
    run.began_at -= 1000

    wx.bot.runs.watch.look()
    for_ever.set()
    wx.wait()
    wx.work()

    assert ailin.redeliver().text == first.text
    assert ailin.messages == []
    with wx.session() as session:
        row = session.execute(select(events.c.state, events.c.detail)).one()
    assert tuple(row) == ("done", "hung")


def test_run_that_is_given_up_before_its_deadline_leaves_its_interim_text(
    plugin: Plugin, make_wx: Callable[..., Wx]
) -> None:
    begun, for_ever = threading.Event(), threading.Event()

    @plugin.scene("hung")
    def hung(scan: Scan, session: Session) -> str:
        begun.set()
        for_ever.wait(20)
        return "太晚了"

    wx = make_wx()
    ailin = wx.user("ailin")
    with ThreadPoolExecutor() as pool:
        said = pool.submit(ailin.scan, "hung")
        assert begun.wait(10)
        (run,) = wx.bot.runs.watch._held
        wx.bot.runs.give_up(run)
        for_ever.set()

        assert said.result().text.startswith("正在为您处理")
    assert ailin.redeliver().text == said.result().text
    wx.work()
    assert ailin.messages == []


def test_handler_that_hangs_again_and_again_is_left_out(plugin: Plugin, make_wx: Callable[..., Wx]) -> None:
    begun, for_ever = threading.Event(), threading.Event()
    plugin.scene("hung")(lambda scan: begun.set() or (for_ever.wait(60) and ""))
    wx = make_wx({"callback": {"deadline_seconds": 0.1}})
    wx.bot.runs.breaker._now = lambda: 0.0  # four that ran for half a second would be enough
    wait_for_handler(wx, begun)

    hung = []
    for number in range(5):
        begun.clear()
        hung.append(wx.user(f"bo {number}").scan("hung").text)
    wx.bot.runs._deadline_seconds = 30.0
    left_out = [wx.user(f"bo {number}").scan("hung").text for number in range(5, 8)]
    for_ever.set()

    assert all(each.startswith("正在为您处理") for each in hung)
    assert all(each.startswith("抱歉") for each in left_out)
    assert wx.runs("test.<lambda>") == 5
