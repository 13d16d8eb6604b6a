"""Processes that stand still for longer than their leases, and more connections than there are threads."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path

import pytest
from sqlalchemy import Engine

from bench.faults import chores, figures, oracle
from bench.faults.handlers.scenes import RUNS
from bench.faults.platform import Manners, Platform, scenes
from bench.faults.processes import Program, sender
from tests.faults.conftest import Ground

LONG = figures.IS_LONG
LEASE_SECONDS = 10
# The long form waits until leases end by themselves.
ROUNDS, FROZEN_SECONDS = (10, LEASE_SECONDS + 3.0) if LONG else (1, 0.5)
FLOOD = 1000 if LONG else 400


def signal_all(program: Program, number: int) -> None:
    """Stop or continue a program with all that it has started, as a machine that hangs."""
    os.killpg(os.getpgid(program.pid), number)


async def freeze(ground: Ground, *, rounds: int, seconds: float) -> None:
    """Freeze a web node in the midst of a handler, and a worker in the midst of a job.

    Both take eight seconds, so that a machine that stands still comes in time to freeze them.
    """
    web = ground.web(workers=1)
    platform = Platform(sender(), [web.port], Manners(attempts=1))
    job = ground.worker("frozen")
    for number in range(rounds):
        chores.give(ground.engine, [number], name="lengthy")
        await until_noted(ground.setup.folder / RUNS, "lengthy", 2 * number + 1)
        other = ground.worker(f"other-{number}")
        platform.start(f"slow:8000:{number}")
        await until_noted(ground.setup.folder / RUNS, f"slow:8000:{number}", 1)
        await stand_still(ground, [web, job])
        await asyncio.sleep(seconds)
        if seconds < LEASE_SECONDS:
            ground.hasten()
        await until_noted(ground.setup.folder / RUNS, f"slow:8000:{number}", 2)
        await until_noted(ground.setup.folder / RUNS, "lengthy", 2 * number + 2)
        await asyncio.sleep(1)
        for program in (web, job):
            signal_all(program, signal.SIGCONT)
        await platform.finish()
        other.stop()


async def stand_still(ground: Ground, programs: Sequence[Program]) -> None:
    """Stop programs, but not in the midst of a commit: on SQLite nobody could write until they go on."""
    for _ in range(20):
        for program in programs:
            signal_all(program, signal.SIGSTOP)
        if can_write(ground.engine):
            return
        for program in programs:
            signal_all(program, signal.SIGCONT)
        await asyncio.sleep(0.02)
    raise AssertionError("somebody held SQLite's lock at 20 moments")


def can_write(engine: Engine) -> bool:
    """Try SQLite's lock; rows of a server are locked one by one."""
    if engine.dialect.name != "sqlite":
        return True
    with closing(sqlite3.connect(engine.url.database or "", timeout=0.1)) as file, suppress(sqlite3.Error):
        file.execute("BEGIN IMMEDIATE")
        return True
    return False


async def until_noted(runs: Path, what: str, times: int) -> None:
    """Wait until a handler or a job has begun so often."""
    for _ in range(1200):
        if runs.exists() and noted(runs, what) >= times:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{what} was not begun {times} times")


def noted(runs: Path, what: str) -> int:
    return sum(line.split()[0] == what for line in runs.read_text().splitlines())


def judged(name: str, ground: Ground) -> dict[str, int]:
    """Count what was begun and what was written."""
    written = oracle.effects(ground.engine)
    counts = {
        "runs": len((ground.setup.folder / RUNS).read_text().splitlines()),
        "effects": sum(written.values()),
        "doubled": sum(count > 1 for count in written.values()),
    }
    figures.keep(name, counts)
    return counts


@pytest.mark.timeout(ROUNDS * 60 + 200)
def test_who_stood_still_changes_nothing_any_more(prepare: Callable[..., Ground]) -> None:
    ground = prepare()

    asyncio.run(freeze(ground, rounds=ROUNDS, seconds=FROZEN_SECONDS))

    ground.settle_down()
    # Each was begun twice: by the one that was frozen, and by the one that took it over.
    assert judged("freezes", ground) == {"runs": 4 * ROUNDS, "effects": 2 * ROUNDS, "doubled": 0}


def test_a_bot_that_lets_everybody_finish_is_found_out(prepare: Callable[..., Ground]) -> None:
    ground = prepare(broken="no-fence")

    asyncio.run(freeze(ground, rounds=1, seconds=0.5))

    ground.stop()
    assert judged("freezes-no-fence", ground)["doubled"]


async def flood(ground: Ground, scans: int) -> Platform:
    """More scans at the same instant than there are threads, each with a connection of its own."""
    platform = Platform(sender(), [ground.web().port], Manners(spacing=2.0, lost=0.05, repeated=0.1))
    await platform.run(scenes("light:{}", "write:{}", limit=scans), rate=100_000, most_open=scans)
    return platform


@pytest.mark.timeout(240)
def test_a_flood_loses_nothing(prepare: Callable[..., Ground]) -> None:
    ground = prepare()

    platform = asyncio.run(flood(ground, FLOOD))

    ground.settle_down()
    verdict = oracle.judge(platform.sent, ground.engine)
    slowest = max(each.seconds for one in platform.sent for each in one.attempts)
    figures.keep("flood", {"slowest_s": round(slowest, 2)} | dict(verdict.counts))
    assert not verdict.faults
    assert verdict.counts["scans"] == FLOOD


@pytest.mark.beside
def test_a_bot_that_takes_repeats_for_new_is_found_out(prepare: Callable[..., Ground]) -> None:
    ground = prepare(broken="forgetful")

    platform = asyncio.run(flood(ground, 100))

    ground.stop()
    assert "changed" in oracle.judge(platform.sent, ground.engine).faults
