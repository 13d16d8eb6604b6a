"""The shipped menu click."""

from pathlib import Path

from wxbot.testing import Wx
from wxbot.wechat import menus


def test_menu_click_is_answered(wx: Wx) -> None:
    assert wx.user("ailin").tap("营业时间").text.startswith("营业时间")


def test_shipped_menu_leads_to_shipped_handlers(wx: Wx) -> None:
    file = Path(__file__).parents[2] / "handlers" / "menu.toml"
    menu = menus.read_menu(file.read_text(encoding="utf-8"), is_json=False)

    keys = {each.key for each in menus.keys(menu)}
    assert keys == set(wx.bot.registry.clicks("default"))
    assert menus.clipped_names(menu) == []
