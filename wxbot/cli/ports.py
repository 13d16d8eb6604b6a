"""Ports that commands listen on: one clear line when somebody else does already."""

import errno
import os
import socket

from wxbot.cli.output import Failure


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
