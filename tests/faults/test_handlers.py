"""Careless handlers: one hangs on a quarter of the traffic, one writes first and sleeps afterwards."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.faults import figures, oracle
from bench.faults.platform import Manners, Platform, scenes
from bench.faults.processes import Web, sender
from tests.faults.conftest import Ground

LONG = figures.IS_LONG
ONCE = Manners(attempts=1, timeout=10)
OTHERS_A_SECOND = 100.0 if LONG else 45.0
HUNG = 10_000 if LONG else 100
# The machine of a test run is busy with other tests, and their load is not what is measured.
P99_SECONDS = 0.05 if LONG else 0.5
WARM_UP = 0.05 if LONG else 0.5
SLOWEST_HUNG = 4.3 if LONG else 5.0
SLOWEST_OTHER = 1.2 if LONG else 2.0
# Nor is one moment at which it stood still, over which many waited; a bot with a fault fails every time.
ROUNDS = 1 if LONG else 3


@dataclass(frozen=True)
class Size:
    """What gunicorn's workers hold."""

    processes: int
    threads: int
    descriptors: int
    kilobytes: int

    @classmethod
    def of(cls, web: Web) -> "Size":
        pids = web.children()
        status = [Path(f"/proc/{pid}/status").read_text() for pid in pids]

        def total(name: str) -> int:
            return sum(int(each.partition(f"\n{name}:")[2].split()[0]) for each in status)

        files = sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids)
        return cls(len(pids), total("Threads"), files, total("VmRSS"))

    def grown(self, since: "Size") -> list[str]:
        return [
            f"{name}: {getattr(since, name)} to {getattr(self, name)}"
            for name in ("processes", "threads", "descriptors", "kilobytes")
            if getattr(self, name) > 1.1 * getattr(since, name) + 4
        ]


async def fill(web: Web) -> None:
    """Let all threads and connections that a process may have be there, as after its first busy minute."""
    everybody = Platform(sender(), [web.port], ONCE)
    await everybody.run(scenes("slow:200:{}", limit=200), rate=100_000)


async def hang(web: Web, hung: int) -> tuple[Platform, Size]:
    """Let a quarter of the traffic hang; return what was sent and the size after the first part of it."""
    await fill(web)
    platform = Platform(sender(), [web.port], ONCE)
    patterns = ("hang:{}", "light:{}", "write:{}", "light:{}")
    all_scenes = list(scenes(*patterns, limit=4 * hung))
    first = int(4 * hung * WARM_UP)
    await platform.run(all_scenes[:first], rate=OTHERS_A_SECOND * 4 / 3)
    size = Size.of(web)
    await platform.run(all_scenes[first:], rate=OTHERS_A_SECOND * 4 / 3)
    return platform, size


def seconds(platform: Platform, *kinds: str) -> list[float]:
    return [each.seconds for one in platform.sent if one.kind in kinds for each in one.attempts]


@pytest.mark.timeout(ROUNDS * (HUNG // 20 + 240))
def test_a_handler_that_hangs_is_not_felt_by_others(prepare: Callable[..., Ground]) -> None:
    for _ in range(ROUNDS):
        ground = prepare()
        web = ground.web()

        platform, before = asyncio.run(hang(web, HUNG))

        after = Size.of(web)
        ground.stop()
        others = seconds(platform, "light", "write")
        # Five deadlines in each process pass until the handler is left out; afterwards nobody feels it.
        steady = oracle.percentile(others[int(len(others) * WARM_UP) :], 0.99)
        slowest = max(seconds(platform, "hang"))
        if steady < P99_SECONDS and slowest < SLOWEST_HUNG:
            break
    counted = {
        "hung": len(seconds(platform, "hang")),
        "others": len(others),
        "others_p99_ms": round(1000 * oracle.percentile(others, 0.99)),
        "others_p99_steady_ms": round(1000 * steady),
        "slowest_hung_s": round(slowest, 2),
        "size_before": str(before),
        "size_after": str(after),
    }
    figures.keep("hanging", counted)
    assert oracle.faults_of(platform.sent) == {}
    assert steady < P99_SECONDS
    assert slowest < SLOWEST_HUNG
    assert not after.grown(before)


def test_a_bot_without_a_breaker_is_found_out(prepare: Callable[..., Ground]) -> None:
    web = prepare(broken="no-breaker").web()

    platform, before = asyncio.run(hang(web, 100))

    others = seconds(platform, "light", "write")
    p99 = oracle.percentile(others[int(len(others) * WARM_UP) :], 0.99)
    assert p99 >= P99_SECONDS or Size.of(web).grown(before)


async def keep_the_lock(web: Web) -> Platform:
    """Let a handler write and sleep while others are scanned."""
    platform = Platform(sender(), [web.port], ONCE)
    platform.start("greedy:10:0")
    await asyncio.sleep(0.2)
    await platform.run(scenes("light:{}", "write:{}", limit=200 if LONG else 60), rate=20)
    return platform


@pytest.mark.sqlite_only
def test_a_handler_that_writes_and_sleeps_does_not_keep_the_lock(prepare: Callable[..., Ground]) -> None:
    for _ in range(ROUNDS):
        ground = prepare()
        web = ground.web()

        platform = asyncio.run(keep_the_lock(web))

        ground.stop()
        slowest = max(seconds(platform, "light", "write"))
        greedy = platform.sent[0]
        if slowest <= SLOWEST_OTHER and greedy.attempts[0].seconds < 4.3:
            break
    verdict = oracle.judge(platform.sent, ground.engine)
    figures.keep("write-then-sleep", {"others": len(platform.sent) - 1, "slowest_s": round(slowest, 2)})
    assert slowest <= SLOWEST_OTHER
    assert greedy.is_answered and greedy.attempts[0].seconds < 4.3
    assert not greedy.replies[0].startswith("written")
    assert not verdict.faults
    assert not [scene for scene in oracle.effects(ground.engine) if scene.startswith("greedy")]


@pytest.mark.sqlite_only
def test_a_bot_without_a_watchdog_is_found_out(prepare: Callable[..., Ground]) -> None:
    web = prepare(broken="no-watchdog").web()

    platform = asyncio.run(keep_the_lock(web))

    assert max(seconds(platform, "light", "write")) > 2.0 or oracle.faults_of(platform.sent)
