"""An emulator on a port, a migrated database, and tokens that fetch from the one into the other."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep as real_sleep

import pytest
from sqlalchemy import Engine

from tests.services import fresh_database_url
from wxbot import clock
from wxbot.db.engine import open_engine, retire
from wxbot.emulator.threaded import Running, run_emulator
from wxbot.emulator.world import APPID, World
from wxbot.emulator.world import Account as EmulatedAccount
from wxbot.tokens import Tokens
from wxbot.wechat.api import ApiAccount, ApiClient, TokenKind
from wxbot.wechat.http import Http
from wxbot.wechat.token_call import TokenCall

SECRET = "canary-secret-0123456789abcdef"
KEY = "a key for tests, long enough to be used"
# What WeChat gets, which may stand still for a moment like every program of a busy machine.
SECONDS = 60.0


class Time:
    """The bot's time: the system's, and as much later as a test says. The emulator's goes with it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._offset = timedelta()

    def now(self) -> datetime:
        """Return the time in UTC."""
        return clock.now().astimezone(UTC) + self._offset

    def passes(self, seconds: float) -> None:
        """Let time pass for everybody."""
        self._offset += timedelta(seconds=seconds)
        self._world.clock.offset_seconds += seconds

    def begins(self, period: timedelta) -> None:
        """Let time pass until a minute or WeChat's day begins, so that the test does not meet its end."""
        # The day of China is eight hours ahead.
        since = self.now() - datetime(2000, 1, 1, tzinfo=UTC) + timedelta(hours=8)
        self.passes((period - since % period).total_seconds())


@pytest.fixture
def world() -> World:
    return World(account=EmulatedAccount(secret=SECRET))


@pytest.fixture
def running(world: World) -> Iterator[Running]:
    with run_emulator(world) as running:
        yield running


@pytest.fixture
def time(world: World) -> Time:
    return Time(world)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Return the address of a migrated database."""
    return fresh_database_url(tmp_path)


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    yield engine
    retire(engine)


@pytest.fixture
def account(running: Running) -> Callable[..., ApiAccount]:
    """Make the account that the emulator plays, with changes."""

    def make(kind: TokenKind = "stable", *, secret: str = SECRET) -> ApiAccount:
        base = running.url
        return ApiAccount(
            name="default", appid=APPID, secret=secret, api_base=base, mp_base=base, token_kind=kind
        )

    return make


@pytest.fixture
def tokens(engine: Engine, time: Time) -> Callable[..., Tokens]:
    """Make the tokens of an account, as one process has them."""

    def make(
        account: ApiAccount,
        *,
        keys: tuple[str, ...] = (KEY,),
        seconds: float = SECONDS,
        sleep: Callable[[float], None] = real_sleep,
    ) -> Tokens:
        fetch = TokenCall(Http(total_seconds=seconds), now=time.now).fetch
        return Tokens(engine, accounts=[account], keys=keys, fetch=fetch, now=time.now, sleep=sleep)

    return make


@pytest.fixture
def client(tokens: Callable[..., Tokens], time: Time) -> Callable[..., ApiClient]:
    """Make a client with tokens of its own, as one process has it."""

    def make(account: ApiAccount, *, token_seconds: float = SECONDS, seconds: float = SECONDS) -> ApiClient:
        source = tokens(account, seconds=token_seconds).source("default")
        return ApiClient(account, token=source, http=Http(total_seconds=seconds), now=time.now)

    return make
