"""Answers the menu: a button of the type `click`. WeChat sends its key; here the key reads like a label."""

from wxbot import Click, Plugin

menu = Plugin("menu")


@menu.click("营业时间")
def opening_hours(click: Click) -> str:
    """Tell when the shop is open."""
    return "营业时间：每天 9:00–21:00，节假日照常。"
