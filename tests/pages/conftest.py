"""A bot whose WeChat is the emulator on a port, and a browser for its pages."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.services import fresh_database_url
from wxbot import Plugin, Scan, settings
from wxbot.api.keys import Keys
from wxbot.app import create_app
from wxbot.bot import Bot
from wxbot.emulator.threaded import run_emulator
from wxbot.emulator.world import APPID, SECRET, World

plugin = Plugin("shop")


@plugin.scene("shop:<int:number>")
def shop(scan: Scan, number: int) -> str:
    """Greet in a shop."""
    return f"Welcome to shop {number}"


class Site:
    """The bot's pages, the emulated WeChat behind them, and a good API key."""

    def __init__(self, folder: Path, world: World, url: str) -> None:
        self.world = world
        account = {
            "appid": APPID,
            "secret": SECRET,
            "token": "ab12cd34ef56gh78",
            "mode": "plain",
            "api_base": url,
            "mp_base": url,
        }
        configured = settings.from_data(
            {
                "secret_key": "the secret key of the pages, long enough",
                "database": {"url": fresh_database_url(folder)},
                "handlers": {"packages": []},
                "accounts": {"default": account},
            }
        )
        self.app = create_app(configured, plugins=[plugin], now=self.now)
        self.bot: Bot = self.app.extensions["wxbot"]
        self.keys = Keys(self.bot.engine, now=self.now)
        self.key = self.keys.create("tests")

    def now(self) -> datetime:
        """Return the emulated WeChat's time."""
        return datetime.fromtimestamp(self.world.clock.now(), UTC)

    def browser(self) -> FlaskClient:
        """Return a new browser without cookies."""
        return self.app.test_client()


@pytest.fixture(scope="session")
def listening() -> Iterator[tuple[World, str]]:
    """One emulator for all tests of this package, with its address."""
    world = World()
    with run_emulator(world) as running:
        yield world, running.url


@pytest.fixture
def site(tmp_path: Path, listening: tuple[World, str]) -> Iterator[Site]:
    """The pages with the emulator as new."""
    world, url = listening
    world.reset()
    site = Site(tmp_path, world, url)
    yield site
    site.bot.engine.dispose()
