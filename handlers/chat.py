"""Answers what people write: a word, and a pattern."""

import re

from wxbot import Plugin, TextMessage

chat = Plugin("chat")

_SHOPS = {"上海": "上海店：徐汇区宛平南路 75 号", "杭州": "杭州店：西湖区文三路 90 号"}


@chat.text("帮助")
@chat.text("help")
def show_help(message: TextMessage) -> str:
    """Tell what can be written."""
    return "您可以：\n· 扫描海报或订单上的二维码\n· 发送“上海门店”，查询门店地址\n· 点击菜单，查看营业时间"


@chat.text(re.compile(r"(?P<city>\w{2,8}?)的?(门店|地址)"))
def shop(message: TextMessage, city: str) -> str:
    """Tell where the shop of a city is."""
    return _SHOPS.get(city, f"{city}暂时还没有门店。现有门店：{'、'.join(_SHOPS)}。")


@chat.message("text")
def anything_else(message: TextMessage) -> str:
    """Answer every other text."""
    return "收到！这句话我还看不懂，回复“帮助”可以看看我会什么。"
