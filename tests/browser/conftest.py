"""A phone page in a real browser, in front of a tiny bot that answers with the scene it was told."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from flask import Flask, request
from playwright.sync_api import Browser, Page, sync_playwright

from wxbot.emulator.threaded import Running, run_emulator
from wxbot.emulator.world import Account, World

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def echo_bot() -> Iterator[Running]:
    """Answer each push with a text that names its event and its key."""
    app = Flask("echo")

    @app.route("/wechat", methods=["GET", "POST"])
    def answer() -> str:
        if request.method == "GET":
            return request.args["echostr"]
        push = ElementTree.fromstring(request.get_data())
        told = push.findtext("Event") or push.findtext("MsgType")
        about = push.findtext("EventKey") or push.findtext("Content")
        return (
            f"<xml><ToUserName>{push.findtext('FromUserName')}</ToUserName>"
            f"<FromUserName>{push.findtext('ToUserName')}</FromUserName><CreateTime>1</CreateTime>"
            f"<MsgType>text</MsgType><Content><![CDATA[{told}: {about}]]></Content></xml>"
        )

    with Running(app) as running:
        yield running


@pytest.fixture
def phone(echo_bot: Running) -> Iterator[Running]:
    """The emulator of a fresh world whose callback is the bot."""
    account = Account(mode="plain", callback_url=f"{echo_bot.url}/wechat")
    with run_emulator(World(account=account)) as running:
        yield running


@pytest.fixture
def open_page(browser: Browser, phone: Running) -> Iterator[Callable[..., Page]]:
    """Open the phone page; at the end nothing may have gone wrong in it, nor left this machine."""
    contexts, wrong = [], []

    def open_it(*, width: int = 1280, height: int = 800, **more: Any) -> Page:
        options = {
            "viewport": {"width": width, "height": height},
            "locale": "zh-CN",
            "base_url": phone.url,
            **more,
        }
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
        page.on("request", lambda sent: None if sent.url.startswith(phone.url) else wrong.append(sent.url))
        page.goto("/")
        page.get_by_test_id("person-Ailin").wait_for(state="attached")
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def keep(pytestconfig: pytest.Config) -> Callable[[Page, str], None]:
    """Keep a picture of a page among the artefacts."""
    folder = Path(pytestconfig.rootpath) / "var" / "artefacts"
    folder.mkdir(parents=True, exist_ok=True)

    def save(page: Page, name: str) -> None:
        page.screenshot(path=folder / f"{name}.png")

    return save
