"""The shipped welcome."""

from wxbot.testing import Wx


def test_stranger_and_follower_reach_the_same_handler(wx: Wx) -> None:
    ailin, bo = wx.user("ailin"), wx.user("bo", follows=False)

    ailin.scan("vip")
    bo.scan("vip")

    assert ailin.last_reply.text == "会员您好，欢迎再次光临！"
    assert bo.last_reply.text.startswith("欢迎加入会员")
    assert wx.runs("welcome.vip") == 2


def test_returning_follower_is_recognised(wx: Wx) -> None:
    chen = wx.user("chen", follows=False)

    first = chen.follow()
    chen.unfollow()
    again = chen.follow()

    assert first.text.startswith("欢迎关注")
    assert again.text.startswith("欢迎回来")


def test_unknown_code_gets_the_fallback(wx: Wx) -> None:
    assert wx.user("ailin").scan("an-old-print").text.startswith("这个二维码已经停用了")
