"""The callback as WeChat meets it: raw queries and bodies against the app."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.services import fresh_database_url
from wxbot import Plugin, Scan
from wxbot.emulator import wire
from wxbot.emulator.wire import Push, Request
from wxbot.testing import Wx


class Line:
    """A wire to one bot: seals pushes as WeChat does and posts whatever bytes a test wants."""

    def __init__(self, wx: Wx) -> None:
        self.wx = wx
        self.runs: list[str] = []

    def sealed(self, push: Push, *, mode: str | None = None, **kwargs: Any) -> Request:
        """Return the push as it leaves WeChat, in the account's mode or another."""
        account = self.wx.world.account
        sender = wire.Sender(
            appid=account.appid,
            token=account.token,
            aes_key=account.aes_key,
            gh_id=account.gh_id,
            mode=mode or account.mode,  # type: ignore[arg-type]
        )
        return wire.sealed(push, sender, timestamp=kwargs.pop("timestamp", self.now()), **kwargs)

    def post(self, query: str | bytes, body: bytes, path: str = "/wechat") -> tuple[int, bytes, str]:
        """Post and return status, body and content type."""
        with self.wx.app.test_client() as client:
            raw = query if isinstance(query, str) else query.decode("latin-1")  # as WSGI hands it over
            response = client.post(path, data=body, environ_overrides={"QUERY_STRING": raw})
        return response.status_code, response.get_data(), response.headers["Content-Type"]

    def get(self, query: str, path: str = "/wechat") -> tuple[int, bytes, str]:
        """Get and return status, body and content type."""
        with self.wx.app.test_client() as client:
            response = client.get(path, query_string=query)
        return response.status_code, response.get_data(), response.headers["Content-Type"]

    def now(self) -> int:
        """Return the time that bot and WeChat agree on."""
        return self.wx.world.clock.seconds()


@pytest.fixture
def make_line(tmp_path: Path) -> Iterator[Callable[..., Line]]:
    """Return a function that starts a bot in a mode, with one handler that counts its runs."""
    made: list[Wx] = []

    def make(mode: str = "safe", overrides: Mapping[str, Any] | None = None) -> Line:
        plugin = Plugin("counting")
        settings = overrides or {"accounts": {"default": {"mode": mode}}}
        folder = tmp_path / str(len(made))
        line: list[Line] = []

        @plugin.fallback
        def count(scan: Scan) -> str:
            line[0].runs.append(scan.scene)
            return "收到"

        url = fresh_database_url(folder)
        made.append(Wx(folder, plugins=[plugin], overrides=settings, database_url=url))
        line.append(Line(made[-1]))
        return line[0]

    yield make
    for wx in made:
        wx.close()
