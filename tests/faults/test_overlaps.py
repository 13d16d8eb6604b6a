"""WeChat's next attempt arrives while the first still runs, or at the same instant in another process."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable

import pytest

from bench.faults import figures, oracle
from bench.faults.handlers.scenes import RUNS
from bench.faults.platform import Manners, Platform, Sent
from bench.faults.processes import sender
from tests.faults.conftest import Ground

SCANS = 1000 if figures.IS_LONG else 50
# All times are a tenth of WeChat's: attempts at 0, 0.5 and 1 s, a deadline of 0.3 s, handlers of 0 to 0.7 s.
OVERLAPPING = Manners(spacing=0.5, overlapping=True)
DEADLINE = 0.3
RATE = 12.0


def scene(number: int) -> str:
    kind = ("slow", "idle")[number % 2]
    return f"{kind}:{random.Random(number).randrange(0, 700)}:{number}"


def runs(ground: Ground) -> Counter[str]:
    lines = (ground.setup.folder / RUNS).read_text().splitlines()
    return Counter(line.split()[0] for line in lines)


@pytest.mark.timeout(SCANS // 10 + 240)
def test_attempts_that_overlap_join_one_run(prepare: Callable[..., Ground]) -> None:
    ground = prepare(deadline=DEADLINE)
    platform = Platform(sender(), [ground.web().port], OVERLAPPING)

    asyncio.run(platform.run((scene(number) for number in range(SCANS)), rate=RATE))

    ground.settle_down()
    verdict = oracle.judge(platform.sent, ground.engine)
    doubled = {name: count for name, count in runs(ground).items() if count > 1}
    figures.keep("overlaps", dict(verdict.counts) | {"double_runs": len(doubled)})
    assert not doubled
    assert not verdict.faults


async def at_once(platform: Platform, ports: list[int], scans: int) -> None:
    """Deliver each scan twice at the same instant, to two bots that share nothing but the database."""
    for number in range(scans):
        kind = ("write", "light")[number % 2]
        sent = Sent(f"{kind}:{number}", f"o{number:027}", int(time.time()))
        platform.sent.append(sent)
        await asyncio.gather(*(platform.deliver(sent, port=port) for port in ports))


def test_the_same_instant_in_two_processes_is_one_reply(prepare: Callable[..., Ground]) -> None:
    ground = prepare()
    ports = [web.port for web in ground.webs(2)]
    platform = Platform(sender(), ports)

    asyncio.run(at_once(platform, ports, SCANS))

    ground.stop()
    verdict = oracle.judge(platform.sent, ground.engine)
    figures.keep("same-instant", verdict.counts)
    assert not verdict.faults
    assert verdict.counts["repeats_compared"] == SCANS


@pytest.mark.beside
def test_a_bot_that_takes_repeats_for_new_is_found_out(prepare: Callable[..., Ground]) -> None:
    ground = prepare(broken="forgetful")
    ports = [web.port for web in ground.webs(2)]
    platform = Platform(sender(), ports)

    asyncio.run(at_once(platform, ports, 20))

    ground.stop()
    assert {"changed", "doubled"} <= set(oracle.judge(platform.sent, ground.engine).faults)
