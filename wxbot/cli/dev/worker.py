"""The bot's side of `wxbot dev`: tells when it is ready, and ends when nobody looks after it any more.

It does its jobs itself: another process would make every edit wait for a second start.
"""

import atexit
import json
import os
import signal
import sys
import threading

from flask import Flask

from wxbot import app as application
from wxbot.cli.dev.bot import Ready
from wxbot.cli.dev.setup import KITS
from wxbot.errors import ConfigurationError
from wxbot.jobs.worker import Worker
from wxbot.working import build_worker

ACCOUNT = "default"
# gunicorn gives a process one second to end.
_END_SECONDS = 0.8


def create_app(channel: int) -> Flask:
    """Return the WSGI app, and say so on the file descriptor `channel`, a socket to `wxbot dev`."""
    server = os.getppid()
    try:
        app = application.create_app()
    except ConfigurationError as error:
        for fault in error.faults:
            print(f"wxbot: {' '.join(fault.split())}", file=sys.stderr, flush=True)
        # Otherwise gunicorn would try again, or say at length that it does not.
        _end(server)
        sys.exit()
    bot = app.extensions["wxbot"]
    _do_jobs(build_worker(bot))
    registry = bot.registry
    kits = set(KITS) & set(bot.settings.handlers.plugins)
    ready = Ready(
        # The kits' codes are made by the site; one with made-up contents would open nothing.
        scenes=[
            scene for handler, scene in registry.samples(ACCOUNT) if handler.partition(".")[0] not in kits
        ],
        keys=registry.clicks(ACCOUNT),
        handlers=len({route.handler for route in registry.routes(ACCOUNT)}),
    )
    os.write(channel, json.dumps(ready).encode() + b"\n")
    threading.Thread(target=_end_with, args=(channel, server), name="dev", daemon=True).start()
    return app


def _do_jobs(worker: Worker) -> None:
    thread = threading.Thread(target=worker.run, name="jobs", daemon=True)
    thread.start()

    def end() -> None:
        worker.stop()
        thread.join(_END_SECONDS)

    atexit.register(end)


def _end_with(channel: int, server: int) -> None:
    """Wait until the other side is closed, which even a kill does, and end gunicorn then."""
    try:
        while os.read(channel, 1):
            pass
    except OSError:
        pass
    _end(server)


def _end(server: int) -> None:
    # Whoever takes in an orphan must not be ended for it.
    if os.getppid() == server:
        os.kill(server, signal.SIGTERM)
