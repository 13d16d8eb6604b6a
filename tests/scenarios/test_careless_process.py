"""Handlers that change the process they run in: everybody after them is answered, and kept, as before."""

from collections.abc import Callable

from tests.scenarios.conftest import Served

HANDLERS = """
import locale
import os
import signal
import sys

from wxbot import Plugin

plugin = Plugin("careless")


@plugin.scene("folder")
def folder(scan):
    os.chdir("/")
    return "went elsewhere"


@plugin.scene("mask")
def mask(scan):
    os.umask(0o777)
    return "masked"


@plugin.scene("depth")
def depth(scan):
    sys.setrecursionlimit(90)
    return "shallow"


@plugin.scene("signals")
def signals(scan):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return "deaf"


@plugin.scene("locale")
def language(scan):
    locale.setlocale(locale.LC_ALL, "C")
    return "spoken"


@plugin.scene("child")
def child(scan):
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    return "born"


@plugin.fallback
def fallback(scan):
    return "the fallback"


@plugin.scene("fine")
def fine(scan, session):
    return "fine"
"""
SAID = {
    "folder": "went elsewhere",
    "mask": "masked",
    "depth": "shallow",
    "signals": "the fallback",  # Python refuses that outside of the first thread
    "locale": "spoken",
    "child": "born",
}
TIMES = 6  # so often that each of the two processes has had it


def test_what_a_handler_does_to_the_process_is_not_felt(serve: Callable[..., Served]) -> None:
    bot = serve(HANDLERS)

    careless, after = {}, {}
    for scene in SAID:
        careless[scene] = said(bot, f"o-careless-{scene}", scene)
        after[scene] = said(bot, f"o-fine-{scene}", "fine")

    assert careless == SAID
    assert after == dict.fromkeys(SAID, "fine")
    assert (bot.folder / "wxbot.db").exists()


def said(bot: Served, people: str, scene: str) -> str:
    """Return what the people are told who scan this one after the other: all the same, or each of it."""
    bubbles = [bot.scan(f"{people}-{number}", scene).verdict.bubble for number in range(TIMES)]
    return " / ".join(sorted({bubble.text if bubble else "nothing" for bubble in bubbles}))
