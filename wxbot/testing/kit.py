"""A bot and an emulated WeChat in one process, for one test."""

import difflib
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import case, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from wxbot import clock, settings
from wxbot.app import create_app
from wxbot.bot import Bot
from wxbot.db.engine import retire
from wxbot.db.models import jobs
from wxbot.db.statements import database_now
from wxbot.emulator.codes import Code
from wxbot.emulator.hand import Hand
from wxbot.emulator.push import PushResponse
from wxbot.emulator.world import Account, World
from wxbot.errors import WxbotError
from wxbot.scenes.plugin import Plugin
from wxbot.testing.actors import User
from wxbot.testing.database import migrated_file
from wxbot.testing.http import WorldHttp
from wxbot.wechat.api import ApiClient
from wxbot.working import build_worker

_PATIENCE_SECONDS = 3.0
_LONGEST_SECONDS = 10.0
_MOST_ROUNDS = 20
_TOKEN = "wxbottestcallbacktoken"
_AES_KEY = "wxbotwxbotwxbotwxbotwxbotwxbotwxbotwxbot123"
_SECRET = "wxbottestsecret"
_SECRET_KEY = "a secret key that is only good enough for tests"


class Wx:
    """The fixture `wx`: people, codes and a look behind the scenes.

    `plugins` are mounted instead of the packages the settings name; `overrides` are settings, shaped like
    the TOML file. The bot's clock is the emulated WeChat's: `wx.world.clock.offset_seconds` moves both. What
    the bot asks of WeChat's API is answered from the same world. `database_url` empty: a file in `folder`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        plugins: Sequence[Plugin] = (),
        packages: Sequence[str] = (),
        overrides: Mapping[str, Any] | None = None,
        database_url: str = "",
    ) -> None:
        file = folder / "wxbot.db"
        own_url = f"sqlite:///{file}"
        defaults = _defaults(folder, database_url=database_url or own_url, packages=packages)
        configured = settings.from_data(_merged(defaults, overrides or {}))
        if configured.database.url.get_secret_value() == own_url and not file.exists():
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(migrated_file(), file)
        account = configured.accounts["default"]
        self.world = World(
            account=Account(
                appid=account.appid,
                secret=account.secret.get_secret_value(),
                token=account.token.get_secret_value(),
                aes_key=account.aes_key.get_secret_value(),
                mode=account.mode,
                callback_url="http://bot.test/wechat",
            ),
            has_people=False,
        )
        http = WorldHttp(self.world)
        self.app = create_app(configured, plugins=plugins, http=http, now=self._now)
        self.bot: Bot = self.app.extensions["wxbot"]
        self._hand = Hand(self.world, post=self._post, sleep=lambda _: None)
        self._felt_seconds = 0

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
        """Return how often a handler, job or observer (`plugin.function`) was called.

        Raises WxbotError when nothing has this name: a misspelt one would always have been called 0 times.
        """
        runs = self.bot.dispatcher.runs
        known = {*self.bot.registry.names(), *runs}
        if endpoint not in known:
            near = difflib.get_close_matches(endpoint, sorted(known), n=1)
            hint = f"did you mean {near[0]!r}?" if near else "name it plugin.function"
            raise WxbotError(f"nothing is called {endpoint!r}: {hint}")
        return runs[endpoint]

    @property
    def api(self) -> ApiClient:
        """The bot's client of WeChat's API, as jobs get it under the name `wechat`."""
        return self.bot.clients["default"]

    def work(self) -> int:
        """Do the jobs that are due, as a worker would, and return how often one was begun.

        Jobs of handlers that still run are not there yet: `wait` first. A job that failed waits for its time,
        which comes when the clock is moved.
        """
        self._move_jobs()
        worker = build_worker(self.bot)
        count = 0
        # A list is sent one message at a time by a job that asks to be done again; one that always asks
        # must not hold the test for ever.
        for _ in range(_MOST_ROUNDS):
            done = worker.run_due()
            if not done:
                break
            count += done
        return count

    def wait(self) -> None:
        """Wait until the handlers that ran past the deadline have ended and are settled.

        AssertionError when one still runs after ten seconds.
        """
        assert self._settled(_LONGEST_SECONDS), (
            f"a handler still runs after {_LONGEST_SECONDS:g} s; end it before wx.wait()"
        )

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a database session of the test's own, to prepare tables and to look; committed at the end."""
        with Session(self.bot.engine) as session, session.begin():
            yield session

    def close(self) -> None:
        """Give back what the bot holds, once its handlers have ended; one that hangs is left behind."""
        self._settled(_PATIENCE_SECONDS)
        self.bot.runs.watch.close()
        self.bot.runs.clerks.close()
        self.bot.outage.close()
        self.bot.pool.close()
        self.bot.channels.view.close()
        self.bot.queue.close()
        retire(self.bot.engine)

    def _settled(self, seconds: float) -> bool:
        give_up_at = clock.monotonic() + seconds
        while self.bot.pool.unfinished and clock.monotonic() < give_up_at:
            time.sleep(0.01)
        return not self.bot.pool.unfinished

    def _move_jobs(self) -> None:
        """Bring jobs that wait as near as the clock came: they go by the database's time."""
        moved = int(self.world.clock.offset_seconds) - self._felt_seconds
        if not moved:
            return
        self._felt_seconds += moved
        now, run_at = database_now(), jobs.c.run_at - moved
        waiting = update(jobs).where(jobs.c.state == "waiting", jobs.c.run_at > now)
        with self.session() as session:
            session.execute(waiting.values(run_at=case((run_at > now, run_at), else_=now)))

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


def _defaults(folder: Path, *, database_url: str, packages: Sequence[str]) -> dict[str, Any]:
    return {
        "secret_key": _SECRET_KEY,
        "database": {"url": database_url},
        "jobs": {"path": str(folder / "jobs.db")},
        "spool": {"path": str(folder / "spool"), "reserve_mb": 0},
        "handlers": {"packages": list(packages)},
        "accounts": {
            "default": {
                "appid": Account().appid,
                "secret": _SECRET,
                "token": _TOKEN,
                "aes_key": _AES_KEY,
                "mode": "safe",
            }
        },
    }


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        inner = merged.get(key)
        both = isinstance(inner, Mapping) and isinstance(value, Mapping)
        merged[key] = _merged(inner, value) if both else value  # type: ignore[arg-type]
    return merged
