"""A phone page in a real browser, in front of a tiny bot that answers with the scene it was told."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from flask import Flask, request
from playwright.sync_api import Browser, Error, Page, expect, sync_playwright

import handlers
from tests.browser.dev import Dev, running_dev
from tests.browser.windows import Phone, Shop
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


# Not for the whole session: while Playwright is there, this thread counts as running an event loop, and the
# tests of other packages run loops of their own.
@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    # Several processes have a part in each step, and the machine may be busy.
    expect.set_options(timeout=60_000)
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

    @app.get("/back")
    def back() -> str:
        """Be a page of the account's site."""
        return "<!doctype html><title>site</title><link rel=icon href='data:,'><p>site</p>"

    with Running(app) as running:
        yield running


@pytest.fixture
def world(echo_bot: Running) -> World:
    """A fresh world whose callback is the bot."""
    return World(account=Account(mode="plain", callback_url=f"{echo_bot.url}/wechat"))


@pytest.fixture
def phone(world: World) -> Iterator[Running]:
    """The emulator of the world."""
    with run_emulator(world) as running:
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
        try:
            page.screenshot(path=folder / f"{name}.png")
        except Error:
            # Chromium finds no frame to take while it is busy; the picture is there a moment later.
            page.wait_for_timeout(1000)
            page.screenshot(path=folder / f"{name}.png")

    return save


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """One `wxbot dev` with the shipped handlers, for all tests of a module."""
    folder = tmp_path_factory.mktemp("dev")
    ours = Path(handlers.__file__).parent
    shutil.copytree(ours, folder / "handlers", ignore=shutil.ignore_patterns("__pycache__"))
    with running_dev(folder) as running:
        yield running


@pytest.fixture
def windows(browser: Browser, dev: Dev) -> Iterator[Callable[..., tuple[Shop, Phone]]]:
    """Open a shop and a phone in browsers of their own; nothing may have gone wrong in either."""
    contexts, wrong = [], []

    def page_of(options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        return page

    def open_both(*, width: int = 1280, locale: str = "zh-CN") -> tuple[Shop, Phone]:
        options = {"viewport": {"width": width, "height": 844}, "locale": locale}
        return Shop(page_of(options), dev), Phone(page_of(options), dev)

    yield open_both
    for context in contexts:
        context.close()
    assert wrong == []
