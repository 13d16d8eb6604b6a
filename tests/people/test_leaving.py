"""Who unfollows: what goes, what stays, and what somebody does who comes back before it was noted."""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, update

from wxbot.analytics.counting import Counting
from wxbot.analytics.figures import Period
from wxbot.bindings.claim import Offer
from wxbot.db.business import bindings as binding_rows
from wxbot.db.business import channel_people, claim_steps, claims, follower_tags
from wxbot.db.models import events, followers, jobs
from wxbot.followers import State, person
from wxbot.people import forgetting, profiles
from wxbot.people.leaving import REMEMBERED_SECONDS
from wxbot.people.places import of_account
from wxbot.testing import Wx
from wxbot.testing.actors import User
from wxbot.working import build_worker

Find = Callable[[Engine, str | bytes], list[str]]


@pytest.fixture(params=["pseudonymise", "erase"])
def on_unfollow(request: pytest.FixtureRequest) -> str:
    """Return what the setting says; a test may have it said something else."""
    return str(request.param)


@pytest.fixture
def wx_settings(on_unfollow: str) -> Mapping[str, Any]:
    """Let the setting say so, and jobs fail for good at once."""
    return {"privacy": {"on_unfollow": on_unfollow}, "jobs": {"attempts": 1}}


def busy(wx: Wx, name: str = "chen") -> User:
    """Return somebody who has done everything that leaves a trace."""
    chen = wx.user(name)
    claim = wx.bot.claims.make(Offer(account="default", purpose="order", subject=name))
    for scene in (f"bind:{name}", claim.scene, "broken", "later", "told"):
        chen.scan(scene)
    who = person("default", chen.openid)
    wx.bot.outage.keep_malformed("default", body=f"<xml>{chen.openid}".encode(), reason="torn")
    with wx.session() as session:
        row = {"account": "default", "person": who}
        session.execute(insert(follower_tags).values(**row, tag="vip", tagged_at=1))
        times = {"first_at": 1, "last_at": 1, "scans": 1, "is_new": True}
        session.execute(insert(channel_people).values(**row, channel="door", **times))
        kept = {"id": who, "account": "default", "name": "wxbot.message", "arguments": '{"replies": []}'}
        counts = {"attempts": 1, "run_at": 1, "created_at": 1, "finished_at": 1}
        session.execute(insert(jobs).values(**kept, person=who, state="kept", **counts))
        session.execute(update(followers).where(followers.c.person == who).values(kept_messages=1))
    wx.work()
    return chen


def rows(wx: Wx, table: Any) -> list[Any]:
    with wx.session() as session:
        return list(session.execute(select(table)).mappings())


def test_openid_is_nowhere_after_an_unfollow(wx: Wx, find: Find) -> None:
    chen = busy(wx)
    assert {place.partition(".")[0] for place in find(wx.bot.engine, chen.openid)} == {
        "bindings",
        "claims",
        "events",
        "followers",
        "jobs",
    }

    chen.unfollow()
    wx.work()

    # What a handler made of it stands in the reply that a repeat would get.
    assert find(wx.bot.engine, chen.openid) == ["events.reply"]
    assert wx.bot.bindings.of_user("default", "chen") == []
    assert [job["state"] for job in rows(wx, jobs) if job["state"] in ("kept", "waiting", "running")] == []


@pytest.mark.parametrize("on_unfollow", ["pseudonymise"])
def test_pseudonym_keeps_what_somebody_did(wx: Wx) -> None:
    chen = busy(wx)
    who = person("default", chen.openid)

    chen.unfollow()
    wx.work()

    [binding], [claim], [follower] = rows(wx, binding_rows), rows(wx, claims), rows(wx, followers)
    assert (binding["person"], binding["ended_by"]) == (who, "unfollow")
    assert (claim["person"], claim["state"], follower["kept_messages"]) == (who, "claimed", 0)
    assert len(rows(wx, follower_tags)) == len(rows(wx, channel_people)) == 1


@pytest.mark.parametrize("on_unfollow", ["erase"])
def test_erasing_leaves_counts_and_nobody(wx: Wx, find: Find) -> None:
    chen = busy(wx)
    who = person("default", chen.openid)

    chen.unfollow()
    wx.work()

    # The job is the one that did it; a day later neither is left.
    assert sorted(set(find(wx.bot.engine, who))) == ["events.person", "followers.person", "jobs.person"]
    assert rows(wx, binding_rows) == rows(wx, follower_tags) == []
    assert [(claim["state"], claim["person"]) for claim in rows(wx, claims)] == [("claimed", None)]
    assert {step["person"] for step in rows(wx, claim_steps)} == {None}
    [counted] = rows(wx, channel_people)
    assert counted["person"] != who
    [follower] = rows(wx, followers)
    assert (follower["first_scene"], follower["follows"]) == (None, 0)


