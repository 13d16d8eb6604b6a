"""Restarts under load, by HUP and by TERM with a successor on the same socket, fail no request."""

import asyncio
import signal
from collections.abc import Callable, Sequence

import pytest

from bench.faults import figures, oracle
from bench.faults.platform import Manners, Platform, scenes, until
from bench.faults.processes import Web, sender
from tests.faults.conftest import Ground

LONG = figures.IS_LONG
RESTARTS, RATE = (100, 200.0) if LONG else (2, 60.0)
USUAL = ("light:{}", "write:{}")
PAUSE = 2.5 if LONG else 1.0


async def restarting(
    web: Web,
    restarts: int,
    *,
    how: Callable[[Web], None],
    rate: float = RATE,
    patterns: Sequence[str] = USUAL,
) -> tuple[Platform, int]:
    """Restart again and again while scans are pushed; one attempt each, so that every failure counts."""
    # WeChat waits for five seconds and comes again; how fast this machine starts is not what is asked here.
    platform = Platform(sender(), [web.port], Manners(attempts=1, timeout=30))
    done = 0

    async def restart() -> None:
        nonlocal done
        for number in range(restarts):
            await asyncio.sleep(PAUSE)
            if number % 2:
                await asyncio.to_thread(how, web)
            else:
                web.signal(signal.SIGHUP)
            done += 1
        await asyncio.sleep(PAUSE)

    going = asyncio.create_task(restart())
    await platform.run(until(14 * 60, scenes(*patterns), going.done), rate=rate)
    await going
    return platform, done


def crash(web: Web) -> None:
    """End the old one at once."""
    web.kill(group=True)
    web.start()
    web.wait_until_ready()


@pytest.mark.timeout(25 * 60 if LONG else 300)
def test_restarts_fail_no_request(prepare: Callable[..., Ground]) -> None:
    ground = prepare()
    web = ground.web()

    platform, done = asyncio.run(restarting(web, RESTARTS, how=Web.succeed))

    ground.settle_down()
    verdict = oracle.judge(platform.sent, ground.engine)
    slowest = max(each.seconds for one in platform.sent for each in one.attempts)
    figures.keep("restarts", {"restarts": done, "slowest_s": round(slowest, 2)} | dict(verdict.counts))
    assert done == RESTARTS
    assert oracle.faults_of(platform.sent) == {}
    assert not verdict.faults


def test_a_restart_without_grace_is_found_out(prepare: Callable[..., Ground]) -> None:
    ground = prepare()

    # Slow ones, so that some are under way at any time.
    platform, _ = asyncio.run(restarting(ground.web(), 2, how=crash, rate=20, patterns=["slow:400:{}"]))

    assert {"broken", "timeout"} & set(oracle.faults_of(platform.sent))
