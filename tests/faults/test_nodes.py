"""Two web nodes and two workers on PostgreSQL and Redis; any of them dies at any time, and Redis forgets."""

import asyncio
import time
from collections.abc import Callable, Iterator

import pytest
import redis

from bench.faults import figures, oracle
from bench.faults.killing import NodeKiller
from bench.faults.platform import Manners, Platform, scenes, until
from bench.faults.processes import sender
from tests.faults.conftest import Ground
from tests.services import Redis

LONG = figures.IS_LONG
SECONDS, RATE, EVERY = (300.0, 60.0, 4.0) if LONG else (8.0, 30.0, 1.8)
# Until so much was killed, at most so long: a machine that stands still kills more slowly.
MOST_SECONDS = max(SECONDS, 60.0)
FLUSHES = 5 if LONG else 2
DEADLINE = 0.5
MANNERS = Manners(spacing=3.0, lost=0.05, repeated=0.1)

pytestmark = pytest.mark.postgresql_only


@pytest.fixture
def server() -> Iterator[Redis]:
    """Return a Redis of one's own, to be emptied."""
    with Redis() as running:
        yield running


def flush(server: Redis) -> None:
    with redis.Redis(port=server.port) as client:
        client.flushall()


def has_killed_enough(killer: NodeKiller) -> bool:
    """Say whether both kinds were killed, and again after they had come back."""
    return killer.kills["worker"] >= 4 and killer.kills["node"] + killer.kills["web process"] >= 2


async def under_fire(ground: Ground, server: Redis) -> tuple[Platform, NodeKiller]:
    webs = ground.webs(2)
    killer = NodeKiller(webs, [ground.worker("one"), ground.worker("two")], every=EVERY)
    platform = Platform(sender(), [web.port for web in webs], MANNERS)

    async def forget() -> None:
        for _ in range(FLUSHES):
            await asyncio.sleep(SECONDS / (FLUSHES + 1))
            await asyncio.to_thread(flush, server)

    tasks = [asyncio.create_task(killer.run()), asyncio.create_task(forget())]
    started = time.monotonic()

    def is_over() -> bool:
        return time.monotonic() - started >= SECONDS and has_killed_enough(killer)

    pushed = scenes("light:{}", "write:{}", "ordered:{}")
    await platform.run(until(MOST_SECONDS, pushed, is_over), rate=RATE)
    for task in tasks:
        task.cancel()
    return platform, killer


@pytest.mark.timeout(MOST_SECONDS + 180)
def test_nodes_die_and_the_queue_forgets(prepare: Callable[..., Ground], server: Redis) -> None:
    ground = prepare(redis=server.url(), deadline=DEADLINE)

    platform, killer = asyncio.run(under_fire(ground, server))

    if not LONG:
        ground.hasten()
    ground.settle_down(seconds=90)
    verdict = oracle.judge(platform.sent, ground.engine, with_kills=True)
    figures.keep("nodes", {f"kills_{name}": n for name, n in killer.kills.items()} | dict(verdict.counts))
    assert not verdict.faults
    assert has_killed_enough(killer)
    done = oracle.effects(ground.engine)
    assert {name: n for name, n in done.items() if n > 1} == {}
    ordered = [one.scene for one in platform.sent if one.kind == "ordered"]
    assert [scene for scene in ordered if not (done[scene] and done[f"job {scene}"])] == []


def test_a_bot_that_trusts_the_queue_is_found_out(prepare: Callable[..., Ground], server: Redis) -> None:
    ground = prepare(redis=server.url(), broken="trust-the-queue")
    platform = Platform(sender(), [ground.web(workers=1).port])
    asyncio.run(platform.run(scenes("ordered:{}", limit=20), rate=40))
    flush(server)

    with pytest.raises(AssertionError, match="20 jobs"):
        ground.settle_down(seconds=4)
