"""A handler that takes six seconds: its result comes as a message, also from a process that is not there."""

import asyncio
import time
from collections.abc import Callable

import pytest
from sqlalchemy import text

from bench.faults import figures, oracle
from bench.faults.api import FakeApi
from bench.faults.platform import Manners, Platform, Sent
from bench.faults.processes import Web, sender
from tests.faults.conftest import Ground

ATTEMPTS = Manners(spacing=5.0)
# The window in which WeChat takes messages after a scan is 55 s for wxbot.
DOWN_SECONDS = 60


def messages_to(api: FakeApi, sent: Sent) -> list[str]:
    return [content for openid, content in api.messages() if openid == sent.openid]


async def message_to(api: FakeApi, sent: Sent, *, within: float) -> float:
    """Wait for somebody's message; return how long after the first attempt it arrived."""
    begun = sent.attempts[0].started_at
    while not messages_to(api, sent):
        assert time.monotonic() - begun < within, f"no message for {sent.scene} within {within} s"
        await asyncio.sleep(0.02)
    at = next(call.at for call in api.calls if call.body.get("touser") == sent.openid)
    return at - begun


async def six_seconds(ground: Ground, api: FakeApi) -> tuple[Platform, dict[str, float]]:
    """One run in peace, one whose process is killed a second after its begin, one killed when it is late."""
    webs = ground.webs(3)
    platform = Platform(sender(), [webs[0].port], ATTEMPTS)
    for number, web in enumerate(webs):
        sent = Sent(f"patient:6000:{number}", f"o{number:027}", int(time.time()))
        platform.sent.append(sent)
        platform.spawn(first_here_then_there(platform, sent, web.port, webs[0].port))
    for wait, web in ((1.0, webs[1]), (2.5, webs[2])):
        await asyncio.sleep(wait)
        web.kill(group=True)
    killed = time.monotonic()
    await platform.finish()
    took = [await message_to(api, sent, within=30) for sent in platform.sent]
    since_kill = took[2] - (killed - platform.sent[2].attempts[0].started_at)
    return platform, {"peace": took[0], "killed_early": took[1], "killed_late_after_kill": since_kill}


async def first_here_then_there(platform: Platform, sent: Sent, here: int, there: int) -> None:
    """Deliver as WeChat does when the first machine dies and the balancer knows another one."""
    first = await platform.deliver(sent, port=here)
    if not first.reply:
        await asyncio.sleep(max(0.0, platform.manners.spacing - first.seconds))
        await platform.deliver(sent, port=there)


@pytest.mark.timeout(240)
def test_a_late_result_comes_in_time_also_from_a_killed_process(
    prepare: Callable[..., Ground], api: FakeApi
) -> None:
    ground = prepare()
    ground.worker()

    platform, seconds = asyncio.run(six_seconds(ground, api))

    ground.settle_down()
    figures.keep("lateness", {name: round(value, 2) for name, value in seconds.items()})
    assert seconds["peace"] < 20
    assert seconds["killed_early"] < 20 and seconds["killed_late_after_kill"] < 20
    assert [messages_to(api, sent)[0].split()[0] for sent in platform.sent] == ["written"] * 3
    assert [len(messages_to(api, sent)) for sent in platform.sent] == [1, 1, 1]
    assert not oracle.judge(platform.sent, ground.engine).faults
    assert set(oracle.effects(ground.engine).values()) == {1}


def wait_for(condition: Callable[[], bool], *, seconds: float = 20) -> None:
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at, "it did not come to be"
        time.sleep(0.05)


def job_states(ground: Ground) -> list[str]:
    with ground.engine.connect() as connection:
        found = connection.execute(text("SELECT state FROM jobs WHERE name = 'wxbot.message'"))
        return list(found.scalars())


def let_the_window_close(ground: Ground) -> None:
    """Wait, or in the short form make the scan older."""
    if figures.IS_LONG:
        time.sleep(DOWN_SECONDS)
        return
    with ground.engine.begin() as connection:
        connection.execute(text("UPDATE events SET recorded_at = recorded_at - :s"), {"s": DOWN_SECONDS})


def deliver(web: Web, scene: str) -> Sent:
    """Scan as the same person each time."""
    platform = Platform(sender(), [web.port], ATTEMPTS)
    sent = Sent(scene, f"o{1:027}", int(time.time()))
    asyncio.run(platform.deliver(sent))
    return sent


@pytest.mark.timeout(300)
def test_a_result_that_no_worker_could_send_in_time_comes_with_the_next_contact(
    prepare: Callable[..., Ground], api: FakeApi
) -> None:
    ground = prepare(deadline=0.3)
    web = ground.web(workers=1)
    first = deliver(web, "patient:900:1")
    wait_for(lambda: job_states(ground) == ["waiting"])
    let_the_window_close(ground)
    assert api.messages() == []

    ground.worker()
    wait_for(lambda: job_states(ground) == ["kept"])
    assert api.messages() == []
    second = deliver(web, "light:2")
    wait_for(lambda: bool(api.messages()))

    ground.settle_down()
    assert first.replies == ["a moment"] and second.replies[0].startswith("light 2")
    [(openid, content)] = api.messages()
    assert openid == first.openid and content.startswith("written 1")
