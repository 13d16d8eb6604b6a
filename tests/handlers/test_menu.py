"""The shipped menu click."""

from wxbot.testing import Wx


def test_menu_click_is_answered(wx: Wx) -> None:
    assert wx.user("ailin").tap("营业时间").text.startswith("营业时间")
