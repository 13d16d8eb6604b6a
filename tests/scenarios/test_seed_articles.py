"""What four articles about parametric codes set out to do, each from minting to the scan to the reply."""

import base64
import io
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from tests.services import fresh_database_url
from wxbot import Plugin, Scan
from wxbot.api.keys import Keys
from wxbot.emulator.codes import Code as MintedCode
from wxbot.emulator.threaded import run_emulator
from wxbot.emulator.world import SECRET
from wxbot.qrcodes.drawing import draw
from wxbot.testing import Wx

DAY = 86_400
ORDERS = {1001: "一本书", 4_294_967_295: "一把伞"}
shop = Plugin("shop")


@shop.scene("order:<int:number>")
def named_order(scan: Scan, number: int) -> str:
    """Tell what was ordered, for scenes that say that they are orders."""
    return f"订单 {number}：{ORDERS[number]}"


@shop.scene(range(1001, 4_294_967_296))
def order(scan: Scan, scene_id: int) -> str:
    """Tell what was ordered, for orders that are plain numbers."""
    return f"订单 {scene_id}：{ORDERS[scene_id]}"


@shop.scene(range(1, 1001))
def shelf(scan: Scan, scene_id: int) -> str:
    """Tell the shelf."""
    return f"{'欢迎关注' if scan.is_new_follower else '欢迎回来'}，{scene_id} 号货架"


@shop.scene("abcd")
@shop.scene("haha")
@shop.scene("door")
def word(scan: Scan) -> str:
    """Repeat the word."""
    return f"{'欢迎关注' if scan.is_new_follower else '欢迎回来'}，{scan.scene}"


@pytest.fixture
def wx(tmp_path: Path) -> Iterator[Wx]:
    """A bot whose API calls reach the emulated WeChat over HTTP."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    account = {"secret": SECRET, "api_base": url, "mp_base": url}
    overrides = {"accounts": {"default": account}}
    wx = Wx(tmp_path, plugins=[shop], overrides=overrides, database_url=fresh_database_url(tmp_path))
    with run_emulator(wx.world, port=port):
        yield wx
        wx.close()


def seen(wx: Wx, image: bytes) -> MintedCode:
    """Return the code that a phone's camera finds on an image."""
    (read,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(image)))
    return next(code for code in wx.world.codes.minted.values() if code.url == read.text)


@pytest.mark.parametrize(
    ("scene", "expires_in"), [(100, 604_800), ("abcd", 604_800), (111, None), ("haha", None)]
)
def test_each_of_the_four_creations_becomes_an_image_and_a_reply(
    wx: Wx, scene: int | str, expires_in: int | None
) -> None:
    minted = wx.bot.minter.mint(scene, expires_in=expires_in)
    image = wx.bot.clients["default"].show_qrcode(minted.ticket)

    code = seen(wx, image)
    follower = wx.user("Ailin").scan(code)
    new = wx.user("Bo", follows=False).scan(code)

    name = f"{scene} 号货架" if isinstance(scene, int) else scene
    assert (follower.text, new.text) == (f"欢迎回来，{name}", f"欢迎关注，{name}")
    assert (code.scene, code.expire_seconds) == (str(scene), expires_in or 0)


def test_a_ticket_is_kept_and_used_until_it_is_time_for_another(wx: Wx) -> None:
    ailin = wx.user("Ailin")
    tickets = []
    for _ in range(8):
        code = wx.bot.minter.mint("door", expires_in=4 * DAY)
        image = wx.bot.clients["default"].show_qrcode(code.ticket)
        assert ailin.scan(seen(wx, image)).text == "欢迎回来，door"
        tickets.append(code.ticket)
        wx.world.clock.offset_seconds += DAY

    assert len(set(tickets)) == len(wx.world.codes.minted) == 4
    assert tickets[0] == tickets[1]
    assert ailin.scan(wx.world.codes.minted[tickets[0]]).kind == "nothing"


def test_the_page_of_a_scene_shows_a_code_that_is_answered(wx: Wx) -> None:
    key = Keys(wx.bot.engine).create("counter").text
    with wx.app.test_client() as browser:
        assert browser.get("/qrcode/7/").status_code == 401
        browser.post("/qrcode/7/", data={"key": key})
        page = browser.get("/qrcode/7/").text

    found = re.search(r"data:image/png;base64,([^\"]+)", page)
    assert found
    code = seen(wx, base64.b64decode(found[1]))
    assert wx.user("Bo", follows=False).scan(code).text == "欢迎关注，7 号货架"
    assert code.kind == "QR_SCENE"


@pytest.mark.parametrize("scene", [1001, 4_294_967_295, "order:1001"])
def test_an_order_number_is_drawn_here_and_answered_with_the_order(wx: Wx, scene: int | str) -> None:
    minted = wx.bot.minter.mint(scene, expires_in=1800)

    drawn = draw(minted.url, kind="png", caption="No. 1001")

    number = int(str(scene).removeprefix("order:"))
    code = seen(wx, drawn)
    assert wx.user("Ailin").scan(code).text == f"订单 {number}：{ORDERS[number]}"
    wx.world.clock.offset_seconds += 1800
    assert wx.user("Chen", follows=False).scan(code).kind == "nothing"


def test_a_living_code_answers_for_years(wx: Wx) -> None:
    wx.bot.living.put("door", "door", 30 * DAY)
    ailin = wx.user("Ailin")
    for days in (0, 14, 2, 29, 31, 400, 15):
        wx.world.clock.offset_seconds += days * DAY
        with wx.app.test_client() as browser:
            image = browser.get("/q/door.png").get_data()

        assert ailin.scan(seen(wx, image)).text == "欢迎回来，door"
