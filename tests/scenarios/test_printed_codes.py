"""A code that was printed years ago still works; a forged one never does."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.services import fresh_database_url
from wxbot import Plugin, Scan
from wxbot.testing import Wx

OLD, NEW = "the key that was used for the first print", "the key that came after the first one"


@pytest.fixture
def bot(tmp_path: Path) -> Callable[..., Wx]:
    """Return a function that makes the order bot with these keys."""

    def make(**settings: Any) -> Wx:
        plugin = Plugin("orders", prefix="ord:")

        @plugin.scene("<signed:order_id>")
        def bind(scan: Scan, order_id: str) -> str:
            return f"订单 {order_id} 已绑定"

        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        return Wx(folder, plugins=[plugin], overrides=settings, database_url=fresh_database_url(folder))

    return make


def test_signed_code_survives_a_change_of_the_key(bot: Callable[..., Wx]) -> None:
    before = bot(secret_key=OLD)
    printed = before.scene_for("orders.bind", order_id="42")
    after = bot(secret_key=NEW, secret_key_fallbacks=[OLD])
    without = bot(secret_key=NEW)

    said = [wx.user("ailin").scan(printed).text for wx in (before, after, without)]

    assert said[:2] == ["订单 42 已绑定"] * 2
    assert said[2].startswith("抱歉")
    assert after.scene_for("orders.bind", order_id="42") != printed
    for wx in (before, after, without):
        wx.close()


def test_key_changes_in_two_steps_without_a_code_that_somebody_cannot_read(bot: Callable[..., Wx]) -> None:
    """While one step is under way, processes of the step before and of this one run side by side."""
    steps = [
        bot(secret_key=OLD),
        bot(secret_key=OLD, secret_key_fallbacks=[NEW]),
        bot(secret_key=NEW, secret_key_fallbacks=[OLD]),
    ]

    both_ways = [*pairwise(steps), *pairwise(reversed(steps))]
    for number, (here, there) in enumerate(both_ways):
        minted = here.scene_for("orders.bind", order_id="42")
        assert there.user(f"person {number}").scan(minted).text == "订单 42 已绑定"
    for wx in steps:
        wx.close()


def test_forged_code_never_works(bot: Callable[..., Wx]) -> None:
    wx = bot(secret_key=NEW, secret_key_fallbacks=[OLD])
    genuine = wx.scene_for("orders.bind", order_id="42")
    head, mac = genuine.rsplit(".", 1)
    flipped = "B" if mac[0] == "A" else "A"
    forged = [
        f"ord:43.{mac}",
        f"{head}.{flipped}{mac[1:]}",
        f"{head}.{mac[:-1]}",
        f"{head}.{mac.swapcase()}",
        head,
        f"{head}.",
        genuine.removeprefix("ord:"),
        genuine.replace("ord:", "ORD:"),
    ]

    for scene in forged:
        assert wx.user(scene).scan(scene).text.startswith("抱歉"), scene
    assert wx.runs("orders.bind") == 0
    wx.close()
