"""A client of the HTTP API, for the site that the bot serves: `from wxbot.client import Client`."""

from wxbot.api.models.channels import ChangedChannel, WantedChannel
from wxbot.client.client import Client
from wxbot.client.errors import (
    ClientError,
    ConflictError,
    NotAllowedError,
    NotFoundError,
    ProblemError,
    RefusedError,
    UnavailableError,
    UnreachableError,
)

__all__ = [
    "ChangedChannel",
    "Client",
    "ClientError",
    "ConflictError",
    "NotAllowedError",
    "NotFoundError",
    "ProblemError",
    "RefusedError",
    "UnavailableError",
    "UnreachableError",
    "WantedChannel",
]
