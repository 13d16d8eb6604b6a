"""Processes are killed under load: nothing acknowledged is lost, nothing doubled, nobody unanswered."""

import asyncio
from collections.abc import Callable

import pytest

from bench.faults import figures, oracle
from bench.faults.killing import Killer
from bench.faults.oracle import Verdict
from bench.faults.platform import Manners, Platform, scenes, until
from bench.faults.processes import sender
from tests.faults.conftest import Ground

LONG = figures.IS_LONG
# A process that starts keeps a processor busy for more than a second: two would do nothing else.
WORKERS, MASTERS, EVERY, RATE = (1000, 50, 1.7, 62.0) if LONG else (7, 2, 0.35, 40.0)
SCANS = 100_000 if LONG else 0
MOST_SECONDS = 45 * 60 if LONG else 12
# Who repeats a scan whose run was killed waits until the deadline, and may be killed meanwhile: with three
# seconds to wait, some would be killed three times. A second after it the database counts as out of reach.
DEADLINE = 1.0 if LONG else 0.25
MANNERS = Manners(spacing=3.0 if LONG else 2.0, lost=0.05, repeated=0.1, repeated_within=2.0)


async def under_fire(ground: Ground, *, workers: int, masters: int) -> tuple[Platform, Killer]:
    web = ground.web(workers=3)
    platform = Platform(sender(), [web.port], MANNERS)
    killer = Killer(web, every=EVERY, masters=masters, workers=workers)

    def is_over() -> bool:
        return killer.is_done and len(platform.sent) >= SCANS

    killing = asyncio.create_task(killer.run())
    await platform.run(until(MOST_SECONDS, scenes("light:{}", "write:{}"), is_over), rate=RATE)
    killing.cancel()
    return platform, killer


def judged(name: str, ground: Ground, platform: Platform, killer: Killer) -> Verdict:
    verdict = oracle.judge(platform.sent, ground.engine, with_kills=True)
    kills = {f"kills_{what}": number for what, number in killer.kills.items()}
    figures.keep(name, kills | dict(verdict.counts))
    return verdict


@pytest.mark.parametrize("store", ["sqlite", "postgresql"], indirect=True)
@pytest.mark.timeout(MOST_SECONDS + 400)
def test_nothing_is_lost_or_doubled_when_processes_are_killed(
    prepare: Callable[..., Ground], store: str
) -> None:
    ground = prepare(deadline=DEADLINE)

    platform, killer = asyncio.run(under_fire(ground, workers=WORKERS, masters=MASTERS))
    if not LONG:
        ground.hasten()
    ground.settle_down()

    verdict = judged(f"kills-{store}", ground, platform, killer)
    assert not verdict.faults
    assert killer.is_done and verdict.counts["repeats_compared"] > verdict.counts["scans"] / 20
    assert verdict.counts["scans"] >= SCANS


@pytest.mark.parametrize(
    ("broken", "fault"),
    [("answer-first", "lost"), pytest.param("forgetful", "changed", marks=pytest.mark.beside)],
)
def test_a_broken_bot_is_found_out(prepare: Callable[..., Ground], broken: str, fault: str) -> None:
    ground = prepare(broken=broken)

    platform, killer = asyncio.run(under_fire(ground, workers=5, masters=0))
    ground.stop()

    assert fault in judged(f"kills-{broken}", ground, platform, killer).faults
