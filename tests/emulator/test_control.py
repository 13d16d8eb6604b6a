"""Trouble over HTTP: every switch can be set, and nothing else."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from wxbot.emulator.server import create_emulator
from wxbot.emulator.world import World


@pytest.fixture
def client(world: World) -> FlaskClient:
    return create_emulator(world).test_client()


def test_trouble_is_switched_on_and_told(client: FlaskClient, world: World) -> None:
    answer = client.post("/control/trouble", json={"lost_answers": 2, "api_errors": [-1]})

    assert answer.json["trouble"]["lost_answers"] == 2  # type: ignore[index]
    assert (world.trouble.lost_answers, world.trouble.api_errors) == (2, (-1,))


def test_rules_and_account_are_changed(client: FlaskClient, world: World) -> None:
    client.post("/control/rules", json={"default_expire_seconds": 30, "long_expiry": "clamp"})
    client.post("/control/account", json={"callback_url": "http://b.example/w", "mode": "compatible"})

    assert (world.rules.default_expire_seconds, world.rules.long_expiry) == (30, "clamp")
    assert (world.account.callback_url, world.account.mode) == ("http://b.example/w", "compatible")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("trouble", {"no_such_switch": 1}),
        ("trouble", {"lost_answers": "2"}),
        ("trouble", {"lost_answers": True}),
        ("trouble", {"slow_seconds": -1}),
        ("trouble", {"second_receiver": 1}),
        ("rules", {"fault_notice": None}),
        ("rules", {"long_expiry": "sometimes"}),
        ("trouble", {"api_errors": ["x"]}),
        ("trouble", {"api_errors": [[1]]}),
        ("trouble", {"api_errors": [True]}),
        ("trouble", {"api_faults": [5]}),
        ("rules", {"ip_whitelist": [None]}),
        ("rules", {"answer_content_type": "a\nb"}),
        ("rules", {"answer_content_type": "文"}),
        ("account", {"mode": "open"}),
        ("account", {"appid": 5}),
        ("account", {"aes_key": "too short"}),
        ("account", {"colour": "red"}),
        ("clock", {}),
        ("clock", {"offset_seconds": True}),
        ("clock", {"offset_seconds": 10**400}),
        ("clock", {"offset_seconds": 100 * 365 * 86400}),
        ("clock", {"offset_seconds": -60 * 365 * 86400}),
        ("account", {"callback_url": "http://[::1"}),
        ("account", {"callback_url": "localhost:8000/wechat"}),
        ("account", {"callback_url": "http:///wechat"}),
        ("account", {"callback_url": "http://a.example:99999/"}),
        ("account", {"callback_url": "http://a..b/wechat"}),
        ("account", {"callback_url": f"http://{'a' * 64}.example/wechat"}),
        ("trouble", [1]),
    ],
)
def test_what_is_no_switch_is_refused(client: FlaskClient, world: World, *, path: str, body: Any) -> None:
    before = (world.trouble, world.rules, world.account, world.clock.offset_seconds)

    assert client.post(f"/control/{path}", json=body).status_code == 400
    assert (world.trouble, world.rules, world.account, world.clock.offset_seconds) == before


def test_foreign_page_cannot_make_trouble(client: FlaskClient, world: World) -> None:
    form = client.post("/control/reset", data="{}", content_type="text/plain")

    assert form.status_code == 400
    assert "application/json" in form.json["error"]  # type: ignore[index]


def test_clock_moves_and_codes_expire(client: FlaskClient, world: World) -> None:
    code = world.mint("vip", expire_seconds=60)

    client.post("/control/clock", json={"offset_seconds": 3600})

    assert code.is_expired(world.clock.now())


@pytest.mark.parametrize("year", [1970, 2105])
def test_codes_are_made_at_both_ends_of_time(client: FlaskClient, world: World, year: int) -> None:
    offset = (year - 1970) * 365.25 * 86400 + 86400 - world.clock.now()

    answer = client.post("/control/clock", json={"offset_seconds": offset})

    assert answer.status_code == 200
    assert not world.mint("vip").is_expired(world.clock.now())


def test_callback_can_be_taken_away(client: FlaskClient, world: World) -> None:
    assert client.post("/control/account", json={"callback_url": ""}).status_code == 200
    assert world.account.callback_url == ""


def test_tokens_expire_on_request(client: FlaskClient, world: World) -> None:
    token, _ = world.tokens.issue_stable(world.clock.now())

    client.post("/control/expire-tokens", json={})

    answer = client.get(f"/cgi-bin/menu/get?access_token={token}").get_json(force=True)
    assert answer["errcode"] == 42001


def test_reset_begins_anew_but_keeps_the_account(client: FlaskClient, world: World) -> None:
    world.mint("vip")
    world.add_person("Dana")
    client.post("/control/trouble", json={"repeats": 2})

    client.post("/control/reset", json={})

    assert (len(world.people), world.codes.minted, world.trouble.repeats) == (3, {}, 0)
    assert world.account.callback_url == "http://bot.example/wechat"


def test_reset_ends_tokens_unless_they_are_kept(client: FlaskClient, world: World) -> None:
    token, _ = world.tokens.issue_stable(world.clock.now())

    def errcode() -> int:
        return int(client.get(f"/cgi-bin/qrcode/create?access_token={token}").get_json(force=True)["errcode"])

    client.post("/control/reset", json={"keeps_tokens": True})
    kept = errcode()
    client.post("/control/reset", json={})

    assert kept != 40001 and errcode() == 40001


def test_state_tells_no_secret(client: FlaskClient, world: World) -> None:
    told = client.get("/control/state").get_data(as_text=True)

    assert world.account.appid in told
    assert world.account.token not in told
    assert world.account.aes_key not in told
    assert '"secret"' not in told
