"""A dashboard with its users, and browsers for them."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, create_engine, insert, select
from sqlalchemy.pool import StaticPool
from werkzeug.test import TestResponse

from tests.services import fresh_database_url
from wxbot.admin.roles import Role
from wxbot.admin.users import Users
from wxbot.db.administration import admin_users
from wxbot.testing import Wx

PASSWORD = "two words and a tree"


class Browser:
    """One person's browser, which sends forms as a browser does: with the token of the page."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()

    def get(self, path: str, **options: Any) -> TestResponse:
        """Open a page."""
        return self.client.get(path, **options)

    def token(self, path: str) -> str:
        """Return the token in the forms of a page."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.get(path).text)
        assert found, f"{path} has no form"
        return found[1]

    def post(self, path: str, *, page: str = "/admin/", **values: str | list[str]) -> TestResponse:
        """Send a form with the token of a page."""
        return self.client.post(path, data={"csrf": self.token(page), **values})

    def log_in(self, name: str, password: str = PASSWORD, **options: Any) -> TestResponse:
        """Send the form of the login."""
        data = {"csrf": self.token("/admin/login"), "name": name, "password": password}
        return self.client.post("/admin/login", data=data, **options)

    def cookie(self) -> str:
        """Return what the browser holds for its session."""
        cookie = self.client.get_cookie("wxbot_session")
        return "" if cookie is None else cookie.value


@cache
def hashed() -> str:
    """Return the password of all three, hashed once: it is meant to take long."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    admin_users.create(engine)
    Users(engine).create("anybody", password=PASSWORD, role=Role.OWNER)
    with engine.connect() as connection:
        return str(connection.scalar(select(admin_users.c.password)))


def make_users(engine: Engine) -> None:
    """Make a user of each role, named like it."""
    values = {"password": hashed(), "created_at": 1_700_000_000, "password_at": 1_700_000_000}
    rows = [
        {"id": f"{number:012x}", "name": role, "role": role, **values} for number, role in enumerate(Role)
    ]
    with engine.begin() as connection:
        connection.execute(insert(admin_users), rows)


class Office:
    """The dashboard of a bot and an owner, an operator and a viewer."""

    def __init__(self, folder: Path, overrides: dict[str, Any]) -> None:
        url = fresh_database_url(folder)
        self.wx = Wx(folder, database_url=url, overrides=overrides)
        self.app = self.wx.app
        self.users = Users(self.wx.bot.engine)
        make_users(self.wx.bot.engine)

    def browser(self) -> Browser:
        """Return a browser nobody has logged in with."""
        return Browser(self.app)

    def browser_of(self, name: str) -> Browser:
        """Return the browser of somebody who is logged in."""
        browser = self.browser()
        assert browser.log_in(name).status_code == 303
        return browser

    def pass_seconds(self, seconds: float) -> None:
        """Let time go by."""
        self.wx.world.clock.offset_seconds += seconds


@pytest.fixture
def overrides() -> dict[str, Any]:
    """Return settings of this test's own."""
    return {}


@pytest.fixture
def office(tmp_path: Path, overrides: dict[str, Any]) -> Iterator[Office]:
    """Return a dashboard with users."""
    office = Office(tmp_path, overrides)
    yield office
    office.wx.close()