@pytest.mark.parametrize("on_unfollow", ["erase"])
def test_erasing_is_complete_a_day_later(wx: Wx, find: Find) -> None:
    chen, bo = busy(wx), busy(wx, "bo")
    who = person("default", chen.openid)
    chen.unfollow()
    wx.work()
    before = len(rows(wx, events))
    days_ago(wx)

    assert wx.bot.leaving.sweep() == 1

    assert find(wx.bot.engine, who) == []
    assert find(wx.bot.engine, chen.openid) == ["events.reply"]
    people = {row["person"] for row in rows(wx, events) if row["kind"] != "malformed"}
    assert (len(rows(wx, events)), len(people)) == (before, 2)
    assert wx.bot.bindings.of_user("default", "bo")[0].openid == bo.openid
    assert wx.bot.leaving.sweep() == 0


def days_ago(wx: Wx) -> None:
    """Let everything have happened long ago."""
    past = 2 * REMEMBERED_SECONDS + wx.world.clock.offset_seconds
    with wx.session() as session:
        left = followers.c.unfollowed_at
        session.execute(update(followers).where(left.is_not(None)).values(unfollowed_at=left - past))
        session.execute(update(events).values(created_at=events.c.created_at - past))


@pytest.mark.parametrize("on_unfollow", ["erase"])
def test_figures_stay_when_somebody_who_left_is_erased(wx: Wx, find: Find) -> None:
    counting = Counting(wx.bot.engine, wx.bot.settings.analytics, rest=0)
    period = Period.days(2, wx.bot.figures.today())
    chen = wx.user("chen")
    chen.scan("broken")
    counting.count_all()
    chen.unfollow()
    wx.work()
    counting.count_all()  # what was done while they followed, and that they left, are one person's
    before = wx.bot.figures.totals("default", period)
    who = person("default", chen.openid)
    assert "figure_people.person" in find(wx.bot.engine, who)

    days_ago(wx)
    wx.bot.leaving.sweep()
    counting.count_all()

    assert find(wx.bot.engine, who) == []
    assert wx.bot.figures.totals("default", period) == before
    assert (before.scanners, before.unfollows, before.lost) == (1, 1, 1)


@pytest.mark.parametrize("on_unfollow", ["pseudonymise"])
def test_sweep_keeps_those_who_left_under_a_pseudonym(wx: Wx) -> None:
    busy(wx).unfollow()
    wx.work()
    days_ago(wx)

    assert wx.bot.leaving.sweep() == 0

    assert len(rows(wx, followers)) == 1


def test_who_is_back_before_it_was_noted_loses_nothing(wx: Wx) -> None:
    chen = busy(wx)
    chen.unfollow()

    chen.scan("bind:chen")
    wx.work()

    [binding] = wx.bot.bindings.of_user("default", "chen")
    [follower], [claim] = rows(wx, followers), rows(wx, claims)
    assert binding.openid == follower["openid"] == claim["openid"] == chen.openid


def test_who_comes_back_later_is_bound_anew(wx: Wx) -> None:
    chen = busy(wx)
    chen.unfollow()
    wx.work()

    assert chen.scan("bind:chen").text == "bound"

    wx.work()
    assert [each.openid for each in wx.bot.bindings.of_user("default", "chen")] == [chen.openid]


def test_unfollow_that_arrives_after_the_return_ends_nothing(wx: Wx) -> None:
    chen = busy(wx)
    wx.world.clock.offset_seconds += 60
    chen.push("subscribe")
    wx.world.clock.offset_seconds -= 30

    chen.push("unsubscribe")
    wx.work()
    wx.bot.leaving.sweep()

    assert len(wx.bot.bindings.of_user("default", "chen")) == 1


def test_what_was_bound_while_somebody_left_is_found_by_the_sweep(wx: Wx) -> None:
    chen = busy(wx)
    chen.unfollow()
    wx.work()
    wx.bot.bindings.bind("default", "slow", chen.openid)

    assert wx.bot.leaving.sweep() == 1

    assert wx.bot.bindings.of_user("default", "slow") == []
    assert wx.bot.leaving.sweep() == 0


def test_document_that_is_kept_afterwards_goes_with_the_sweep(wx: Wx, find: Find) -> None:
    chen = busy(wx)
    chen.unfollow()
    wx.work()
    with wx.session() as session:
        mine = events.c.person == person("default", chen.openid)
        session.execute(update(events).where(mine).values(body=chen.openid.encode()))

    wx.bot.leaving.sweep()

    assert find(wx.bot.engine, chen.openid) == ["events.reply"]


