"""Channels on an empty database, and a bot with an emulated WeChat around them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from tests.services import fresh_database_url
from wxbot.channels.channel import Channel, Details
from wxbot.channels.parts import ChannelParts, channel_parts
from wxbot.channels.store import Wanted
from wxbot.db.business import channel_people
from wxbot.db.engine import open_engine, retire
from wxbot.qrcodes.kinds import check_scene
from wxbot.qrcodes.numbers import Numbers
from wxbot.testing import Wx

Make = Callable[..., Channel]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Return an engine on an empty database of the newest revision."""
    engine = open_engine(fresh_database_url(tmp_path), connections=8)
    yield engine
    retire(engine)


@pytest.fixture
def numbers(engine: Engine) -> Numbers:
    """Return the permanent numbers."""
    return Numbers(engine)


@pytest.fixture
def parts(engine: Engine, numbers: Numbers) -> ChannelParts:
    """Return the channels of the database."""
    return channel_parts(engine, check_scene=check_scene, numbers=numbers)


@pytest.fixture
def wx_plugins() -> list[Any]:
    """Let the bot have no handlers, unless a test says so."""
    return []


@pytest.fixture
def make(wx: Wx) -> Make:
    """Return what makes a channel of the bot: `make("shop-1", reply=Text("hello"))`."""

    def make_it(name: str, *, scene: str = "", **details: Any) -> Channel:
        wanted = Wanted(name=name, scene=scene, details=Details(**details))
        return wx.bot.channels.book.create("default", wanted)

    return make_it


@pytest.fixture
def people(wx: Wx) -> Callable[[str], list[Any]]:
    """Return what tells who was counted at a channel: scans, whether they were new, in order of the first."""

    def counted(channel: str) -> list[Any]:
        table = channel_people.c
        query = select(table.scans, table.is_new).where(table.channel == channel).order_by(table.first_at)
        with wx.bot.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(query)]

    return counted
