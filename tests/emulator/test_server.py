"""The API of the emulator where it differs from what one can try with a real account."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from wxbot.emulator.rules import Rules, Trouble
from wxbot.emulator.server import create_emulator
from wxbot.emulator.world import Account, World

CLIENT = "grant_type=client_credential&appid=wx0000000000000001&secret=secret"
CODE = {"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "vip"}}, "expire_seconds": 60}
MENU = {"button": [{"type": "click", "name": "帮助", "key": "HELP"}]}


@pytest.fixture
def client(world: World) -> FlaskClient:
    return create_emulator(world).test_client()


@pytest.fixture
def call(client: FlaskClient) -> Callable[..., Any]:
    """Call an API with a good token; the body is raw UTF-8 JSON, as WeChat wants it."""
    token = client.get(f"/cgi-bin/token?{CLIENT}").json["access_token"]  # type: ignore[index]

    def run(path: str, body: Any = None) -> Any:
        address = f"/cgi-bin/{path}?access_token={token}"
        if body is None:
            return json.loads(client.get(address).data)
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        return json.loads(client.post(address, data=data).data)

    return run


def test_errors_are_http_200_with_a_rid(client: FlaskClient) -> None:
    answer = client.get("/cgi-bin/menu/get")

    assert answer.status_code == 200
    assert json.loads(answer.data)["errcode"] == 41001
    errmsg = json.loads(answer.data)["errmsg"]
    assert errmsg.split(" rid: ")[1].count("-") == 2


def test_token_calls_have_a_daily_quota(client: FlaskClient, world: World, time: Any) -> None:
    world.rules = Rules(token_calls_a_day=1)
    client.get(f"/cgi-bin/token?{CLIENT}")

    assert json.loads(client.get(f"/cgi-bin/token?{CLIENT}").data)["errcode"] == 45009
    time.seconds += 86400
    assert "access_token" in json.loads(client.get(f"/cgi-bin/token?{CLIENT}").data)


def test_stable_token_calls_have_quotas(client: FlaskClient, world: World, time: Any) -> None:
    asked = {"grant_type": "client_credential", "appid": "wx0000000000000001", "secret": "secret"}

    def errcode() -> Any:
        return json.loads(client.post("/cgi-bin/stable_token", json=asked).data).get("errcode")

    world.rules = Rules(stable_calls_a_day=4, stable_calls_a_minute=2)
    found = [errcode() for _ in range(3)]
    time.seconds += 60
    found += [errcode() for _ in range(2)]
    time.seconds += 86400

    assert [*found, errcode()] == [None, None, 45011, None, 45009, None]


def test_quota_of_stable_tokens_is_told(call: Callable[..., Any], client: FlaskClient) -> None:
    asked = {"grant_type": "client_credential", "appid": "wx0000000000000001", "secret": "secret"}
    client.post("/cgi-bin/stable_token", json=asked)

    told = call("openapi/quota/get", {"cgi_path": "/cgi-bin/stable_token"})

    assert told["quota"] == {"daily_limit": 500000, "used": 1, "remain": 499999}


def test_wrong_secret_has_either_of_two_codes(client: FlaskClient, world: World) -> None:
    asked = {"grant_type": "client_credential", "appid": "wx0000000000000001", "secret": "wrong"}

    def errcodes() -> set[int]:
        classic = client.get("/cgi-bin/token", query_string=asked)
        stable = client.post("/cgi-bin/stable_token", json=asked)
        return {json.loads(answer.data)["errcode"] for answer in (classic, stable)}

    usual = errcodes()
    world.rules = Rules(wrong_secret_errcode=40001)

    assert (usual, errcodes()) == ({40125}, {40001})


def test_caller_outside_the_whitelist_learns_its_address(client: FlaskClient, world: World) -> None:
    world.rules = Rules(ip_whitelist=("203.0.113.9",))

    answer = json.loads(client.get(f"/cgi-bin/token?{CLIENT}").data)

    assert answer["errcode"] == 40164
    assert answer["errmsg"].startswith("invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist rid: ")


def test_unverified_account_may_not_mint(call: Callable[..., Any], world: World) -> None:
    world.rules = Rules(is_verified_service=False)

    assert call("qrcode/create", CODE)["errcode"] == 48001


def test_errors_can_be_ordered_for_the_next_calls(call: Callable[..., Any], world: World) -> None:
    world.trouble = Trouble(api_errors=(-1, 45009))

    codes = [call("qrcode/create", CODE).get("errcode") for _ in range(3)]

    assert codes == [-1, 45009, None]


def test_error_that_names_the_caller_can_be_ordered(call: Callable[..., Any], world: World) -> None:
    world.trouble = Trouble(api_errors=(40164,))

    assert call("qrcode/create", CODE)["errmsg"].startswith("invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, ")


def test_expired_picture_is_gone_unless_switched(
    call: Callable[..., Any], client: FlaskClient, world: World, time: Any
) -> None:
    address = f"/cgi-bin/showqrcode?ticket={call('qrcode/create', CODE)['ticket']}"
    time.seconds += 60

    assert client.get(address).status_code == 404
    world.rules = Rules(shows_expired_images=True)
    assert client.get(address).status_code == 200


def test_menu_is_kept_shown_and_deleted(call: Callable[..., Any]) -> None:
    assert call("menu/get")["errcode"] == 46003

    assert call("menu/create", MENU)["errcode"] == 0
    assert call("menu/get") == {
        "menu": {"button": [{"type": "click", "name": "帮助", "key": "HELP", "sub_button": []}]}
    }
    assert call("menu/delete")["errcode"] == 0
    assert call("menu/get")["errcode"] == 46003


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({}, 40016),
        ({"button": []}, 40016),
        ({"button": MENU["button"] * 4}, 40016),
        ({"button": [{"type": "press", "name": "a", "key": "b"}]}, 40017),
        ({"button": [{"type": "click", "name": "", "key": "b"}]}, 40018),
        ({"button": [{"type": "click", "name": "a"}]}, 40019),
        ({"button": [{"type": "click", "name": "a", "key": "k" * 129}]}, 40019),
        ({"button": [{"type": "view", "name": "a", "url": ""}]}, 40020),
        ({"button": [{"name": "a", "sub_button": MENU["button"] * 6}]}, 40023),
        (b'{"button":[{"type":"click","name":"\\u5e2e","key":"a"}]}', 40033),
    ],
)
def test_bad_menu_is_refused(call: Callable[..., Any], body: Any, errcode: int) -> None:
    assert call("menu/create", body)["errcode"] == errcode


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"action": "dns", "check_operator": "CAP"}, {"dns"}),
        ({"action": "ping", "check_operator": "UNICOM"}, {"ping"}),
        ({"action": "all", "check_operator": "DEFAULT"}, {"dns", "ping"}),
    ],
)
def test_check_of_the_callback_tells_what_was_asked_for(
    call: Callable[..., Any], asked: Any, told: set[str]
) -> None:
    answer = call("callback/check", asked)

    assert set(answer) == told
    assert [ping["from_operator"] for ping in answer.get("ping", [])] in ([], [asked["check_operator"]])


@pytest.mark.parametrize(
    ("asked", "errcode"),
    [
        ({}, 40202),
        ({"action": "nonsense", "check_operator": "CAP"}, 40202),
        ({"action": ["dns"], "check_operator": "CAP"}, 40202),
        ({"action": "dns"}, 40203),
        ({"action": "dns", "check_operator": "FOO"}, 40203),
        ({"action": "dns", "check_operator": {}}, 40203),
    ],
)
def test_check_of_the_callback_needs_both_of_its_words(
    call: Callable[..., Any], world: World, asked: Any, errcode: int
) -> None:
    assert call("callback/check", asked)["errcode"] == errcode
    world.account = Account()
    assert call("callback/check", asked)["errcode"] == 40201


@pytest.mark.parametrize("call_name", ["getcallbackip", "get_api_domain_ip"])
def test_addresses_are_told(call: Callable[..., Any], call_name: str) -> None:
    assert call(call_name) == {"ip_list": ["127.0.0.1"]}


@pytest.mark.parametrize(
    "path", ["cgi-bin/message/template/send", "cgi-bin/none", "sns/none", "datacube/none"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_call_that_is_not_played_is_answered_like_any_other(
    client: FlaskClient, world: World, *, path: str, method: str
) -> None:
    name = path.removeprefix("cgi-bin/")
    world.trouble = Trouble(api_faults=(f"{name}=45009/2",))

    answers = [client.open(f"/{path}", method=method, json={"a": 1}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    told = [answer.get_json(force=True) for answer in answers]
    assert [answer["errcode"] for answer in told] == [40066, 45009]
    assert told[0]["errmsg"].startswith("invalid url rid: ")
    body = None if name.startswith("sns/") else {"a": 1}  # these are given codes and secrets
    assert [(call.path, call.body, call.errcode) for call in world.ledger.calls()] == [
        (name, body, 40066),
        (name, body, 45009),
    ]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_call_with_a_method_that_no_call_has_is_refused(
    client: FlaskClient, world: World, method: str
) -> None:
    answer = client.open("/cgi-bin/qrcode/create", method=method, json={})

    assert (answer.status_code, answer.get_json(force=True)["errcode"]) == (200, 43002)
    assert world.asked == {"qrcode/create": 1}


def test_forced_stable_token_replaces_the_old_one(client: FlaskClient) -> None:
    asked = {"grant_type": "client_credential", "appid": "wx0000000000000001", "secret": "secret"}
    first = json.loads(client.post("/cgi-bin/stable_token", json=asked).data)["access_token"]

    forced = client.post("/cgi-bin/stable_token", json={**asked, "force_refresh": True})

    assert json.loads(forced.data)["access_token"] != first
    assert json.loads(client.get(f"/cgi-bin/menu/get?access_token={first}").data)["errcode"] == 40001
