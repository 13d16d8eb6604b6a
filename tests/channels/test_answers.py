"""What is said when a channel's code is scanned, and who answers where a handler would too."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from wxbot import Article, Channel, Image, News, Plugin, Scan, Text
from wxbot.db.models import events
from wxbot.testing import Wx

Make = Callable[..., Channel]


def outcome(wx: Wx) -> tuple[str, str]:
    """Return outcome and handler of the last event."""
    query = select(events.c.outcome, events.c.handler).order_by(events.c.created_at.desc())
    with wx.session() as session:
        row = session.execute(query).first()
    assert row is not None
    return row[0], row[1]


def test_channel_answers_a_scan_that_no_handler_takes(wx: Wx, make: Make) -> None:
    make("shop-1", reply=Text("欢迎光临一号店"))
    ailin = wx.user("ailin")

    ailin.scan("shop-1")

    assert ailin.last_reply.text == "欢迎光临一号店"
    assert outcome(wx) == ("handled", "channels.shop-1")


def test_new_followers_read_a_reply_of_their_own(wx: Wx, make: Make) -> None:
    make("shop-1", reply=Text("又见面了"), reply_new=Text("初次见面"))
    ailin, bo = wx.user("ailin"), wx.user("bo", follows=False)

    assert ailin.scan("shop-1").text == "又见面了"
    assert bo.scan("shop-1").text == "初次见面"
    assert bo.scan("shop-1").text == "又见面了"
    bo.unfollow()
    assert bo.scan("shop-1").text == "又见面了"


def test_new_followers_read_the_reply_of_all_without_one_of_their_own(wx: Wx, make: Make) -> None:
    make("shop-1", reply=Text("欢迎"))

    assert wx.user("bo", follows=False).scan("shop-1").text == "欢迎"


def test_reply_may_be_an_image_or_news(wx: Wx, make: Make) -> None:
    articles = [Article("一", url="https://shop.example.com/1"), Article("二")]
    make("shop-1", reply=Image("media-1"), reply_new=News(articles))
    ailin, bo = wx.user("ailin"), wx.user("bo", follows=False)

    assert ailin.scan("shop-1").media_id == "media-1"
    assert [each.title for each in bo.scan("shop-1").articles] == ["一", "二"]


def test_number_scene_belongs_to_its_channel(wx: Wx, make: Make) -> None:
    make("shop-1", scene="1001", reply=Text("一号店"))

    assert wx.user("ailin").scan(1001).text == "一号店"


def test_repeat_gets_the_same_reply_though_the_channel_has_changed(wx: Wx, make: Make) -> None:
    make("shop-1", reply=Text("早"))
    ailin = wx.user("ailin")
    ailin.scan("shop-1")

    wx.bot.channels.book.change("default", "shop-1", {"reply": Text("晚")})

    assert (ailin.redeliver().text, ailin.last_reply.is_repeat) == ("早", True)
    assert ailin.scan("shop-1").text == "晚"


def test_channel_answers_between_its_start_and_its_end_only(wx: Wx, make: Make) -> None:
    now = wx.world.clock.seconds()
    make("shop-1", reply=Text("促销中"), starts_at=now + 1000, ends_at=now + 2000)
    ailin = wx.user("ailin")
    said = []

    for seconds in (0, 1000, 1000):
        wx.world.clock.offset_seconds += seconds
        said.append(ailin.scan("shop-1").text == "促销中")

    assert said == [False, True, False]
    assert outcome(wx) == ("unmatched", "")


def test_archived_channel_answers_no_more_until_it_is_restored(wx: Wx, make: Make) -> None:
    make("shop-1", reply=Text("欢迎"))
    ailin, book = wx.user("ailin"), wx.bot.channels.book

    book.archive("default", "shop-1")
    assert ailin.scan("shop-1").text != "欢迎"
    book.restore("default", "shop-1")
    assert ailin.scan("shop-1").text == "欢迎"


class TestBesideHandlers:
    """A handler's own rule wins, a channel comes before fallbacks."""

    @pytest.fixture
    def wx_plugins(self) -> list[Plugin]:
        """Mount a rule that takes some channels' scenes, and a fallback."""
        plugin = Plugin("shops")

        @plugin.scene("shop-<int:number>")
        def shop(scan: Scan, number: int, channel: Channel | None) -> str:
            return f"{number}: {channel.title if channel else '没有渠道'}"

        @plugin.fallback
        def rest(scan: Scan, channel: Channel | None) -> str:
            return f"其他: {channel.title if channel else '没有渠道'}"

        @plugin.text("渠道")
        def text(message: Any, channel: Channel | None) -> str:
            return "没有渠道" if channel is None else "有渠道"

        return [plugin]

    def test_rule_of_a_handler_wins_and_is_lent_the_channel(self, wx: Wx, make: Make) -> None:
        make("shop-1", title="一号店", reply=Text("欢迎"))
        ailin = wx.user("ailin")

        assert ailin.scan("shop-1").text == "1: 一号店"
        assert outcome(wx) == ("handled", "shops.shop")
        assert ailin.scan("shop-2").text == "2: 没有渠道"

    def test_channel_comes_before_the_fallback(self, wx: Wx, make: Make) -> None:
        make("window", reply=Text("橱窗"))

        assert wx.user("ailin").scan("window").text == "橱窗"
        assert outcome(wx) == ("handled", "channels.window")

    def test_channel_without_a_reply_leaves_the_answer_to_the_fallback(self, wx: Wx, make: Make) -> None:
        make("window", title="橱窗", reply_new=Text("新朋友"))

        assert wx.user("ailin").scan("window").text == "其他: 橱窗"
        assert wx.user("bo", follows=False).scan("window").text == "新朋友"

    def test_other_events_have_no_channel(self, wx: Wx, make: Make) -> None:
        make("window", reply=Text("橱窗"))

        assert wx.user("ailin").say("渠道").text == "没有渠道"
