"""A site that uses the client learns who has logged in by scanning."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kits.conftest import Site
from tests.kits.logging_in import SETTINGS, Browser
from tests.services import fresh_database_url
from wxbot.api.keys import Keys
from wxbot.client import Client, NotFoundError
from wxbot.emulator.threaded import Running
from wxbot.followers import person
from wxbot.kits import login
from wxbot.testing import Wx


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Return a site with a login page."""
    url = fresh_database_url(tmp_path)
    wx = Wx(tmp_path, plugins=[login.plugin], overrides={"plugins": {"login": SETTINGS}}, database_url=url)
    yield Site(wx)
    wx.close()


def test_a_code_is_exchanged_once(site: Site) -> None:
    (ailin,) = site.people("Ailin")
    browser = Browser(site, "b")
    ailin.scan(browser.show().scene)
    ailin.say(browser.number())
    code = browser.finish()["code"]
    key = Keys(site.wx.bot.engine).create("site").text

    with Running(site.wx.app) as running, Client(running.url, key) as client:
        told = client.logins.exchange(code, browser.state, once="this-very-one")
        again = client.logins.exchange(code, browser.state, once="this-very-one")
        with pytest.raises(NotFoundError):
            client.logins.exchange(code, browser.state)

    assert told == again and told.person == person("default", ailin.openid).hex()
