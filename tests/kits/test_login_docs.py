"""The site that docs/login.md shows, pasted: who comes back is logged in by a state of their own alone."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from wxbot.emulator.threaded import Running

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def asked() -> list[Any]:
    """What the bot was asked."""
    return []


@pytest.fixture(params=["login.md", "login.zh-CN.md"])
def browser(request: pytest.FixtureRequest, asked: list[Any]) -> Iterator[FlaskClient]:
    """A browser at the page's site, whose bot takes every code."""
    [block] = re.findall(r"^```python\n(.*?)^```$", (DOCS / request.param).read_text(), re.M | re.S)
    names: dict[str, Any] = {"__name__": "site"}
    exec(compile(block, request.param, "exec"), names)
    names["site"].secret_key = "only for tests"
    with Running(bot_that_takes_all(asked)) as running:
        names["BOT"] = running.url
        yield names["site"].test_client()


def bot_that_takes_all(asked: list[Any]) -> Flask:
    app = Flask("bot")

    @app.post("/api/v1/logins/exchange")
    def exchange() -> dict[str, Any]:
        asked.append(request.get_json())
        return {"id": "1" * 32, "person": "2" * 32, "site_user": None}

    return app


def test_own_state_logs_in(browser: FlaskClient, asked: list[Any]) -> None:
    away = urlsplit(browser.get("/login").headers["Location"])
    [state] = parse_qs(away.query)["state"]

    done = browser.get("/login/done", query_string={"code": "c", "state": state})

    assert (done.status_code, asked) == (302, [{"code": "c", "state": state}])
    with browser.session_transaction() as session:
        assert dict(session) == {"user": f"wechat:{'2' * 32}", "login": "1" * 32}


@pytest.mark.parametrize("state", [{}, {"state": ""}, {"state": "another"}], ids=["none", "empty", "another"])
@pytest.mark.parametrize("has_begun", [False, True])
def test_every_other_state_is_refused_unasked(
    browser: FlaskClient, asked: list[Any], *, state: dict[str, str], has_begun: bool
) -> None:
    if has_begun:
        browser.get("/login")

    done = browser.get("/login/done", query_string={"code": "c", **state})

    assert (done.status_code, asked) == (400, [])
