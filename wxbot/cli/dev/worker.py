"""The bot's side of `wxbot dev`: tells when it is ready, and ends when nobody looks after it any more."""

import json
import os
import signal
import sys
import threading

from flask import Flask

from wxbot import app as application
from wxbot.cli.dev.bot import Ready
from wxbot.errors import ConfigurationError

ACCOUNT = "default"


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
    registry = app.extensions["wxbot"].registry
    ready = Ready(
        scenes=[scene for _, scene in registry.samples(ACCOUNT)],
        keys=registry.clicks(ACCOUNT),
        handlers=len({route.handler for route in registry.routes(ACCOUNT)}),
    )
    os.write(channel, json.dumps(ready).encode() + b"\n")
    threading.Thread(target=_end_with, args=(channel, server), name="dev", daemon=True).start()
    return app


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
