"""Looks an order up. The scene is signed, so nobody can reach another's order by trying numbers."""

from collections.abc import Mapping

from pydantic import BaseModel

from wxbot import Article, News, Plugin, Scan, Text


class OrdersConfig(BaseModel):
    """The section [plugins.orders]."""

    shop_name: str = "示例小店"
    order_url: str = "https://shop.example.com/orders/"


class OrderGone(Exception):
    """The order that a genuine code stands for does not exist any more."""


orders = Plugin("orders", prefix="ord:", config=OrdersConfig)


@orders.provide("catalogue")
def catalogue() -> Mapping[str, str]:
    """Return the orders by number. Put your own shop's lookup here."""
    return {"1001": "牛皮笔记本 × 1，已付款，等待发货", "1002": "绘图铅笔 × 12，已发货"}


@orders.scene("<signed:order_id>")
def show(scan: Scan, order_id: str, catalogue: Mapping[str, str], config: OrdersConfig) -> News:
    """Answer with the order's state and a link to it."""
    if order_id not in catalogue:
        raise OrderGone
    return News(
        [
            Article(
                f"{config.shop_name} · 订单 {order_id}",
                description=catalogue[order_id],
                url=f"{config.order_url}{order_id}",
            )
        ]
    )


@orders.errorhandler(OrderGone)
def gone(scan: Scan, error: OrderGone) -> Text:
    """Answer for an order that was deleted after its code was printed."""
    return Text("没有找到这笔订单，可能已经取消。需要帮忙的话，直接在这里留言即可。")


@orders.fallback
def forged(scan: Scan) -> str:
    """Answer codes that look like an order's and are not ours."""
    return "这个订单二维码无效。请打开订单页面，重新扫描上面的二维码。"
