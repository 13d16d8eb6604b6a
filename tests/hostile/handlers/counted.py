"""Answers everything that can be answered, and says what it was given."""

import os
from pathlib import Path
from typing import Any

from wxbot import Plugin, Scan

RUNS = "runs.log"
FOLDER = "HOSTILE_RUNS"

plugin = Plugin("counted")


def _note() -> None:
    with (Path(os.environ.get(FOLDER, ".")) / RUNS).open("a", encoding="ascii") as log:
        log.write("run\n")


@plugin.fallback
def echo(scan: Scan) -> str:
    """Answer a scan with its own scene."""
    _note()
    return f"scene: {scan.scene}"


@plugin.on_follow
@plugin.on_unfollow
@plugin.message("text")
@plugin.message("image")
@plugin.event("VIEW")
def say(event: Any) -> str:
    """Answer whatever else happens."""
    _note()
    return "noted"
