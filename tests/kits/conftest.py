"""Bots with kits, and what the site behind them does."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from tests.services import fresh_database_url
from wxbot import Plugin
from wxbot.bindings.claim import Claim, Offer
from wxbot.db.business import claims as table
from wxbot.db.statements import database_now
from wxbot.testing import User, Wx


class Site:
    """A bot with some kits, and the site that it serves."""

    def __init__(self, wx: Wx) -> None:
        self.wx = wx
        self.claims = wx.bot.claims
        self.bindings = wx.bot.bindings

    def offer(self, purpose: str, subject: str, data: Any = None, **more: Any) -> Claim:
        """Make a claim, as the site does through the API."""
        offer = Offer(account="default", purpose=purpose, subject=subject, data=data or {}, **more)
        return self.claims.make(offer)

    def state(self, claim: Claim) -> str:
        """Return where a claim stands by now."""
        found = self.claims.find(claim.account, claim.id)
        assert found is not None
        return str(found.state)

    def holder(self, claim: Claim) -> str | None:
        """Return the openid of whoever has it."""
        found = self.claims.find(claim.account, claim.id)
        assert found is not None
        return found.openid

    def expire(self, claim: Claim, *, seconds: int = 0) -> None:
        """Let a claim expire, by the database's clock, now or in some seconds."""
        with self.wx.bot.engine.begin() as connection:
            later = update(table).where(table.c.id == claim.id).values(expires_at=database_now() + seconds)
            connection.execute(later)

    def people(self, *names: str) -> list[User]:
        """Return people who follow."""
        return [self.wx.user(name) for name in names]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Return what starts a bot with these plugins and settings, on the store that the test runs on."""
    made: list[Wx] = []

    def start(mounted: Sequence[Plugin], /, **settings: Any) -> Site:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        url = fresh_database_url(folder)
        made.append(Wx(folder, plugins=mounted, overrides=settings, database_url=url))
        return Site(made[-1])

    yield start
    for wx in made:
        wx.close()
