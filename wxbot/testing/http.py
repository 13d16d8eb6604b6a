"""The bot's way to WeChat's API in a test: into the emulated world of the same process."""

from collections.abc import Mapping
from functools import cached_property
from urllib.parse import urlsplit

from flask import Flask

from wxbot.emulator.server import create_emulator
from wxbot.emulator.world import World
from wxbot.wechat.errcodes import UnreachableError
from wxbot.wechat.http import Answer, Http


class WorldHttp(Http):
    """Carries every call to a world, whatever server it was meant for; nothing leaves the process.

    Faults that take time do not: who would wait in vain is told at once that nothing came.
    """

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    @cached_property
    def _emulator(self) -> Flask:
        """The world's server, made for the first call: many tests make none."""
        emulator = create_emulator(self._world)
        # What breaks a connection there comes through as an exception, not as a page about it.
        emulator.testing = True
        return emulator

    def send(
        self,
        method: str,
        url: str,
        *,
        call: str,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return the world's answer. Raises UnreachableError when control lets it get lost."""
        address = urlsplit(url)
        try:
            with self._emulator.test_client() as client:
                answer = client.open(
                    address.path,
                    method=method,
                    query_string=query or address.query,
                    data=body,
                    headers=headers,
                    buffered=True,
                )
                return Answer(status=answer.status_code, content=answer.get_data())
        except OSError:
            fault = "the connection broke"
        raise UnreachableError(fault, call=call, was_sent=True)
