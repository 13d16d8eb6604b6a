"""However many threads and processes want a token, one fetches it; when that one dies, another one does."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from time import sleep as real_sleep
from typing import Any

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.event import listen
from sqlalchemy.exc import OperationalError

from wxbot import clock
from wxbot.db.models import access_tokens
from wxbot.db.statements import database_now
from wxbot.emulator.rules import Trouble
from wxbot.emulator.world import World
from wxbot.tokens import LEASE_SECONDS, LONGEST_LEASE_SECONDS, Tokens
from wxbot.wechat.api import ApiAccount, ApiClient, TokenSource
from wxbot.wechat.errcodes import BlockedError
from wxbot.wechat.token_call import Fetched

PROGRAM = Path(__file__).with_name("cold_start.py")
KEY = "a key for tests, long enough to be used"


@pytest.fixture
def start(url: str) -> Iterator[Callable[..., Any]]:
    """Start a process with threads that want a token; it waits for a line."""
    started: list[subprocess.Popen[str]] = []

    def start(account: ApiAccount, *, threads: int) -> subprocess.Popen[str]:
        asked = {"database": url, "account": asdict(account), "key": KEY, "threads": threads}
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), json.dumps(asked)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def go(process: Any) -> None:
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("go\n")
    process.stdin.flush()


@pytest.mark.alone
def test_cold_start_of_many_makes_one_fetch(
    world: World, account: Callable[..., ApiAccount], start: Callable[..., Any]
) -> None:
    assert_one_fetches(account(), start)

    assert (world.asked["stable_token"], world.asked["token"]) == (1, 0)


# Which call it is makes no difference to the database.
@pytest.mark.alone
@pytest.mark.sqlite_only
def test_cold_start_of_many_makes_one_classic_fetch(
    world: World, account: Callable[..., ApiAccount], start: Callable[..., Any]
) -> None:
    assert_one_fetches(account("classic"), start)

    assert (world.asked["stable_token"], world.asked["token"]) == (0, 1)


def assert_one_fetches(account: ApiAccount, start: Callable[..., Any]) -> None:
    """Let many threads of several processes want a token, and see that all have the same one."""
    processes = [start(account, threads=64) for _ in range(4)]

    for process in processes:
        go(process)
    got = [token for process in processes for token in json.loads(process.stdout.readline())]

    assert (len(got), len(set(got))) == (4 * 64, 1)


def test_token_is_fetched_by_somebody_else_when_the_one_who_was_about_to_is_killed(
    world: World,
    account: Callable[..., ApiAccount],
    start: Callable[..., Any],
    tokens: Callable[..., Tokens],
    engine: Engine,
) -> None:
    world.trouble = Trouble(api_faults=("stable_token=hang",))
    process = start(account(), threads=1)
    go(process)
    give_up_at = clock.monotonic() + 60
    while not world.asked["stable_token"] and clock.monotonic() < give_up_at:
        threading.Event().wait(0.01)
    process.kill()
    world.trouble = Trouble()
    assert -60 < lease_left(engine) <= LEASE_SECONDS
    move_lease(engine, LONGEST_LEASE_SECONDS - 5)  # so that it does not end before somebody has looked
    has_waited = threading.Event()

    def sleep(seconds: float) -> None:
        has_waited.set()
        real_sleep(seconds)

    with ThreadPoolExecutor() as pool:
        source = tokens(account(), sleep=sleep).source("default")
        other = pool.submit(source.current)
        assert has_waited.wait(60)
        asked_before = world.asked["stable_token"]
        move_lease(engine, 0)
        token = other.result()

    world.tokens.check(token, world.clock.now())
    assert (asked_before, world.asked["stable_token"]) == (1, 2)


def lease_left(engine: Engine) -> float:
    """Return for how many seconds the lease is still held."""
    with engine.connect() as connection:
        left = select(access_tokens.c.lease_until - database_now())
        return float(connection.execute(left).scalar_one())


def move_lease(engine: Engine, seconds: int) -> None:
    """Let the lease end so many seconds from now."""
    with engine.begin() as connection:
        connection.execute(update(access_tokens).values(lease_until=database_now() + seconds))


def test_clock_that_is_behind_does_not_take_a_lease_for_one_of_a_wrong_clock(
    account: Callable[..., ApiAccount], engine: Engine
) -> None:
    is_fetching, has_waited, may_go_on = (threading.Event() for _ in range(3))
    fetches: list[str] = []

    def fetch(account: ApiAccount, *, is_forced: bool) -> Fetched:
        fetches.append(account.name)
        is_fetching.set()
        may_go_on.wait(60)
        return Fetched(token="a-token", expires_in=7200)

    def source(behind: timedelta) -> TokenSource:
        def now() -> datetime:
            return clock.now() - behind

        tokens = Tokens(engine, accounts=[account()], keys=[KEY], fetch=fetch, now=now, sleep=sleep)
        return tokens.source("default")

    def sleep(seconds: float) -> None:
        has_waited.set()
        real_sleep(seconds)

    with ThreadPoolExecutor() as pool:
        one = pool.submit(source(timedelta()).current)
        assert is_fetching.wait(60)
        other = pool.submit(source(timedelta(seconds=2)).current)
        assert has_waited.wait(60)
        may_go_on.set()

        assert (one.result(), other.result()) == ("a-token", "a-token")
    assert fetches == ["default"]


def test_token_near_its_end_is_used_while_the_database_does_not_let_us_write(
    world: World,
    account: Callable[..., ApiAccount],
    tokens: Callable[..., Tokens],
    engine: Engine,
    time: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = tokens(account()).source("default")
    old = source.current()
    time.passes(7200 - 200)
    refuse_writes(engine)

    assert source.current() == old
    assert "account default: the access token was not refreshed early (OperationalError)" in caplog.messages
    assert world.asked["stable_token"] == 1


def test_without_the_database_there_is_no_token_and_surely_no_call(
    world: World, account: Callable[..., ApiAccount], client: Callable[..., ApiClient], engine: Engine
) -> None:
    refuse_writes(engine)

    with pytest.raises(BlockedError, match="the database was not to be had"):
        client(account()).create_qrcode(scene="door", is_permanent=False, expires_in=60)
    assert world.asked["qrcode/create"] == 0


def refuse_writes(engine: Engine) -> None:
    """Be a database whose lock somebody else holds for too long."""

    def refuse(_connection: object, _cursor: object, sql: str, *_: object) -> None:
        if sql.startswith("UPDATE access_tokens"):
            raise OperationalError(sql, {}, Exception("database is locked"))

    listen(engine, "before_cursor_execute", refuse)


def test_token_near_its_end_is_refreshed_by_one_while_the_others_go_on(
    world: World, account: Callable[..., ApiAccount], tokens: Callable[..., Tokens], time: Any
) -> None:
    processes = [tokens(account()).source("default") for _ in range(4)]
    old = processes[0].current()
    time.passes(7200 - 200)

    got = [source.current() for source in processes]

    assert len(set(got)) == 1 and old not in got
    assert world.asked["stable_token"] == 2


def test_token_near_its_end_is_used_while_it_cannot_be_refreshed(
    world: World, account: Callable[..., ApiAccount], tokens: Callable[..., Tokens], time: Any
) -> None:
    source = tokens(account()).source("default")
    old = source.current()
    time.passes(7200 - 200)
    world.trouble = Trouble(api_faults=("stable_token=failure",))

    assert [source.current() for _ in range(20)] == [old] * 20
    assert world.asked["stable_token"] == 2
