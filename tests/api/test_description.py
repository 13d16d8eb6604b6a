"""The API does what its description says, whatever is sent to it: Schemathesis, with all of its checks.

With WXBOT_LONG=1, fifty times as many requests, and sequences of them.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services import fresh_database_url
from wxbot import Plugin
from wxbot.api.keys import SCOPES, Keys
from wxbot.emulator.threaded import Running
from wxbot.testing import Wx

IS_LONG = os.environ.get("WXBOT_LONG") == "1"
ROOT = Path(__file__).parents[2]
PHASES = "examples,coverage,fuzzing" + (",stateful" if IS_LONG else "")

plugin = Plugin("shop")


@plugin.scene("door")
def door(scan: object) -> str:
    """Answer."""
    return "欢迎"


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Wx]:
    """Return a bot that knows a person."""
    bot = Wx(tmp_path, plugins=[plugin], database_url=fresh_database_url(tmp_path))
    bot.app.extensions["wxbot.streams"]._longest_seconds = 0.05
    bot.user("ailin").scan("door")
    yield bot
    bot.close()


def test_every_scope_is_that_of_a_call(bot: Wx) -> None:
    paths = (bot.app.test_client().get("/api/v1/openapi.json").json or {})["paths"]

    operations = [operation for item in paths.values() for operation in item.values()]
    named = {each["key"][0] for operation in operations for each in operation["security"]}
    # The one that is left shows more in answers to others.
    assert named == {*SCOPES} - {"followers:openid"}


def made(bot: Wx, key: str) -> dict[str, list[str]]:
    """Make something of every kind, and return the ids."""
    client, headers = bot.app.test_client(), {"Authorization": f"Bearer {key}"}
    wanted = [{"purpose": "order", "subject": str(number)} for number in range(40)]
    claims = [client.post("/api/v1/claims", json=body, headers=headers).json for body in wanted]
    (person,) = client.get("/api/v1/followers", headers=headers).json["items"]
    (event,) = client.get("/api/v1/events", headers=headers).json["items"]
    body = {"to": {"person": person["person"]}, "message": {"type": "text", "content": "您好"}}
    message = client.post("/api/v1/messages", json=body, headers=headers).json
    return {
        "claims": [claim["id"] for claim in claims],
        "followers": [person["person"]],
        "events": [event["id"]],
        "messages": [message["id"]],
    }


@pytest.mark.timeout(3600 if IS_LONG else 400)
def test_api_is_as_described(bot: Wx, tmp_path: Path) -> None:
    key = Keys(bot.bot.engine).create("site").text
    hooks = {
        "SCHEMATHESIS_HOOKS": "tests.api.schemathesis_hooks",
        "WXBOT_TEST_KNOWN": json.dumps(made(bot, key)),
        "PYTHONPATH": str(ROOT),
    }

    with Running(bot.app) as running:
        command = ["schemathesis.cli", "run", f"{running.url}/api/v1/openapi.json"]
        header = ["--header", f"Authorization: Bearer {key}"]
        bounds = ["--max-examples", "250" if IS_LONG else "5", "--seed", "1", "--phases", PHASES]
        ended = subprocess.run(
            [sys.executable, "-m", *command, *header, *bounds, "--checks", "all", "--no-color"],
            cwd=tmp_path,
            env={**os.environ, **hooks},
            capture_output=True,
            text=True,
            check=False,
        )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Failures" not in ended.stdout
