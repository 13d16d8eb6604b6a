"""A bot with one plugin of handlers that behave in every way there is."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.services import fresh_database_url
from wxbot import Plugin
from wxbot.testing import Wx


@pytest.fixture
def plugin() -> Plugin:
    """Return the plugin that a test adds its handlers to, before it asks for `wx`."""
    return Plugin("test")


@pytest.fixture
def make_wx(tmp_path: Path, plugin: Plugin) -> Iterator[Any]:
    """Return a function that makes the bot once the handlers are there; all share one database."""
    made: list[Wx] = []

    def make(overrides: Mapping[str, Any] | None = None) -> Wx:
        made.append(
            Wx(
                tmp_path,
                plugins=[plugin],
                overrides=overrides,
                database_url=fresh_database_url(tmp_path),
            )
        )
        return made[-1]

    yield make
    for wx in made:
        wx.close()
