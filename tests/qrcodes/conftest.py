"""Minting against the emulator over HTTP, with a clock that both sides share."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from tests.services import fresh_database_url
from wxbot.db.engine import open_engine
from wxbot.db.models import mintings
from wxbot.emulator.rules import Rules
from wxbot.emulator.threaded import run_emulator
from wxbot.emulator.world import APPID, SECRET, World
from wxbot.qrcodes.mint import Minter
from wxbot.wechat.api import ApiAccount, ApiClient


class OneToken:
    """A token that is fetched once, and again when it is refused."""

    def __init__(self, world: World) -> None:
        self._world = world

    def current(self) -> str:
        """Return the platform's present token."""
        return self._world.tokens.issue_stable(self._world.clock.now(), is_forced=False)[0]

    def refused(self, token: str) -> str:
        """Return another token."""
        return self._world.tokens.issue_stable(self._world.clock.now(), is_forced=True)[0]


class Platform:
    """The emulated WeChat on a port, a database, and a minter between them."""

    def __init__(self, world: World, url: str, database: str) -> None:
        self.world = world
        self.url = url
        self.database = database
        self.engine: Engine = open_engine(database, connections=16)
        self.restart()
        self.minter = self.another()

    def restart(self) -> None:
        """Let the client forget what a process would: calls that were used up are tried again."""
        account = ApiAccount(name="default", appid=APPID, secret=SECRET, api_base=self.url, mp_base=self.url)
        self.client = ApiClient(account, token=OneToken(self.world))

    def another(self, holder: str = "") -> Minter:
        """Return one more minter on the same database."""
        return Minter(self.engine, client_for=lambda _: self.client, now=self.now, holder=holder)

    def now(self) -> datetime:
        """Return the platform's time."""
        return datetime.fromtimestamp(self.world.clock.now(), UTC)

    def pass_time(self, seconds: float) -> None:
        """Let time pass for everybody."""
        self.world.clock.offset_seconds += seconds

    @property
    def tickets(self) -> int:
        """How many codes the platform has minted."""
        return len(self.world.codes.minted)

    def outcomes(self) -> list[str]:
        """Return what came of the calls that were written down."""
        with self.engine.connect() as connection:
            return list(connection.scalars(select(mintings.c.outcome).order_by(mintings.c.outcome)))


@pytest.fixture(scope="session")
def listening() -> Iterator[tuple[World, str]]:
    """One emulator for all tests of this package, with its address."""
    world = World()
    with run_emulator(world) as running:
        yield world, running.url


@pytest.fixture
def platform(listening: tuple[World, str], tmp_path: Path) -> Iterator[Platform]:
    """The emulator as new, with a fresh database."""
    world, url = listening
    world.reset()
    world.rules = Rules()
    platform = Platform(world, url, fresh_database_url(tmp_path))
    yield platform
    platform.engine.dispose()
