"""`wxbot worker`: does jobs."""

import logging
import os
import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING

import click

from wxbot.cli.output import Failure

if TYPE_CHECKING:
    from wxbot.jobs.worker import Worker
    from wxbot.settings import Settings

_ENDINGS = (signal.SIGTERM, signal.SIGINT)

log = logging.getLogger(__name__)


@click.command()
@click.option(
    "--threads", type=click.IntRange(1, 64), help="Jobs at the same time.  [default: jobs.threads, 4]"
)
def worker(threads: int | None) -> None:
    """Do jobs: what handlers deferred, messages that come later, what was left of lost processes.

    `wxbot serve` runs one already; more of them, on other machines too, share the work. TERM or Ctrl-C ends
    it when the jobs that run are done, within 30 seconds; HUP starts it anew with what the files say then.
    """
    from wxbot import logs, settings

    configured = settings.load()
    if threads is not None:
        jobs = configured.jobs.model_copy(update={"threads": threads})
        configured = configured.model_copy(update={"jobs": jobs})
    logs.configure(configured.logging.format, configured.logging.level)
    working = _build(configured)
    logs.write_together()
    environment = dict(os.environ)
    settings.forget_secrets(configured, os.environ)
    told: set[int] = set()

    def end(number: int, _frame: FrameType | None) -> None:
        told.add(number)
        for ending in _ENDINGS:
            signal.signal(ending, signal.default_int_handler)  # who asks twice does not want to wait
        working.stop()

    def restart(number: int, _frame: FrameType | None) -> None:
        told.add(number)
        working.stop()

    for ending in _ENDINGS:
        signal.signal(ending, end)
    signal.signal(signal.SIGHUP, restart)
    log.info("worker %s does up to %s jobs at a time", os.getpid(), configured.jobs.threads)
    is_useful = working.run()
    log.info("worker %s has ended", os.getpid())
    logging.shutdown()  # neither of these ends lets a log write its last lines
    if told == {signal.SIGHUP}:  # who is told to end as well, before or after, ends
        os.execve(sys.executable, [sys.executable, "-m", "wxbot", *sys.argv[1:]], environment)
    if not is_useful:
        # Threads that hang do not keep the process.
        os._exit(1)


def _build(configured: "Settings") -> "Worker":
    """Return the worker of the settings; Failure when its database cannot be used, be it there or not."""
    from sqlalchemy.exc import SQLAlchemyError

    from wxbot.bot import build_bot
    from wxbot.db.faults import in_words
    from wxbot.working import build_worker

    try:
        return build_worker(build_bot(configured))
    except SQLAlchemyError as error:
        raise Failure(in_words(error, configured.database.url.get_secret_value())) from None
