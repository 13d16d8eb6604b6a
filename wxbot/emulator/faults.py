"""What can befall an API call on its way: silence, a trickle, a broken connection, a foreign answer."""

import socket
import time
from collections.abc import Iterator

from flask import Response, request, stream_with_context

# Longer than anybody should wait, short enough for a thread that nobody waits for any more.
SILENCE_SECONDS = 30
TRICKLE_SECONDS = 0.25


def happen(fault: str) -> Response:
    """Let one of the `API_FAULTS` befall the present request, and return what is still answered."""
    if fault in ("hang", "slow") and "werkzeug.socket" not in request.environ:
        # In one process with the caller nobody waits, for the caller's patience would not be tried either.
        raise TimeoutError
    if fault == "hang":
        time.sleep(SILENCE_SECONDS)
    if fault == "slow":
        return Response(_trickle(), content_type="application/json")
    if fault in ("reset", "half"):
        beginning = b'{"access_token":"' if fault == "half" else b""
        broken = stream_with_context(_break(beginning))
        return Response(broken, headers={"Content-Length": "1000"}, content_type="application/json")
    status = 200 if fault == "html" else 500
    return Response("<html><body>Not what you asked for</body></html>", status=status)


def _trickle() -> Iterator[str]:
    for _ in range(int(SILENCE_SECONDS / TRICKLE_SECONDS)):
        yield " "
        time.sleep(TRICKLE_SECONDS)


def _break(beginning: bytes) -> Iterator[bytes]:
    """Send the beginning of an answer, and end the connection where the rest should come."""
    if beginning:
        yield beginning
    connection = request.environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError
