"""WeChat's tags on people who scanned: made when missing, put once, and what WeChat refuses."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from wxbot import Channel, Text
from wxbot.channels.tagging import TAG
from wxbot.db.business import follower_tags, wechat_tags
from wxbot.db.models import jobs
from wxbot.db.statements import database_now
from wxbot.emulator.rules import Rules, Trouble
from wxbot.testing import Wx

Make = Callable[..., Channel]


def tags_of(wx: Wx, user: Any) -> set[str]:
    """Return what tags WeChat has put on a person, by name."""
    return {wx.world.tags[each] for each in wx.world.tags_of[user.openid]}


def calls(wx: Wx, path: str) -> int:
    """Return how often a path of WeChat's API was called."""
    return len(wx.world.ledger.calls(path))


def noted(wx: Wx) -> list[str]:
    """Return the tags that are noted on people."""
    with wx.bot.engine.connect() as connection:
        return list(connection.scalars(select(follower_tags.c.tag).order_by(follower_tags.c.tag)))


def tag_jobs(wx: Wx) -> list[tuple[str, str]]:
    """Return state and detail of the jobs that tag."""
    with wx.bot.engine.connect() as connection:
        found = connection.execute(select(jobs.c.state, jobs.c.detail).where(jobs.c.name == TAG))
        return [(row.state, row.detail) for row in found]


def make_due(wx: Wx) -> None:
    """Let what waits be done now."""
    with wx.bot.engine.begin() as connection:
        waiting = update(jobs).where(jobs.c.state == "waiting")
        connection.execute(waiting.values(run_at=database_now() - 1))


@pytest.fixture
def shop(make: Make) -> Channel:
    """Return a channel with a tag."""
    return make("shop-1", reply=Text("欢迎"), tag="一号店")


def test_person_who_scans_gets_the_tag(wx: Wx, shop: Channel) -> None:
    ailin, bo = wx.user("ailin"), wx.user("bo", follows=False)

    ailin.scan("shop-1")
    bo.scan("shop-1")
    wx.work()

    assert tags_of(wx, ailin) == tags_of(wx, bo) == {"一号店"}
    assert noted(wx) == ["一号店", "一号店"]
    assert (calls(wx, "tags/create"), calls(wx, "tags/get")) == (1, 1)


def test_person_who_has_the_tag_is_not_tagged_again_at_once(wx: Wx, shop: Channel) -> None:
    ailin = wx.user("ailin")
    ailin.scan("shop-1")
    wx.work()

    ailin.scan("shop-1")
    wx.work()

    assert calls(wx, "tags/members/batchtagging") == 1


def test_person_is_tagged_again_a_day_later(wx: Wx, shop: Channel) -> None:
    ailin = wx.user("ailin")
    ailin.scan("shop-1")
    wx.work()
    with wx.bot.engine.begin() as connection:
        connection.execute(update(follower_tags).values(tagged_at=follower_tags.c.tagged_at - 86_400))
    wx.world.tags_of[ailin.openid].clear()

    ailin.scan("shop-1")
    wx.work()

    assert tags_of(wx, ailin) == {"一号店"}


def test_person_who_comes_back_is_tagged_again(wx: Wx, shop: Channel) -> None:
    bo = wx.user("bo", follows=False)
    bo.scan("shop-1")
    wx.work()
    wx.world.rules = Rules(tags_survive_unfollow=False)
    bo.unfollow()

    bo.scan("shop-1")
    wx.work()

    assert tags_of(wx, bo) == {"一号店"}


def test_person_who_has_left_is_not_tagged(wx: Wx, shop: Channel) -> None:
    bo = wx.user("bo", follows=False)
    bo.scan("shop-1")
    bo.unfollow()

    wx.work()

    assert calls(wx, "tags/members/batchtagging") == 0
    assert noted(wx) == []


def test_tag_that_is_there_already_is_used(wx: Wx, shop: Channel) -> None:
    made = wx.api.create_tag("一号店")

    wx.user("ailin").scan("shop-1")
    wx.work()

    assert calls(wx, "tags/create") == 1
    assert wx.world.members_of(made.tag_id)


