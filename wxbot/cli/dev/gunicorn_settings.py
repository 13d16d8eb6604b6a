"""The settings that wxbot ships for gunicorn, changed for one developer who waits for the next start."""

import runpy
from typing import Any

from wxbot.cli.serve import shipped_settings

globals().update(
    (name, value) for name, value in runpy.run_path(str(shipped_settings())).items() if name[0] != "_"
)

workers = 1
graceful_timeout = 1


def on_starting(_server: Any) -> None:
    """Check nothing beforehand: the only worker tells what is wrong, in half the time."""
