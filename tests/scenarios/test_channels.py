"""A channel that is made while several processes serve: every one of them answers with it."""

import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

from wxbot.channels.view import REFRESH_SECONDS
from wxbot.cli import cli

NO_HANDLERS = '"""There are none."""\n'
# What the machine may be late with, beside the pause between two looks.
GRACE_SECONDS = 20


def run(served: Any, *arguments: str) -> None:
    """Run a command of an operator in the folder of the bot."""
    others = {name: None for name in os.environ if name.startswith("WXBOT_")}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(served.folder)
        done = CliRunner().invoke(cli, ["channels", *arguments], env=others)
    assert done.exit_code == 0, done.output


def said(served: Any, number: int) -> str:
    """Let somebody scan, and return what they read."""
    bubble = served.scan(f"oPerson{number:04}", "shop-1").verdict.bubble
    return "" if bubble is None else str(bubble.text)


def wait_until_all_say(served: Any, text: str, *, first: int) -> None:
    """Wait until a row of answers, which two processes give, is this text; it must not change again."""
    give_up_at = time.monotonic() + REFRESH_SECONDS + GRACE_SECONDS
    number, row = first, 0
    while row < 12:
        row = row + 1 if said(served, number) == text else 0
        number += 1
        assert row or time.monotonic() < give_up_at, f"not everybody reads {text!r}: {served.log()[-2000:]}"


@pytest.mark.timeout(300)
def test_change_of_a_channel_reaches_every_process_in_seconds(serve: Callable[..., Any]) -> None:
    served = serve(NO_HANDLERS)
    before = said(served, 0)

    run(served, "add", "shop-1", "--reply", "早上好")
    wait_until_all_say(served, "早上好", first=1)
    run(served, "change", "shop-1", "--reply", "晚上好")
    wait_until_all_say(served, "晚上好", first=1000)
    run(served, "archive", "shop-1")
    wait_until_all_say(served, before, first=2000)
