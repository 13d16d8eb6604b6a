"""What WeChat promises about codes, tried on whatever platform is configured."""

import base64
import io
import re
import struct
from typing import Any

import pytest
import zxingcpp
from PIL import Image

TEMPORARY_TEXT = {
    "expire_seconds": 604800,
    "action_name": "QR_STR_SCENE",
    "action_info": {"scene": {"scene_str": "contract:1"}},
}


def code(kind: str, scene: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"action_name": kind, "action_info": {"scene": scene}, **more}


@pytest.mark.parametrize(
    "body",
    [
        code("QR_SCENE", {"scene_id": 1}, expire_seconds=60),
        code("QR_SCENE", {"scene_id": 4294967295}, expire_seconds=2592000),
        code("QR_STR_SCENE", {"scene_str": "a"}, expire_seconds=1),
        code("QR_STR_SCENE", {"scene_str": "ord:42.-_=" + "x" * 54}, expire_seconds=3600),
    ],
)
def test_temporary_code_returns_ticket_expiry_and_url(api: Any, body: dict[str, Any]) -> None:
    answer = api.mint(body)

    assert set(answer) == {"ticket", "expire_seconds", "url"}
    assert answer["expire_seconds"] == body["expire_seconds"]
    assert answer["url"].startswith("http://weixin.qq.com/q/")


@pytest.mark.parametrize(
    "body",
    [
        code("QR_LIMIT_SCENE", {"scene_id": 1}),
        code("QR_LIMIT_SCENE", {"scene_id": 100000}),
        code("QR_LIMIT_STR_SCENE", {"scene_str": "contract"}),
    ],
)
def test_permanent_code_returns_no_expiry(api: Any, body: dict[str, Any]) -> None:
    assert set(api.mint(body)) == {"ticket", "url"}


def test_ticket_holds_the_url_and_the_expiry(api: Any) -> None:
    answer = api.mint(TEMPORARY_TEXT)

    raw = base64.urlsafe_b64decode(answer["ticket"] + "=" * (-len(answer["ticket"]) % 4))
    assert raw[:2] == b"\x81\x01"
    assert struct.unpack("<I", raw[4:8])[0] == len(raw) - 12
    assert answer["url"].encode() + b"\0" in raw
    assert struct.unpack("<I", raw[-4:])[0] == 604800


def test_temporary_codes_of_one_scene_differ(api: Any) -> None:
    assert api.mint(TEMPORARY_TEXT)["ticket"] != api.mint(TEMPORARY_TEXT)["ticket"]


def test_permanent_code_asked_twice_is_the_same_code(api: Any) -> None:
    body = code("QR_LIMIT_STR_SCENE", {"scene_str": "contract"})

    assert api.mint(body)["url"] == api.mint(body)["url"]


def test_picture_can_be_scanned(api: Any) -> None:
    answer = api.mint(TEMPORARY_TEXT)

    response = api.picture(answer["ticket"])

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "image/jpg"
    with Image.open(io.BytesIO(response.content)) as picture:
        assert picture.format == "JPEG"
        found = zxingcpp.read_barcodes(picture)
    assert [(item.text, str(item.format)) for item in found] == [(answer["url"], "QR Code")]


@pytest.mark.parametrize("ticket", ["", "nonsense", "gQ" + "A" * 94])
def test_picture_of_a_bad_ticket_is_not_found(api: Any, ticket: str) -> None:
    assert api.picture(ticket).status_code == 404


@pytest.mark.parametrize("name", ["", "QR_CARD_NONE", "qr_scene", "QR_LIMIT"])
def test_unknown_action_name_is_40052(api: Any, name: str) -> None:
    answer = api.mint(code(name, {"scene_id": 1}))

    assert answer["errcode"] == 40052


@pytest.mark.parametrize(
    "body",
    [
        code("QR_STR_SCENE", {"scene_str": "x" * 65}, expire_seconds=60),
        code("QR_LIMIT_STR_SCENE", {"scene_str": "x" * 65}),
        code("QR_LIMIT_SCENE", {"scene_id": 0}),
        code("QR_LIMIT_SCENE", {"scene_id": 100001}),
    ],
)
def test_scene_out_of_range_is_40053(api: Any, body: dict[str, Any]) -> None:
    assert api.mint(body)["errcode"] == 40053


def test_body_that_is_no_json_is_47001(api: Any) -> None:
    assert api.mint(b"action_name=QR_SCENE")["errcode"] == 47001


def test_empty_body_is_44002(api: Any) -> None:
    assert api.mint(b"")["errcode"] == 44002


def test_get_where_post_is_needed_is_43002(api: Any) -> None:
    assert api.get("/cgi-bin/qrcode/create", access_token=api.token)["errcode"] == 43002


def test_missing_token_is_41001(api: Any) -> None:
    assert api.post("/cgi-bin/qrcode/create", TEMPORARY_TEXT)["errcode"] == 41001


def test_unknown_token_is_40001(api: Any) -> None:
    answer = api.post("/cgi-bin/qrcode/create", TEMPORARY_TEXT, access_token="90_" + "x" * 130)

    assert answer["errcode"] == 40001
    assert re.search(r" rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$", answer["errmsg"])
