"""The whole application: a site mints through it, somebody scans, and the bot answers."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from flask import Flask
from PIL import Image

from tests.services import fresh_database_url
from wxbot import Plugin
from wxbot.api.keys import Keys
from wxbot.app import create_app
from wxbot.emulator.hand import Hand
from wxbot.emulator.threaded import Running, run_emulator
from wxbot.emulator.world import APPID, SECRET, Account, World
from wxbot.qrcodes.drawing import draw
from wxbot.settings import from_data

orders = Plugin("orders")


@orders.scene("order:<int:number>")
def order(scan: object, number: int) -> str:
    """Answer with the number that came along."""
    return f"订单 {number}"


@pytest.fixture
def world() -> World:
    """Return a fresh platform."""
    return World()


@pytest.fixture
def bot(world: World, tmp_path: Path) -> Iterator[Flask]:
    """Serve a bot whose WeChat is the emulator, both on ports of their own."""
    token, aes_key = "ab12cd34ef56gh78", "ab12c" * 8 + "abc"
    with run_emulator(world) as platform:
        account: dict[str, Any] = {"appid": APPID, "secret": SECRET, "token": token, "aes_key": aes_key}
        account |= {"mode": "safe", "api_base": platform.url, "mp_base": platform.url}
        configured = from_data(
            {
                "secret_key": "a key for tests, long enough to be used",
                "database": {"url": fresh_database_url(tmp_path)},
                "handlers": {"packages": []},
                "accounts": {"default": account},
            }
        )
        app = create_app(configured, plugins=[orders])
        with Running(app) as running:
            world.account = Account(token=token, aes_key=aes_key, callback_url=f"{running.url}/wechat")
            yield app
        app.extensions["wxbot"].engine.dispose()


def test_code_of_an_order_is_minted_drawn_scanned_and_answered(bot: Flask, world: World) -> None:
    key = Keys(bot.extensions["wxbot"].engine).create("shop").text

    minted = bot.test_client().post(
        "/api/v1/qrcodes", json={"scene": "order:42"}, headers={"Authorization": f"Bearer {key}"}
    )
    picture = Image.open(io.BytesIO(draw(minted.json["url"], kind="png", caption="订单 42")))
    (seen,) = zxingcpp.read_barcodes(picture)
    (code,) = [code for code in world.codes.minted.values() if code.url == seen.text]
    bo = world.add_person("Bo")
    scanned = [Hand(world).scan(bo.openid, code.ticket).delivery for _ in range(2)]

    assert [delivery.exchanges[-1].verdict.bubble.text for delivery in scanned] == ["订单 42"] * 2
