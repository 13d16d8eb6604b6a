"""Streams under gunicorn: they leave threads to others, go with who watches them, and hold up no restart."""

import http.client
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

SITE = '''
"""A site with streams that never come to an end by themselves."""

from flask import Flask, Response

from wxbot import streams
from wxbot.streams import Seen, Streams

streams.PING_SECONDS = 0.2
app = Flask("site")
app.extensions["wxbot.streams"] = open_streams = Streams(every_seconds=0.1)


@app.get("/stream")
def stream() -> Response:
    events = open_streams.open("state", lambda: Seen("1"))
    return Response(status=503) if events is None else Response(events, content_type=streams.CONTENT_TYPE)


@app.get("/free")
def free() -> str:
    return str(open_streams.free)
'''


ROOM = 16  # what gunicorn.conf.py adds threads for


@pytest.fixture
def server(serve: Callable[..., Any], folder: Path) -> Any:
    """Return a server of one process."""
    (folder / "site_with_streams.py").write_text(SITE)
    return serve("site_with_streams:app", WEB_CONCURRENCY="1")


def watch(server: Any) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    """Open a stream; return the connection and what came first."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=20)
    connection.request("GET", "/stream")
    return connection, connection.getresponse()


def test_streams_are_few_leave_threads_to_others_and_make_room_when_they_go(server: Any) -> None:
    opened = [watch(server) for _ in range(ROOM + 2)]

    told = sorted((answer.status, answer.readline() if answer.status == 200 else b"") for _, answer in opened)
    began = time.monotonic()
    free = server.get("/free")

    assert told == [(200, b"event: state\n")] * ROOM + [(503, b"")] * 2
    assert free == "0" and time.monotonic() - began < 5

    for connection, answer in opened:
        answer.close()
        connection.close()

    give_up_at = time.monotonic() + 20
    while server.get("/free") != str(ROOM) and time.monotonic() < give_up_at:
        time.sleep(0.1)

    assert server.get("/free") == str(ROOM)


def test_streams_do_not_hold_up_the_end(server: Any) -> None:
    opened = [watch(server) for _ in range(2)]
    began = time.monotonic()

    assert server.end(signal.SIGTERM) == 0

    assert time.monotonic() - began < 9  # and not the ten seconds of gunicorn's patience
    assert [answer.read().count(b"data: 1") for _, answer in opened] == [1, 1]
    for connection, answer in opened:
        answer.close()
        connection.close()
