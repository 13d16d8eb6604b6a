"""USR2: another gunicorn takes over the port, and the one before it is told to end."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

LISTENING = r"Listening at: [^(]*"


@pytest.mark.parametrize("is_reloaded", [False, True], ids=["at once", "after a reload"])
def test_gunicorn_that_takes_over_answers_when_the_one_before_has_ended(
    serve: Callable[..., Any], folder: Path, *, is_reloaded: bool
) -> None:
    server = serve("wxbot.app:create_app()", WEB_CONCURRENCY="1", TMPDIR=str(folder))
    server.wait_for("Booting worker")
    if is_reloaded:
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("(?s)Handling signal: hup.*Booting worker")

    server.process.send_signal(signal.SIGUSR2)
    new = int(server.wait_for(rf"(?s){LISTENING}.*{LISTENING}\((\d+)\)"))
    try:
        server.wait_for(f"(?s){LISTENING}.*{LISTENING}.*Booting worker")
        ended = server.end()
        answer = server.get("/healthz")
        counts = [path.name for path in folder.glob("wxbot-metrics-*")]
    finally:
        with suppress(ProcessLookupError):
            os.kill(new, signal.SIGTERM)

    assert ended == 0
    assert answer
    assert [name.split("-")[2] for name in counts] == [str(new)]
    assert "Traceback" not in server.log
