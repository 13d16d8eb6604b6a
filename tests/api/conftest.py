"""The API in front of the emulated WeChat, and a client that holds a key."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from tests.qrcodes.conftest import OneToken
from tests.services import fresh_database_url
from wxbot.api.application import new_app
from wxbot.api.bindings import bindings_api
from wxbot.api.claims import claims_api
from wxbot.api.description import docs_blueprint
from wxbot.api.guard import Guard, GuardedApi
from wxbot.api.idempotency import Book
from wxbot.api.keys import Keys
from wxbot.api.qrcodes import qrcodes_api
from wxbot.bindings.bindings import Bindings
from wxbot.bindings.claims import Claims
from wxbot.bindings.linking import Linking
from wxbot.db.engine import open_engine
from wxbot.emulator.threaded import run_emulator
from wxbot.emulator.world import APPID, SECRET, World
from wxbot.qrcodes.mint import Minter
from wxbot.streams import Streams
from wxbot.wechat.api import ApiAccount, ApiClient


class Site:
    """A program that uses the API."""

    def __init__(self, app: Flask, world: World, keys: Keys, *, claims: Claims, bindings: Bindings) -> None:
        self.app = app
        self.claims = claims
        self.bindings = bindings
        self.world = world
        self.keys = keys
        self.key = keys.create("site").text

    @property
    def client(self) -> FlaskClient:
        """An HTTP client without a key."""
        return self.app.test_client()

    def get(self, path: str, **query: Any) -> TestResponse:
        """GET a path below /api/v1 with the key."""
        return self.client.get(f"/api/v1{path}", query_string=query, headers=self._headers())

    def post(self, path: str, body: Any = None, *, once: str | None = None) -> TestResponse:
        """POST JSON to a path below /api/v1 with the key, and with an Idempotency-Key."""
        headers = self._headers() | ({} if once is None else {"Idempotency-Key": once})
        return self.client.post(f"/api/v1{path}", json=body, headers=headers)

    def delete(self, path: str, **query: Any) -> TestResponse:
        """DELETE a path below /api/v1 with the key."""
        return self.client.delete(f"/api/v1{path}", query_string=query, headers=self._headers())

    def pass_time(self, seconds: int) -> None:
        """Let time pass for the platform and the bot."""
        self.world.clock.offset_seconds += seconds

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@pytest.fixture(scope="session")
def api_world() -> Iterator[tuple[World, str]]:
    """One emulator for all tests of this package, with its address."""
    world = World()
    with run_emulator(world) as running:
        yield world, running.url


@pytest.fixture
def api_engine(tmp_path: Path) -> Iterator[Engine]:
    """Return an engine on an empty database."""
    engine = open_engine(fresh_database_url(tmp_path), connections=24)
    yield engine
    engine.dispose()


@pytest.fixture
def site(api_world: tuple[World, str], api_engine: Engine) -> Site:
    """Return a program in front of a fresh platform and an empty database."""
    world, url = api_world
    world.reset()

    def now() -> datetime:
        return datetime.fromtimestamp(world.clock.now(), UTC)

    account = ApiAccount(name="default", appid=APPID, secret=SECRET, api_base=url, mp_base=url)
    client = ApiClient(account, token=OneToken(world))
    minter = Minter(api_engine, client_for=lambda _: client, now=now)
    keys = Keys(api_engine, now=now)
    app = new_app("test")
    repeats = Book(api_engine, secret_keys=["a key for tests, long enough to be used"])
    accounts = ["default", "second"]
    guard = Guard(engine=api_engine, keys=keys, repeats=repeats, accounts=accounts, now=now)
    claims, bindings = Claims(api_engine), Bindings(api_engine)

    def apis(guard: Guard) -> list[GuardedApi]:
        return [
            qrcodes_api(minter, guard),
            claims_api(claims, minter, guard, streams=Streams(2, longest_seconds=5, every_seconds=0.02)),
            bindings_api(bindings, Linking(api_engine, claims, bindings), guard),
        ]

    for api in apis(guard):
        app.register_api(api.blueprint)
    app.register_blueprint(docs_blueprint(lambda: apis(replace(guard, is_describing=True))))
    return Site(app, world, keys, claims=claims, bindings=bindings)
