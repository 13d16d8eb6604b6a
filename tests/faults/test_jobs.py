"""Jobs outlive their workers; calls happen twice only where nobody saw the answer, and that is told."""

import asyncio
import time
from collections.abc import Callable

import pytest

from bench.faults import chores, figures
from bench.faults.api import FakeApi
from bench.faults.chores import Slayer, Verdict
from tests.faults.conftest import Ground

LONG = figures.IS_LONG
JOBS, KILLS = (10_000, 500) if LONG else (200, 10)
MOST_SECONDS = 14 * 60 if LONG else 60
# A job that was killed many times waits up to ten minutes for its next attempt, which may lose its answer.
PATIENCE_SECONDS = 40 * 60 if LONG else 120


async def work(ground: Ground, api: FakeApi, jobs: int, kills: int) -> set[int]:
    """Hand out the jobs, some for each kill; return the processes that were killed."""
    slayer = Slayer([ground.worker("one"), ground.worker("two")], api)
    give_up_at = time.monotonic() + MOST_SECONDS
    for first in range(0, jobs, jobs // kills):
        chores.give(ground.engine, range(first, min(jobs, first + jobs // kills)))
        if len(slayer.killed) < kills and time.monotonic() < give_up_at:
            await slayer.strike()
    return slayer.end()


def worked_off(
    name: str, ground: Ground, api: FakeApi, *, jobs: int, kills: int, lost: float = 0.0
) -> Verdict:
    api.lost, api.seconds = lost, 0.1
    killed = asyncio.run(work(ground, api, jobs, kills))
    ground.settle_down(seconds=PATIENCE_SECONDS)
    verdict = chores.judge(ground.engine, api, jobs=jobs, killed=killed)
    figures.keep(name, verdict.counts)
    return verdict


@pytest.mark.timeout(MOST_SECONDS + PATIENCE_SECONDS + 100)
def test_no_job_is_lost_and_none_is_doubled_unseen(prepare: Callable[..., Ground], api: FakeApi) -> None:
    verdict = worked_off("jobs", prepare(), api, jobs=JOBS, kills=KILLS, lost=0.1)

    assert not verdict.faults
    assert verdict.counts["kills"] >= KILLS
    assert verdict.counts["answers_lost"] > JOBS / 20
    assert verdict.counts["once_unknown"] > 0 and verdict.counts["calls_repeated"] > 0


@pytest.mark.parametrize(
    ("broken", "fault"), [("repeat-blindly", "doubled"), ("done-first", "effects_missing")]
)
def test_a_worker_that_is_broken_is_found_out(
    prepare: Callable[..., Ground], api: FakeApi, broken: str, fault: str
) -> None:
    assert fault in worked_off(f"jobs-{broken}", prepare(broken=broken), api, jobs=40, kills=3).faults
