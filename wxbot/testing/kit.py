"""A bot and an emulated WeChat in one process, for one test."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from wxbot import clock, settings
from wxbot.app import Bot, create_app
from wxbot.emulator.codes import Code
from wxbot.emulator.hand import Hand
from wxbot.emulator.push import PushResponse
from wxbot.emulator.world import Account, World
from wxbot.scenes.plugin import Plugin
from wxbot.testing.actors import User

_PATIENCE_SECONDS = 3.0
_TOKEN = "wxbottestcallbacktoken"
_AES_KEY = "wxbotwxbotwxbotwxbotwxbotwxbotwxbotwxbot123"
_SECRET_KEY = "a secret key that is only good enough for tests"


class Wx:
    """The fixture `wx`: people, codes and a look behind the scenes.

    `plugins` are mounted instead of the packages the settings name; `overrides` are settings, shaped like
    the TOML file. The bot's clock is the emulated WeChat's: `wx.world.clock.offset_seconds` moves both.
    """

    def __init__(
        self,
        folder: Path,
        *,
        plugins: Sequence[Plugin] = (),
        packages: Sequence[str] = (),
        overrides: Mapping[str, Any] | None = None,
    ) -> None:
        configured = settings.from_data(_merged(_defaults(folder, packages), overrides or {}))
        account = configured.accounts["default"]
        self.world = World(
            account=Account(
                appid=account.appid,
                token=account.token.get_secret_value(),
                aes_key=account.aes_key.get_secret_value(),
                mode=account.mode,
                callback_url="http://bot.test/wechat",
            ),
            has_people=False,
        )
        self.app = create_app(configured, plugins=plugins, now=self._now)
        self.bot: Bot = self.app.extensions["wxbot"]
        self._hand = Hand(self.world, post=self._post, sleep=lambda _: None)

    def user(self, name: str, *, follows: bool = True) -> User:
        """Return a new person. With `follows=False` they meet the account for the first time."""
        person = self.world.add_person(name, state="following" if follows else "stranger")
        return User(self._hand, openid=person.openid, name=name)

    def scene_for(self, endpoint: str, **values: object) -> str:
        """Return the scene text of a handler (`plugin.function`) for these values."""
        return self.bot.registry.scene_for(endpoint, account="default", **values)

    def mint(self, endpoint: str, **values: object) -> Code:
        """Return a code whose scene the handler (`plugin.function`) answers."""
        return self.world.mint(self.scene_for(endpoint, **values))

    def runs(self, endpoint: str) -> int:
        """Return how often a handler (`plugin.function`) was called."""
        return self.bot.dispatcher.runs[endpoint]

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a database session of the test's own, to prepare tables and to look; committed at the end."""
        with Session(self.bot.engine) as session, session.begin():
            yield session

    def close(self) -> None:
        """Give back what the bot holds, once its handlers have ended; one that hangs is left behind."""
        give_up_at = clock.monotonic() + _PATIENCE_SECONDS
        while self.bot.pool.unfinished and clock.monotonic() < give_up_at:
            time.sleep(0.01)
        self.bot.engine.dispose()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.world.clock.now(), UTC)

    def _post(self, _url: str, query: str, body: bytes, headers: Mapping[str, str]) -> PushResponse:
        method = "POST" if body else "GET"
        with self.app.test_client() as client:
            response: TestResponse = client.open(
                "/wechat", method=method, query_string=query, data=body, headers=dict(headers)
            )
        return PushResponse(
            status=response.status_code, body=response.get_data(), headers=dict(response.headers)
        )


def _defaults(folder: Path, packages: Sequence[str]) -> dict[str, Any]:
    return {
        "secret_key": _SECRET_KEY,
        "database": {"url": f"sqlite:///{folder / 'wxbot.db'}"},
        "handlers": {"packages": list(packages)},
        "accounts": {
            "default": {"appid": Account().appid, "token": _TOKEN, "aes_key": _AES_KEY, "mode": "safe"}
        },
    }


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        inner = merged.get(key)
        both = isinstance(inner, Mapping) and isinstance(value, Mapping)
        merged[key] = _merged(inner, value) if both else value  # type: ignore[arg-type]
    return merged