def test_job_that_ends_after_the_farewell_keeps_no_openid(wx: Wx, find: Find) -> None:
    chen = busy(wx)
    chen.unfollow()
    wx.work()
    with wx.session() as session:
        job = {"id": b"j" * 16, "account": "default", "name": "shop.thank", "state": "done"}
        job |= {"person": person("default", chen.openid), "arguments": f'{{"openid": "{chen.openid}"}}'}
        session.execute(insert(jobs).values(**job, attempts=1, run_at=1, created_at=1, finished_at=1))

    wx.bot.leaving.sweep()

    assert find(wx.bot.engine, chen.openid) == ["events.reply"]


def test_person_who_never_followed_stays_bound(wx: Wx) -> None:
    wx.bot.bindings.bind("default", "web", "oWeb")

    assert wx.bot.leaving.sweep() == 0

    assert len(wx.bot.bindings.of_user("default", "web")) == 1


@pytest.mark.parametrize("on_unfollow", ["pseudonymise"])
@pytest.mark.parametrize("attempt", range(5))
def test_return_and_farewell_at_once_end_in_one_of_two_ways(wx: Wx, attempt: int) -> None:
    """Either the listener was first, and the scan binds anew; or it finds the person back."""
    chen = busy(wx)
    chen.unfollow()
    barrier = threading.Barrier(2)

    def work() -> None:
        barrier.wait()
        wx.work()

    worker = threading.Thread(target=work)
    worker.start()
    barrier.wait()
    text = chen.scan("bind:chen").text
    worker.join()
    wx.work()

    [binding] = wx.bot.bindings.of_user("default", "chen")
    assert binding.openid == chen.openid
    assert text in ("bound", "again")


def test_nobody_is_named_in_the_logs(wx: Wx, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    chen = busy(wx)

    chen.unfollow()
    wx.work()
    wx.bot.leaving.sweep()

    assert caplog.text
    assert chen.openid not in caplog.text


@pytest.mark.sqlite_only
def test_documents_are_found_without_reading_all_events(wx: Wx) -> None:
    query = "SELECT key FROM events WHERE person = x'00' AND body IS NOT NULL"
    with wx.bot.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all()

    assert "ix_events_documents" in plan[0][3]


def test_person_who_is_forgotten_leaves_nothing_anywhere(wx: Wx, find: Find) -> None:
    chen, bo = busy(wx), busy(wx, "bo")
    who = of_account("default", chen.openid)
    answered = chen.last_reply.text

    assert forgetting.forget(wx.bot.engine, who).left == {}

    assert [find(wx.bot.engine, each) for each in (chen.openid, who.person, who.person.hex())] == [[]] * 3
    assert find(wx.bot.engine, bo.openid)
    # WeChat may still repeat the last scan, and gets the same reply, as far as it does not name anybody.
    assert answered == f"You are {chen.openid}"
    assert chen.redeliver().text == "You are "


def test_worker_looks_after_those_who_left_by_itself(wx: Wx) -> None:
    chen = busy(wx)
    chen.unfollow()
    wx.work()
    wx.bot.bindings.bind("default", "slow", chen.openid)

    build_worker(wx.bot).run_schedules()

    assert wx.bot.bindings.of_user("default", "slow") == []


# What WeChat tells of people who need not follow, or of itself.
OF_ANYBODY = (
    "TEMPLATESENDJOBFINISH",
    "MASSSENDJOBFINISH",
    "subscribe_msg_popup_event",
    "subscribe_msg_change_event",
    "subscribe_msg_sent_event",
    "kf_create_session",
    "kf_close_session",
    "kf_switch_session",
    "annual_renew",
    "user_authorization_revoke",
    "an_event_of_tomorrow",
)


@pytest.mark.parametrize("is_noted", [False, True], ids=["before the job", "after the job"])
@pytest.mark.parametrize("seconds", [0, 1])
def test_what_is_told_of_anybody_brings_nobody_back(wx: Wx, find: Find, seconds: int, is_noted: bool) -> None:
    chen = busy(wx)
    chen.unfollow()
    if is_noted:
        wx.work()

    for name in OF_ANYBODY:
        # The actor lets a second pass before each gesture.
        wx.world.clock.offset_seconds += seconds - 1
        chen.push(name)
    wx.work()
    wx.bot.leaving.sweep()

    assert find(wx.bot.engine, chen.openid) == ["events.reply"]
    assert wx.bot.bindings.of_user("default", "chen") == []
    assert profiles.counts(wx.bot.engine, "default")[State.LEFT] == 1
