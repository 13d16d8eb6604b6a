"""The shipped poster with a captured number."""

from wxbot.testing import Wx


def test_poster_knows_its_number(wx: Wx) -> None:
    code = wx.mint("poster.seen", number=7)

    reply = wx.user("bo", follows=False).scan(code)

    assert code.scene == "poster:7"
    assert reply.text.startswith("谢谢关注！您扫的是 7 号海报")
