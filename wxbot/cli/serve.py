"""`wxbot serve`: gunicorn with the settings that wxbot ships."""

import os
import sys
from pathlib import Path

import click

APP = "wxbot.app:create_app()"


@click.command()
@click.option(
    "--bind", metavar="HOST:PORT", help="Where to listen.  [default: $WXBOT_BIND or 127.0.0.1:8000]"
)
@click.option("--workers", type=click.IntRange(min=1), help="Number of processes.  [default: 2]")
@click.option(
    "--threads", type=click.IntRange(min=1), help="Requests at a time in each process.  [default: 16]"
)
def serve(bind: str | None, workers: int | None, threads: int | None) -> None:
    """Serve WeChat's callbacks, with gunicorn.

    Checks the configuration and the handlers first, and migrates the database. Anything else that gunicorn
    can do is set with GUNICORN_CMD_ARGS, as in GUNICORN_CMD_ARGS="--certfile=… --keyfile=…".
    """
    given = {"--bind": bind, "--workers": workers, "--threads": threads}
    options = [part for name, value in given.items() if value is not None for part in (name, str(value))]
    command = [sys.executable, "-m", "gunicorn", "--config", str(shipped_settings()), *options, APP]
    os.execv(command[0], command)


def shipped_settings() -> Path:
    """Return gunicorn.conf.py: inside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "_gunicorn.conf.py"
    return inside if inside.is_file() else package.parent / "gunicorn.conf.py"
