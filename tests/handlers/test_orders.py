"""The shipped order lookup with a signed scene."""

from wxbot.testing import Wx


def test_signed_code_shows_the_order(wx: Wx) -> None:
    reply = wx.user("ailin").scan(wx.mint("orders.show", order_id="1001"))

    assert reply.kind == "news"
    assert reply.articles[0].title == "示例小店 · 订单 1001"
    assert "等待发货" in reply.articles[0].description


def test_deleted_order_gets_its_own_text(wx: Wx) -> None:
    reply = wx.user("ailin").scan(wx.mint("orders.show", order_id="9999"))

    assert reply.text.startswith("没有找到这笔订单")


def test_guessed_order_is_not_shown(wx: Wx) -> None:
    genuine = wx.scene_for("orders.show", order_id="1002")
    forged = genuine.replace("1002", "1001")

    replies = [wx.user(name).scan(scene) for name, scene in (("ailin", forged), ("bo", "ord:1001"))]

    assert [reply.text[:11] for reply in replies] == ["这个订单二维码无效。请"] * 2
    assert wx.runs("orders.show") == 0
