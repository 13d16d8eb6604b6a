"""`wxbot serve`: gunicorn with the settings that wxbot ships, and a worker beside it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from wxbot.cli.ports import require_free_for_gunicorn

APP = "wxbot.app:create_app()"
# As in gunicorn.conf.py: each stream of events holds a thread, and takes none from the callback.
STREAMS = 16
# In the environment of gunicorn: what was checked a moment ago need not be checked again.
CHECKED = "WXBOT_CHECKED"

_FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)
_LOOK_SECONDS = 0.1
# A worker has 30 s for what runs.
_END_SECONDS = 35
_LONGEST_PAUSE_SECONDS = 30.0


@click.command()
@click.option(
    "--bind", metavar="HOST:PORT", help="Where to listen.  [default: $WXBOT_BIND or 127.0.0.1:8000]"
)
@click.option("--workers", type=click.IntRange(min=1), help="Number of processes.  [default: 2]")
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="Requests at a time in each process, beside 16 streams of events.  [default: 16]",
)
@click.option("--no-worker", is_flag=True, help="No worker for jobs: they run elsewhere.")
def serve(bind: str | None, workers: int | None, threads: int | None, *, no_worker: bool) -> None:
    """Serve WeChat's callbacks, with gunicorn, and do jobs beside it.

    Checks the configuration and the handlers first, and migrates the database. Anything else that gunicorn
    can do is set with GUNICORN_CMD_ARGS, as in GUNICORN_CMD_ARGS="--certfile=… --keyfile=…".
    """
    require_free_for_gunicorn(bind, os.environ)
    all_threads = None if threads is None else threads + STREAMS
    given = {"--bind": bind, "--workers": workers, "--threads": all_threads}
    options = [part for name, value in given.items() if value is not None for part in (name, str(value))]
    web = [sys.executable, "-m", "gunicorn", "--config", str(shipped_settings()), *options, APP]
    if no_worker:
        os.execv(web[0], web)
    wxbot = [sys.executable, "-m", "wxbot"]
    # Once, before two processes say the same; gunicorn need not ask again.
    checked = subprocess.run([*wxbot, "check", "--quiet"], check=False)
    sys.exit(checked.returncode or Pair(web, [*wxbot, "worker"]).run())


def shipped_settings() -> Path:
    """Return gunicorn.conf.py: inside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "_gunicorn.conf.py"
    return inside if inside.is_file() else package.parent / "gunicorn.conf.py"


class Pair:
    """A web server and a worker: signals reach both, and a worker that dies is replaced."""

    def __init__(self, web: Sequence[str], worker: Sequence[str]) -> None:
        self._commands = web, worker
        self._asked: list[int] = []
        self._is_ending = False
        self._started_at = 0.0
        self._again_at: float | None = None
        self._pause = 0.5

    def run(self) -> int:
        """Run both until the web server has ended; return its exit code."""
        for number in _FORWARDED:
            signal.signal(number, lambda number, _frame: self._asked.append(number))
        # In sessions of their own: Ctrl-C would reach them twice, and a worker takes that for impatience.
        environment = os.environ | {CHECKED: "1"}
        web = subprocess.Popen(self._commands[0], start_new_session=True, env=environment)
        worker = self._start_worker()
        while web.poll() is None:
            time.sleep(_LOOK_SECONDS)
            while self._asked:
                asked = self._asked.pop(0)
                if asked == signal.SIGHUP and not _is_good():
                    continue
                self._is_ending = self._is_ending or asked != signal.SIGHUP
                for process in (web, worker):
                    process.send_signal(asked)
            if worker.poll() is not None and not self._is_ending and self._is_time(worker.returncode):
                worker = self._start_worker()
        if not self._is_ending:
            worker.terminate()
        _wait(worker)
        return web.returncode if web.returncode >= 0 else 128 - web.returncode

    def _start_worker(self) -> subprocess.Popen[bytes]:
        self._started_at, self._again_at = time.monotonic(), None
        return subprocess.Popen(self._commands[1], start_new_session=True)

    def _is_time(self, code: int) -> bool:
        """Say whether to replace the worker now: ever later if they die soon after their start."""
        now = time.monotonic()
        if self._again_at is None:
            lived_long = now - self._started_at > _LONGEST_PAUSE_SECONDS
            self._pause = 1.0 if lived_long else min(self._pause * 2, _LONGEST_PAUSE_SECONDS)
            self._again_at = now + self._pause
            text = f"wxbot: the worker has ended with {code}; another one starts in {self._pause:g} s"
            click.echo(text, err=True)
        return now >= self._again_at


def _is_good() -> bool:
    """Say whether what the files say now can be served: gunicorn would end with its first bad worker."""
    checked = subprocess.run([sys.executable, "-m", "wxbot", "check", "--quiet"], check=False)
    if checked.returncode:
        click.echo("wxbot: nothing is reloaded until that is mended; what ran before goes on", err=True)
    return checked.returncode == 0


def _wait(worker: subprocess.Popen[bytes]) -> None:
    try:
        worker.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
