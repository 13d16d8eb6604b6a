"""Trouble with the API: what befalls the calls of a path, how often each was made, and how much is left."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient

from wxbot.emulator.rules import Rules, Trouble
from wxbot.emulator.server import create_emulator
from wxbot.emulator.threaded import run_emulator
from wxbot.emulator.world import Account, World

REAL = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def client(world: World) -> FlaskClient:
    return create_emulator(world).test_client()


@pytest.fixture
def url(world: World) -> Iterator[str]:
    with run_emulator(world) as running:
        yield running.url


def token_of(world: World) -> str:
    return world.tokens.issue_classic(world.clock.now())[0]


def test_fault_befalls_its_path_only_and_until_it_is_taken_back(client: FlaskClient, world: World) -> None:
    client.post("/control/trouble", json={"api_faults": ["qrcode/create=45009"]})

    refused = [client.post("/cgi-bin/qrcode/create").json["errcode"] for _ in range(2)]  # type: ignore[index]
    other = client.get(f"/cgi-bin/menu/get?access_token={token_of(world)}").json

    assert (refused, other["errcode"]) == ([45009, 45009], 46003)  # type: ignore[index]
    client.post("/control/trouble", json={"api_faults": []})
    assert client.post("/cgi-bin/qrcode/create").json["errcode"] == 41001  # type: ignore[index]


def test_star_is_every_call_but_those_for_tokens(client: FlaskClient, world: World) -> None:
    world.trouble = Trouble(api_faults=("*=40001",))

    assert client.get("/cgi-bin/menu/get").json["errcode"] == 40001  # type: ignore[index]
    assert client.get("/cgi-bin/token").json["errcode"] == 40002  # type: ignore[index]


@pytest.mark.parametrize(
    "fault", ["qrcode/create", "qrcode/create=", "x=sleepy", "X=1", "=1", "x=lost/0", "x=lost/"]
)
def test_what_is_no_fault_is_refused(client: FlaskClient, fault: str) -> None:
    answer = client.post("/control/trouble", json={"api_faults": [fault]})

    assert answer.status_code == 400 and "hang" in answer.json["error"]  # type: ignore[index]


@pytest.mark.parametrize("fault", ["reset", "half"])
def test_connection_breaks(url: str, world: World, fault: str) -> None:
    world.trouble = Trouble(api_faults=(f"token={fault}",))

    with pytest.raises(requests.RequestException):
        requests.get(f"{url}/cgi-bin/token", timeout=5)


def test_silence_outlasts_everybody(url: str, world: World) -> None:
    world.trouble = Trouble(api_faults=("token=hang",))

    with pytest.raises(requests.Timeout):
        requests.get(f"{url}/cgi-bin/token", timeout=0.2)


def test_trickle_begins_at_once_and_does_not_end(url: str, world: World) -> None:
    world.trouble = Trouble(api_faults=("token=slow",))

    with requests.get(f"{url}/cgi-bin/token", timeout=20, stream=True) as answer:
        drops = [drop for drop, _ in zip(answer.iter_content(1), range(3), strict=False)]

    assert drops == [b" ", b" ", b" "]


@pytest.mark.parametrize(("fault", "status"), [("html", 200), ("failure", 500)])
def test_answer_is_a_page(client: FlaskClient, world: World, *, fault: str, status: int) -> None:
    world.trouble = Trouble(api_faults=(f"token={fault}",))

    answer = client.get("/cgi-bin/token")

    assert (answer.status_code, answer.data[:6]) == (status, b"<html>")


def test_state_counts_the_calls_of_each_path(client: FlaskClient) -> None:
    for _ in range(3):
        client.get("/cgi-bin/token")

    assert client.get("/control/state").json["calls"] == {"token": 3}  # type: ignore[index]


def test_minute_quota_ends_with_the_minute(client: FlaskClient, world: World) -> None:
    world.rules = Rules(code_calls_a_minute=1)
    world.clock.offset_seconds = 60 - world.clock.now() % 60
    body = {
        "expire_seconds": 60,
        "action_name": "QR_STR_SCENE",
        "action_info": {"scene": {"scene_str": "door"}},
    }
    address = f"/cgi-bin/qrcode/create?access_token={token_of(world)}"

    answers = [client.post(address, json=body).json for _ in range(2)]
    world.clock.offset_seconds += 60
    answers.append(client.post(address, json=body).json)

    assert [answer.get("errcode") for answer in answers] == [None, 45011, None]  # type: ignore[union-attr]


def test_quota_is_told_and_cleared(client: FlaskClient, world: World) -> None:
    world.rules = Rules(code_calls_a_day=1)
    token = f"?access_token={token_of(world)}"
    client.post(f"/cgi-bin/qrcode/create{token}", json={"action_name": "none"})

    def quota() -> object:
        body = {"cgi_path": "/cgi-bin/qrcode/create"}
        return client.post(f"/cgi-bin/openapi/quota/get{token}", json=body).json["quota"]  # type: ignore[index]

    assert quota() == {"daily_limit": 1, "used": 1, "remain": 0}
    client.post(f"/cgi-bin/clear_quota{token}", json={"appid": world.account.appid})
    assert quota() == {"daily_limit": 1, "used": 0, "remain": 1}


def test_quota_is_cleared_ten_times_a_month(client: FlaskClient, world: World) -> None:
    body = {"appid": world.account.appid}

    def clear() -> int:
        token = token_of(world)
        answer = client.post(f"/cgi-bin/clear_quota?access_token={token}", json=body).json
        return answer["errcode"]  # type: ignore[index,no-any-return]

    assert [clear() for _ in range(11)] == [*[0] * 10, 48006]
    world.clock.offset_seconds = 32 * 86_400
    assert clear() == 0


def test_lost_answer_is_lost_after_the_act(url: str, world: World) -> None:
    world.trouble = Trouble(api_faults=("tags/create=lost",))
    address = f"{url}/cgi-bin/tags/create?access_token={token_of(world)}"

    with pytest.raises(requests.ConnectionError):
        requests.post(address, json={"tag": {"name": "a"}}, timeout=5)

    assert list(world.tags.values())[1:] == ["a"]
    (call,) = world.ledger.calls("tags/create")
    assert (call.errcode, call.fault) == (0, "lost")


def test_fault_can_befall_every_third_call(client: FlaskClient, world: World) -> None:
    world.trouble = Trouble(api_faults=("menu/get=45009/3", "*=48001/2"))
    address = f"/cgi-bin/menu/get?access_token={token_of(world)}"

    codes = [client.get(address).json["errcode"] for _ in range(6)]  # type: ignore[index]

    assert codes == [46003, 48001, 45009, 48001, 46003, 45009]


def test_ledger_keeps_calls_without_their_secrets(client: FlaskClient, world: World) -> None:
    secret = {"grant_type": "client_credential", "appid": world.account.appid, "secret": "secret"}
    client.post("/cgi-bin/stable_token", json=secret)
    client.get("/cgi-bin/token", query_string=secret)
    token = token_of(world)
    client.post(f"/cgi-bin/tags/create?access_token={token}", json={"tag": {"name": "a"}})
    world.trouble = Trouble(api_faults=("menu/get=html", "menu/delete=45009"))
    client.get("/cgi-bin/menu/get?access_token=x")
    client.get("/cgi-bin/menu/delete?access_token=x")
    client.get("/cgi-bin/showqrcode?ticket=none")

    told = client.get("/control/calls").json["calls"]  # type: ignore[index]

    assert [(call["path"], call["errcode"], call["fault"]) for call in told] == [
        ("stable_token", 0, ""),
        ("token", 0, ""),
        ("tags/create", 0, ""),
        ("menu/get", None, "html"),
        ("menu/delete", 45009, ""),
        ("showqrcode", None, ""),
    ]
    assert (told[0]["body"], told[2]["body"]) == (None, {"tag": {"name": "a"}})
    assert told[1]["query"] == {"grant_type": "client_credential", "appid": world.account.appid}
    assert told[2]["query"] == {}
    since = {"path": "tags/create", "since": told[1]["number"]}
    assert client.get("/control/calls", query_string=since).json["calls"] == [told[2]]  # type: ignore[index]
    since = {"since": told[-1]["number"]}
    assert client.get("/control/calls", query_string=since).json["calls"] == []  # type: ignore[index]


@pytest.mark.parametrize(
    ("path", "query", "body", "told"),
    [
        ("clear_quota/v2", {"appid": "wx1", "appsecret": REAL}, None, ({"appid": "wx1"}, None)),
        ("stable_token/", {}, {"appid": "wx1", "secret": REAL}, ({}, None)),
        ("get_component", {"AppSecret": REAL}, {"component_appsecret": REAL, "a": 1}, ({}, {"a": 1})),
        (
            "a",
            {"component_access_token": "T", "key": REAL},
            {"b": [{"access_token": "T"}]},
            ({"key": None}, {"b": [{}]}),
        ),
        ("a", {}, {"b": [REAL, {"c": REAL}], "d": "x"}, ({}, {"b": [None, {"c": None}], "d": "x"})),
        ("a", {}, REAL, ({}, None)),
        ("/sns/oauth2/access_token", {}, {"appid": "wx1", "secret": REAL, "code": "C"}, ({}, None)),
        ("/sns/oauth2/access_token/", {"code": "C"}, {"code": "C"}, ({}, None)),
    ],
)
def test_ledger_keeps_no_secret_wherever_it_was_sent(
    *, path: str, query: dict[str, str], body: Any, told: tuple[Any, Any]
) -> None:
    client = create_emulator(World(account=Account(secret=REAL))).test_client()

    client.post(path if path.startswith("/") else f"/cgi-bin/{path}", query_string=query, json=body)

    (call,) = client.get("/control/calls").json["calls"]  # type: ignore[index]
    assert (call["query"], call["body"]) == told


def test_ledger_keeps_what_only_reads_like_the_secret_that_everybody_knows(
    client: FlaskClient, world: World
) -> None:
    sent = {"text": {"content": world.account.secret, "code": "42"}}

    client.post("/cgi-bin/message/custom/send", json=sent)

    (call,) = client.get("/control/calls").json["calls"]  # type: ignore[index]
    assert call["body"] == sent
