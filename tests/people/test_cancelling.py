"""Whose account at WeChat is gone, as a service of WeChat's tells: forgotten like who unfollows."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sqlalchemy import Engine, select

from tests.people.test_leaving import busy, days_ago
from wxbot.db.models import events, followers, jobs
from wxbot.followers import person
from wxbot.testing import Wx
from wxbot.testing.actors import Said

Find = Callable[[Engine, str | bytes], list[str]]

CANCELLATION = "user_authorization_cancellation"


@pytest.fixture(params=["pseudonymise", "erase"])
def on_unfollow(request: pytest.FixtureRequest) -> str:
    """Return what the setting says; a test may have it said something else."""
    return str(request.param)


@pytest.fixture
def wx_settings(on_unfollow: str) -> Mapping[str, Any]:
    """Let the setting say so, and jobs fail for good at once."""
    return {"privacy": {"on_unfollow": on_unfollow}, "jobs": {"attempts": 1}}


def told(wx: Wx, event: str, openid: str) -> Said:
    """Let WeChat's service push an event about somebody."""
    return wx.user("wxpush").push(event, OpenID=openid, AppID="wx1", RevokeInfo="205")


def test_openid_is_nowhere_after_a_cancellation(wx: Wx, find: Find) -> None:
    chen, bo = busy(wx), busy(wx, "bo")

    told(wx, CANCELLATION, chen.openid)
    # Its own handler has failed, so that its document was kept.
    assert "events.body" in find(wx.bot.engine, chen.openid)
    wx.work()

    # What a handler made of it stands in the reply that a repeat would get.
    assert find(wx.bot.engine, chen.openid) == ["events.reply"]
    assert wx.bot.bindings.of_user("default", "chen") == []
    [binding] = wx.bot.bindings.of_user("default", "bo")
    assert binding.openid == bo.openid


def test_cancellation_is_heard_once_however_often_it_is_delivered(wx: Wx) -> None:
    chen, service = busy(wx), wx.user("wxpush")
    service.push(CANCELLATION, OpenID=chen.openid)
    wx.work()
    chen.scan("bind:chen")  # as if they were back

    service.redeliver()
    wx.work()

    [binding] = wx.bot.bindings.of_user("default", "chen")
    assert binding.openid == chen.openid
    with wx.session() as session:
        [key] = session.scalars(select(events.c.key).where(events.c.kind == CANCELLATION))
        assert len(session.scalars(select(jobs.c.id).where(jobs.c.event_key == key)).all()) == 1


@pytest.mark.parametrize("on_unfollow", ["erase"])
def test_nothing_is_left_a_day_after_a_cancellation(wx: Wx, find: Find) -> None:
    chen = busy(wx)
    told(wx, CANCELLATION, chen.openid)
    wx.work()
    days_ago(wx)

    assert wx.bot.leaving.sweep() == 1

    assert find(wx.bot.engine, person("default", chen.openid)) == []


def test_person_who_never_followed_is_forgotten_as_well(wx: Wx, find: Find) -> None:
    wx.bot.bindings.bind("default", "web", "oWeb")

    told(wx, CANCELLATION, "oWeb")
    wx.work()

    assert wx.bot.bindings.of_user("default", "web") == []
    assert find(wx.bot.engine, "oWeb") == []


def test_cancellation_from_before_a_follow_ends_nothing(wx: Wx) -> None:
    chen = busy(wx)
    wx.world.clock.offset_seconds += 60
    chen.push("subscribe")
    wx.world.clock.offset_seconds -= 30

    told(wx, CANCELLATION, chen.openid)
    wx.work()
    wx.bot.leaving.sweep()

    assert len(wx.bot.bindings.of_user("default", "chen")) == 1


@pytest.mark.parametrize("event", ["user_authorization_revoke", "user_info_modified"])
def test_withdrawn_information_is_for_handlers_alone(wx: Wx, event: str) -> None:
    chen = busy(wx)

    told(wx, event, chen.openid)
    wx.work()

    [binding] = wx.bot.bindings.of_user("default", "chen")
    with wx.session() as session:
        known = session.scalars(select(followers.c.openid)).all()
    assert binding.openid == chen.openid
    assert known == [chen.openid]  # and not the service, which follows nobody


def test_cancellation_that_names_nobody_forgets_nobody(wx: Wx) -> None:
    busy(wx)

    told(wx, CANCELLATION, "")
    wx.work()

    assert len(wx.bot.bindings.of_user("default", "chen")) == 1


@pytest.mark.parametrize("event", ["user_authorization_revoke", "user_info_modified"])
def test_document_about_somebody_goes_when_they_unfollow(wx: Wx, find: Find, event: str) -> None:
    chen = busy(wx)
    told(wx, event, chen.openid)  # its handler fails

    chen.unfollow()
    wx.work()

    assert find(wx.bot.engine, chen.openid) == ["events.reply"]


def test_document_about_somebody_goes_with_the_sweep_that_is_kept_later(wx: Wx, find: Find) -> None:
    chen = busy(wx)
    chen.unfollow()
    wx.work()

    told(wx, "user_authorization_revoke", chen.openid)
    wx.bot.leaving.sweep()

    assert find(wx.bot.engine, chen.openid) == ["events.reply"]


def test_job_about_somebody_whose_account_is_gone_keeps_no_openid(wx: Wx, find: Find) -> None:
    wx.user("wxpush").push(CANCELLATION, OpenID="oWeb")

    wx.work()
    with wx.session() as session:
        states = set(session.scalars(select(jobs.c.state).where(jobs.c.name == "privacy.wipe")).all())
    assert states <= {"done"}  # with `erase` it is gone
    wx.bot.leaving.sweep()

    assert find(wx.bot.engine, "oWeb") == []


@pytest.mark.parametrize("on_unfollow", ["erase"])
def test_nothing_about_somebody_is_left_a_day_after_they_unfollowed(wx: Wx, find: Find) -> None:
    chen = busy(wx)
    told(wx, "user_authorization_revoke", chen.openid)
    chen.unfollow()
    wx.work()
    days_ago(wx)

    wx.bot.leaving.sweep()

    assert find(wx.bot.engine, person("default", chen.openid)) == []
