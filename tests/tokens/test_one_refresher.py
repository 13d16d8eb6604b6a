"""However many threads and processes want a token, one fetches it; when that one dies, another one does."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from wxbot import clock
from wxbot.emulator.rules import Trouble
from wxbot.emulator.world import World
from wxbot.tokens import Tokens
from wxbot.wechat.api import ApiAccount

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
@pytest.mark.parametrize("kind", ["stable", "classic"])
def test_cold_start_of_many_makes_one_fetch(
    world: World, account: Callable[..., ApiAccount], start: Callable[..., Any], kind: str
) -> None:
    processes = [start(account(kind), threads=32) for _ in range(8)]

    for process in processes:
        go(process)
    got = [token for process in processes for token in json.loads(process.stdout.readline())]

    assert (len(got), len(set(got))) == (8 * 32, 1)
    assert world.asked["token"] + world.asked["stable_token"] == 1


def test_token_is_fetched_by_somebody_else_when_the_one_who_was_about_to_is_killed(
    world: World,
    account: Callable[..., ApiAccount],
    start: Callable[..., Any],
    tokens: Callable[..., Tokens],
) -> None:
    world.trouble = Trouble(api_faults=("stable_token=hang",))
    process = start(account(), threads=1)
    go(process)
    give_up_at = clock.monotonic() + 5
    while not world.asked["stable_token"] and clock.monotonic() < give_up_at:
        threading.Event().wait(0.01)
    process.kill()
    world.trouble = Trouble()

    began = clock.monotonic()
    token = tokens(account()).source("default").current()

    assert 1 < clock.monotonic() - began < 8
    world.tokens.check(token, world.clock.now())
    assert world.asked["stable_token"] == 2


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
