"""The API of the emulator where it differs from what one can try with a real account."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from wxbot.emulator.rules import Rules, Trouble
from wxbot.emulator.server import create_emulator
from wxbot.emulator.world import World

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


def test_forced_stable_token_replaces_the_old_one(client: FlaskClient) -> None:
    asked = {"grant_type": "client_credential", "appid": "wx0000000000000001", "secret": "secret"}
    first = json.loads(client.post("/cgi-bin/stable_token", json=asked).data)["access_token"]

    forced = client.post("/cgi-bin/stable_token", json={**asked, "force_refresh": True})

    assert json.loads(forced.data)["access_token"] != first
    assert json.loads(client.get(f"/cgi-bin/menu/get?access_token={first}").data)["errcode"] == 40001
