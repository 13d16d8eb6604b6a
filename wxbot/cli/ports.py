"""Ports that commands listen on: one clear line when somebody else does already."""

import errno
import os
import re
import socket
from collections.abc import Mapping

from wxbot.cli.output import Failure

_LAST_PORT = 65535


def listen(host: str, port: int, *, option: str) -> socket.socket:
    """Return a listening socket; port 0 takes a free one. Raises Failure that names the option to change."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise Failure(
                f"port {port} is in use; stop what uses it, or choose another with {option}"
            ) from None
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise Failure(f"cannot listen on {host} port {port}: {reason}") from None
    return listener


def require_free(host: str, port: int, *, option: str) -> None:
    """Raise Failure if nobody could listen there now."""
    listen(host, port, option=option).close()


def require_free_for_gunicorn(bind: str | None, environment: Mapping[str, str]) -> None:
    """Raise Failure if gunicorn could not listen on its port, which takes gunicorn five seconds to say.

    What systemd hands over is open already, and what GUNICORN_CMD_ARGS asks for is gunicorn's own matter.
    """
    arguments = environment.get("GUNICORN_CMD_ARGS", "")
    if "LISTEN_FDS" in environment or "--reuse" in arguments or (bind is None and "-b" in arguments):
        return
    wanted = bind or environment.get("WXBOT_BIND", "127.0.0.1:8000")  # as in gunicorn.conf.py
    address = re.fullmatch(r"([\w.-]+|\[[\da-fA-F:.]+\]):(\d+)", wanted)
    if address and int(address[2]) <= _LAST_PORT:
        require_free(address[1].strip("[]"), int(address[2]), option="--bind")
