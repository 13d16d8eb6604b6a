"""The shipped text answers."""

import pytest

from wxbot.testing import Wx


@pytest.mark.parametrize("text", ["帮助", " help "])
def test_help_is_answered(wx: Wx, text: str) -> None:
    assert wx.user("ailin").say(text).text.startswith("您可以")


@pytest.mark.parametrize("text", ["上海门店", "上海的地址"])
def test_pattern_captures_the_city(wx: Wx, text: str) -> None:
    assert wx.user("ailin").say(text).text.startswith("上海店")


def test_pattern_answers_for_an_unknown_city(wx: Wx) -> None:
    assert "杭州" in wx.user("ailin").say("拉萨门店").text


def test_other_texts_are_led_to_the_help(wx: Wx) -> None:
    assert "帮助" in wx.user("ailin").say("你们卖咖啡吗").text