def test_tag_that_was_deleted_is_made_again(wx: Wx, shop: Channel) -> None:
    ailin, bo = wx.user("ailin"), wx.user("bo")
    ailin.scan("shop-1")
    wx.work()
    with wx.bot.engine.connect() as connection:
        number = connection.execute(select(wechat_tags.c.number)).scalar_one()
    wx.api.delete_tag(number)

    bo.scan("shop-1")
    wx.work()
    # With the tag everybody has lost it, and is due again.
    ailin.scan("shop-1")
    wx.work()

    assert tags_of(wx, ailin) == tags_of(wx, bo) == {"一号店"}
    with wx.bot.engine.connect() as connection:
        assert connection.execute(select(wechat_tags.c.number)).scalar_one() != number


def test_tag_of_wechats_own_is_not_used(wx: Wx, make: Make) -> None:
    make("shop-1", reply=Text("欢迎"), tag="星标组")

    wx.user("ailin").scan("shop-1")
    wx.work()

    assert [(state, "WeChat's own" in detail) for state, detail in tag_jobs(wx)] == [("waiting", True)]
    assert calls(wx, "tags/members/batchtagging") == 0


@pytest.mark.parametrize("errcode", [40003, 43004, 45059, 49003, 50002, 50005])
def test_person_who_cannot_be_tagged_is_passed_over(wx: Wx, shop: Channel, errcode: int) -> None:
    wx.world.trouble = Trouble(api_faults=(f"tags/members/batchtagging={errcode}",))
    wx.user("ailin").scan("shop-1")

    wx.work()

    ((state, detail),) = tag_jobs(wx)
    assert state == "done" and detail
    assert noted(wx) == []


@pytest.mark.parametrize("errcode", [45056, 45157, 45158, 48001, 45009])
def test_tag_that_cannot_be_made_is_tried_later_for_all_people_at_once(
    wx: Wx, shop: Channel, errcode: int
) -> None:
    people = [wx.user(name) for name in ("ailin", "bo", "chen")]
    wx.world.trouble = Trouble(api_faults=(f"tags/create={errcode}",))
    for each in people:
        each.scan("shop-1")
    wx.work()
    tried, waiting = calls(wx, "tags/create"), [state for state, _ in tag_jobs(wx)]

    wx.world.trouble = Trouble()
    wx.world.clock.offset_seconds += 86_400  # a quota begins anew
    make_due(wx)
    wx.work()

    assert (tried, waiting) == (1, ["waiting"] * 3)
    assert [tags_of(wx, each) for each in people] == [{"一号店"}] * 3


@pytest.mark.parametrize("fault", ["45169", "45171", "-1", "lost", "500"])
def test_tag_that_could_not_be_put_is_put_a_moment_later(wx: Wx, shop: Channel, fault: str) -> None:
    ailin = wx.user("ailin")
    ailin.scan("shop-1")
    wx.world.trouble = Trouble(api_faults=(f"tags/members/batchtagging={fault}",))
    wx.work()
    before = noted(wx)

    wx.world.trouble = Trouble()
    make_due(wx)
    wx.work()

    assert (before, noted(wx), tags_of(wx, ailin)) == ([], ["一号店"], {"一号店"})
    assert [state for state, _ in tag_jobs(wx)] == ["done"]


def test_tag_that_could_not_be_put_for_a_week_is_given_up(wx: Wx, shop: Channel) -> None:
    wx.user("ailin").scan("shop-1")
    wx.world.trouble = Trouble(api_faults=("tags/create=45056",))
    wx.work()

    with wx.bot.engine.begin() as connection:
        connection.execute(update(jobs).values(expires_at=jobs.c.expires_at - 8 * 86_400))
    make_due(wx)
    wx.work()

    assert [state for state, _ in tag_jobs(wx)] == ["dead"]


def test_two_workers_that_make_the_same_tag_agree(wx: Wx, shop: Channel) -> None:
    """The other one makes it between our look and our call."""
    client = wx.api
    real, others = client.create_tag, []

    def create_second(name: str) -> Any:
        others.append(real(name))
        return real(name)

    client.create_tag = create_second  # type: ignore[method-assign]
    ailin = wx.user("ailin")
    ailin.scan("shop-1")
    wx.work()

    assert tags_of(wx, ailin) == {"一号店"}
    assert [each.name for each in wx.api.tags()].count("一号店") == 1


def test_channel_whose_tag_changed_puts_the_new_one(wx: Wx, shop: Channel) -> None:
    ailin = wx.user("ailin")
    ailin.scan("shop-1")
    wx.work()

    wx.bot.channels.book.change("default", "shop-1", {"tag": "老店"})
    ailin.scan("shop-1")
    wx.work()

    assert tags_of(wx, ailin) == {"一号店", "老店"}
