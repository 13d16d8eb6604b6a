"""Processes die at named places; the attempts that follow end in one reply, and effects happen once."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from bench.faults import figures, oracle, points
from bench.faults.oracle import Verdict
from bench.faults.platform import Manners, Platform
from bench.faults.processes import Web, sender
from tests.faults.conftest import Ground

# Each kind of scene with the places where its process is to die. Where two are named, the second one waits
# for a worker.
CLAIMED = (
    "claim-uncommitted",
    "claim-committed",
    "handled",
    "settle-uncommitted",
    "settle-committed",
    "untold",
    "claim-committed+taken-over",
    "claim-committed+job-uncommitted",
    "claim-committed+job-committed",
    "job-begun",
    "job-uncommitted",
    "job-committed",
)
LATE = ("late-uncommitted", "late-committed")
LIGHT = ("light-uncommitted", "light-committed")
SPOOLED = ("spool-torn", "spool-committed", "import-uncommitted", "import-committed")
STORES = ("sqlite", "postgresql") if figures.IS_LONG else ("sqlite",)
ROUNDS = 8 if figures.IS_LONG else 1
# The attempts of a scan whose process dies: the next worker of gunicorn takes the second one.
MANNERS = Manners(spacing=0.6, repeated=1.0, repeated_within=0.1)
DEADLINE = 0.3
# One job at a time: others that die with it would count an attempt each.
ALONE = {"WXBOT_JOBS__THREADS": "1"}


def all_scenes(numbers: Iterator[int]) -> Iterator[str]:
    kinds = {"point": CLAIMED, "slowpoint": LATE, "lightpoint": LIGHT}
    return (f"{kind}:{place}:{next(numbers)}" for kind, places in kinds.items() for place in places)


async def die(ground: Ground, web: Web, numbers: Iterator[int]) -> Platform:
    """One scan after the other; then those that come while the database counts as gone."""
    platform = Platform(sender(), [web.port], MANNERS)
    for _ in range(ROUNDS):
        for scene in all_scenes(numbers):
            platform.start(scene)
            await platform.finish()
            ground.revive_workers()
        outage = ground.setup.folder / points.OUTAGE
        outage.touch()
        for place in SPOOLED:
            platform.start(f"point:{place}:{next(numbers)}")
            await platform.finish()
        outage.unlink()
    return platform


def judged(name: str, ground: Ground, platform: Platform) -> Verdict:
    verdict = oracle.judge(platform.sent, ground.engine)
    reached = points.reached(ground.setup.folder)
    figures.keep(name, {"places": len(reached)} | dict(verdict.counts))
    return verdict


@pytest.mark.parametrize("store", STORES, indirect=True)
@pytest.mark.timeout(600 if figures.IS_LONG else 300)
def test_a_process_may_die_anywhere(prepare: Callable[..., Ground], store: str) -> None:
    ground = prepare(broken="points", deadline=DEADLINE, environment=ALONE)
    web = ground.web()
    ground.worker()

    platform = asyncio.run(die(ground, web, count()))

    if not figures.IS_LONG:
        ground.hasten()
    ground.settle_down(seconds=90)
    verdict = judged(f"kill-points-{store}", ground, platform)
    wanted = {place for places in (*CLAIMED, *LATE, *LIGHT, *SPOOLED) for place in places.split("+")}
    assert points.reached(ground.setup.folder) == wanted
    assert not verdict.faults
    writing = [one.scene for one in platform.sent if one.kind != "lightpoint"]
    assert oracle.effects(ground.engine) == {f"{job}{scene}": 1 for scene in writing for job in ("", "job ")}


@pytest.mark.beside
def test_a_bot_that_commits_twice_is_found_out(prepare: Callable[..., Ground]) -> None:
    ground = prepare(broken="points,two-commits", deadline=DEADLINE)
    platform = Platform(sender(), [ground.web().port], MANNERS)

    async def scan() -> None:
        platform.start("point:settle-uncommitted:1")
        await platform.finish()

    asyncio.run(scan())

    ground.hasten()
    ground.settle_down()
    assert "doubled" in judged("kill-points-two-commits", ground, platform).faults
