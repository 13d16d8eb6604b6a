"""A key of one account walks every route with the ids of another: nothing is told, and nothing changes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.services import fresh_database_url
from wxbot import Plugin
from wxbot.api.keys import Keys
from wxbot.db.models import metadata
from wxbot.followers import person
from wxbot.testing import Wx

# What is written without anybody's doing, or is the caller's own.
OWN = {"api_keys", "idempotent_requests", "access_tokens", "heartbeats", "schedules"}
CANARY = "canary-7431"
NOTHING = "0" * 32

plugin = Plugin("shop")


@plugin.scene("door")
def door(scan: object) -> str:
    """Answer."""
    return "欢迎"


class Tenants:
    """A bot with two accounts; all that there is belongs to the first, and the key to the second."""

    def __init__(self, wx: Wx) -> None:
        self.wx = wx
        keys = Keys(wx.bot.engine)
        self._owner = keys.create("owner", accounts=["default"]).text
        self.thief = keys.create("thief", accounts=["second"]).text
        self.others = {
            "none": None,
            "revoked": keys.create("revoked").text,
            "scopeless": keys.create("scopeless", scopes=[]).text,
        }
        keys.revoke(next(key.id for key in keys.all() if key.name == "revoked"))
        self.ids = self._fill()
        self.secrets = [CANARY, *(id for ids in self.ids.values() for id in ids)]
        self.before = self.state()

    def ask(self, key: str | None, method: str, path: str, **how: Any) -> TestResponse:
        """Send a request with a key."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return self.wx.app.test_client().open(path, method=method, headers=headers, **how)

    def routes(self) -> list[tuple[str, str]]:
        """Return every route of the API that needs a key: its method and its rule."""
        return [
            (method, rule.rule)
            for rule in self.wx.app.url_map.iter_rules()
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
            if rule.rule.startswith("/api/v1/") and not rule.rule.endswith("openapi.json")
        ]

    def state(self) -> dict[str, list[Any]]:
        """Return all rows that are not the caller's own."""
        with self.wx.bot.engine.connect() as connection:
            return {
                table.name: sorted(map(repr, connection.execute(select(table)).all()))
                for table in metadata.sorted_tables
                if table.name not in OWN
            }

    def told(self, answer: TestResponse) -> list[str]:
        """Return which of the owner's things an answer has in it."""
        return [secret for secret in self.secrets if secret in answer.text]

    def _fill(self) -> dict[str, list[str]]:
        ailin = self.wx.user("ailin")
        ailin.scan("door")
        who = person("default", ailin.openid).hex()
        claim = self._make("/claims", {"purpose": "order", "subject": CANARY, "data": {"note": CANARY}})
        code = self._make("/qrcodes", {"scene": CANARY})
        message = self._make(
            "/messages", {"to": {"person": who}, "message": {"type": "text", "content": CANARY}}
        )
        self.wx.bot.bindings.bind("default", CANARY, ailin.openid)
        (event,) = self._get("/events")["items"]
        (binding,) = self._get("/bindings")["items"]
        return {
            "id": [claim["id"], message["id"], event["id"], binding["id"]],
            "person": [who],
            "scene": [claim["scene"]],
            "openid": [ailin.openid],
            "ticket": [claim["code"]["ticket"], code["ticket"]],
        }

    def _make(self, path: str, body: object) -> dict[str, Any]:
        answer = self.ask(self._owner, "POST", f"/api/v1{path}", json=body)
        assert answer.status_code < 300, answer.text
        made: dict[str, Any] = answer.json
        return made

    def _get(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ask(self._owner, "GET", f"/api/v1{path}").json
        return found


@pytest.fixture(scope="module")
def tenants(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenants]:
    """Return them, filled."""
    folder: Path = tmp_path_factory.mktemp("tenants")
    second = {"appid": "wx0000000000000002", "token": "anothertokenfortests", "mode": "plain"}
    wx = Wx(
        folder,
        plugins=[plugin],
        overrides={"accounts": {"second": second}},
        database_url=fresh_database_url(folder),
    )
    wx.app.extensions["wxbot.streams"]._longest_seconds = 0.05
    yield Tenants(wx)
    wx.close()


def _unknown(id: str) -> str:
    """Return what looks the same, and is not there."""
    return re.sub("[A-Za-z0-9]", "0", id)


def bodies(tenants: Tenants, method: str) -> list[Any]:
    """Return bodies that name the owner's things in every way there is; nobody reads one of GET's."""
    text = {"type": "text", "content": "hello"}
    named = [
        {"to": {"person": tenants.ids["person"][0]}, "message": text},
        {"to": {"openid": tenants.ids["openid"][0]}, "message": text},
        {"purpose": "order", "subject": CANARY, "account": "default"},
        {"scene": CANARY, "account": "default"},
    ]
    return [None, *(named[:1] if method == "GET" else named)]


def asked(tenants: Tenants) -> Iterator[tuple[str, str, str, dict[str, str], Any]]:
    """Yield every route with every id that has a place in it, and with every query and body."""
    ids = [each for ids in tenants.ids.values() for each in ids]
    for method, rule in tenants.routes():
        for id in ids if "<" in rule else ids[:1]:
            for query in ({}, {"account": "default"}):
                for body in bodies(tenants, method):
                    yield method, rule, id, query, body


def test_every_route_is_as_if_the_others_were_not_there(tenants: Tenants) -> None:
    assert len(tenants.routes()) >= 15
    for method, rule, id, query, body in asked(tenants):
        theirs, none = (
            tenants.ask(tenants.thief, method, re.sub("<[^>]+>", value, rule), query_string=query, json=body)
            for value in (id, _unknown(id))
        )
        said, known = theirs.text.replace(id, "ID"), none.text.replace(_unknown(id), "ID")
        assert (theirs.status_code, said) == (none.status_code, known), (method, rule)
        sent = json.dumps([id, query, body])
        told = [secret for secret in tenants.told(theirs) if secret not in sent]
        assert not told, (method, rule, query, body)

    assert tenants.state() == tenants.before


@pytest.mark.parametrize("who", ["none", "revoked", "scopeless"])
def test_every_route_refuses_whoever_may_not(tenants: Tenants, who: str) -> None:
    for method, rule in tenants.routes():
        for id in (tenants.ids["id"][0], NOTHING):
            path = re.sub("<[^>]+>", id, rule)

            answer = tenants.ask(tenants.others[who], method, path, json={})

            expected = (403, "scope") if who == "scopeless" else (401, "no_key")
            assert (answer.status_code, answer.json["code"]) == expected, (method, rule)

    assert tenants.state() == tenants.before


@settings(
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_nothing_is_told_whatever_is_asked(tenants: Tenants, data: st.DataObject) -> None:
    method, rule = data.draw(st.sampled_from(tenants.routes()))
    things = st.sampled_from([*tenants.secrets, "default", "order", NOTHING])
    names = st.sampled_from(
        ["account", "subject", "purpose", "person", "site_user", "scene", "kind", "limit", "is_permanent"]
    )
    query = data.draw(st.dictionaries(names, things, max_size=3))
    body = data.draw(st.one_of(st.none(), st.dictionaries(names, things, max_size=4)))
    path = re.sub("<[^>]+>", data.draw(things), rule)

    answer = tenants.ask(tenants.thief, method, path, query_string=query, json=body)

    sent = json.dumps([path, query, body])
    assert [secret for secret in tenants.told(answer) if secret not in sent] == []
    for name, rows in tenants.state().items():
        assert set(tenants.before[name]) <= set(rows), name
        # Of its own it may make what it likes, under whatever name.
        new = set(rows) - set(tenants.before[name])
        assert name == "claim_steps" or all("'second'" in row for row in new), name


def test_owner_finds_all_of_it(tenants: Tenants) -> None:
    """Without this the others would hold for a bot that has nothing."""
    owner = tenants._owner
    for id in tenants.ids["id"][:3]:
        found = [
            tenants.ask(owner, "GET", f"/api/v1/{path}/{id}").status_code
            for path in ("claims", "messages", "events")
        ]
        assert sorted(found) == [200, 404, 404]
    assert tenants.ask(owner, "GET", f"/api/v1/followers/{tenants.ids['person'][0]}").status_code == 200
    assert CANARY in tenants.ask(owner, "GET", "/api/v1/bindings").text
