"""One process of the bot under development: started on a socket that outlives it, watched, ended."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import IO, TypedDict, cast

START_SECONDS = 30
STOP_SECONDS = 3

# What gunicorn and Alembic say about themselves at every start.
_CHATTER = (" INFO gunicorn.", " INFO alembic.")


class Ready(TypedDict):
    """What a bot says of itself when it can answer: scenes that work, menu keys, the number of handlers."""

    scenes: list[str]
    keys: list[str]
    handlers: int


class Bot:
    """A bot that is starting from the moment on that this exists; call `stop` in any case.

    Each of its lines of output is given to `say`, on a thread of its own.
    """

    def __init__(
        self, listener: socket.socket, environment: Mapping[str, str], *, say: Callable[[str], None]
    ) -> None:
        self._say = say
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "gunicorn"),
                    *("--config", "python:wxbot.cli.dev.gunicorn_settings"),
                    *("--bind", f"fd://{listener.fileno()}"),
                    f"wxbot.cli.dev.worker:create_app({theirs.fileno()})",
                ],
                env=dict(environment),
                pass_fds=(listener.fileno(), theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                # Ctrl-C reaches a whole group of processes; this one is told by us when to end.
                start_new_session=True,
            )
        output = cast(IO[str], self._process.stdout)
        self._reader = threading.Thread(target=_repeat, args=(output, say), name="bot-output", daemon=True)
        self._reader.start()

    @property
    def is_running(self) -> bool:
        """Tell whether the process lives."""
        return self._process.poll() is None

    def wait_until_ready(self) -> Ready | None:
        """Return what the bot says of itself once it can answer, None if it ended or never got there."""
        self._channel.settimeout(START_SECONDS)
        received = b""
        try:
            while not received.endswith(b"\n"):
                part = self._channel.recv(65536)
                if not part:
                    # All it had to say about the reason is on its way to the screen.
                    self._reader.join(STOP_SECONDS)
                    return None
                received += part
        except TimeoutError:
            self._say(
                f"wxbot: the bot was not ready within {START_SECONDS} seconds: an import hangs, or the "
                "machine is busy. Save a handler to try once more."
            )
            return None
        return cast(Ready, json.loads(received))

    def stop(self) -> None:
        """End the bot and everything it started, within a few seconds. May be called twice."""
        self._channel.close()
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._reader.join(STOP_SECONDS)


def _repeat(output: IO[str], say: Callable[[str], None]) -> None:
    with output:
        for line in output:
            if not any(chatter in line for chatter in _CHATTER):
                say(line.rstrip("\n"))
