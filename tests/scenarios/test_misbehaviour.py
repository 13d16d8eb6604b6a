"""Handlers that do their worst, under gunicorn as shipped: everybody is answered in time."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.scenarios.conftest import Served
from wxbot.emulator.push import Exchange

ANSWERED_WITHIN_SECONDS = 4.3  # the promise: WeChat gives up at five
VALUES = {
    "none": "None",
    "empty": "''",
    "blank": "' '",
    "number": "5",
    "mapping": "{}",
    "list": "[]",
    "bytes": "b'x'",
    "coroutine": "nothing()",
    "generator": "(word for word in ['x'])",
    "object": "object()",
}
ERRORS = ("Exception", "SystemExit", "KeyboardInterrupt", "RecursionError", "GeneratorExit", "MemoryError")
HEAD = """
import time
from wxbot import Plugin

plugin = Plugin("bad")

async def nothing():
    return None

@plugin.scene("fine")
def fine(scan):
    return "很好"

@plugin.scene("sleep")
def sleep(scan):
    time.sleep(3600)

@plugin.scene("spin")
def spin(scan):
    until = time.monotonic() + 6
    while time.monotonic() < until:
        pass
    return "x"

@plugin.scene("recurse")
def recurse(scan):
    return recurse(scan)
"""


def handlers() -> str:
    lines = [HEAD]
    for name, value in VALUES.items():
        lines.append(f"@plugin.scene('{name}')\ndef give_{name}(scan):\n    return {value}\n")
    for error in ERRORS:
        lines.append(f"@plugin.scene('{error}')\ndef raise_{error}(scan):\n    raise {error}\n")
    return "\n".join(lines)


def test_everybody_is_answered_in_time_whatever_a_handler_does(serve: Callable[..., Served]) -> None:
    bot = serve(handlers())
    scenes = [*VALUES, *ERRORS, "recurse", "sleep", "sleep", "spin"]

    def misbehave_then_behave(numbered: tuple[int, str]) -> tuple[str, Exchange, Exchange]:
        number, scene = numbered
        return scene, bot.scan(f"o-bad-{number}", scene), bot.scan(f"o-good-{number}", "fine")

    with ThreadPoolExecutor(8) as phones:
        seen = list(phones.map(misbehave_then_behave, enumerate(scenes)))

    for scene, bad, good in seen:
        assert bad.verdict.bubble is not None, (scene, bad)
        assert bad.verdict.bubble.kind == "text", (scene, bad)
        assert bad.verdict.bubble.text.strip(), scene
        assert bad.seconds < ANSWERED_WITHIN_SECONDS, (scene, bad.seconds)
        assert good.verdict.bubble is not None and good.verdict.bubble.text == "很好", (scene, good)
    assert "Traceback" in bot.log()  # the operator, unlike the person, is told


def test_neighbours_of_a_hung_handler_are_not_kept_waiting(serve: Callable[..., Served]) -> None:
    bot = serve(handlers())

    with ThreadPoolExecutor(8) as phones:
        hung = [phones.submit(bot.scan, f"o-hung-{number}", "sleep") for number in range(6)]
        time.sleep(0.3)
        good = [bot.scan(f"o-good-{number}", "fine") for number in range(10)]
        answered = [each.result() for each in hung]

    assert all(each.seconds < ANSWERED_WITHIN_SECONDS for each in answered)
    assert all(each.verdict.bubble for each in answered)
    # Sequential and yet done while the six others hang: none of them waited for a hung one.
    assert sum(each.seconds for each in good) < ANSWERED_WITHIN_SECONDS


def test_log_names_no_person_and_no_secret(serve: Callable[..., Served]) -> None:
    bot = serve(handlers() + "\n@plugin.scene('tell')\ndef tell(scan):\n    raise ValueError(scan.openid)\n")
    openid = "oCanaryCanaryCanaryCanary123"
    for scene in ("tell", "Exception", "none", "nobody-knows-this", "fine"):
        bot.scan(openid, scene)

    log = bot.log()

    assert "nobody-knows-this" in log
    assert "tell" in log
    for canary in (openid, "scenario0callback0token", "scenarioscenario", "the secret key", "signature="):
        assert canary not in log
