"""Codes where the documents are unsure: the switches, the ticket's structure and the quotas."""

import base64
import re
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wxbot.emulator.codes import Code, Codes, make_ticket
from wxbot.emulator.refusals import Refusal
from wxbot.emulator.rules import Rules

NOON = 1668926536


def create(codes: Codes, kind: str, scene: Any, *, expire: Any = None, **rules: Any) -> Code:
    """Mint a code; `scene` is what stands inside action_info.scene."""
    request: dict[str, Any] = {"action_name": kind, "action_info": {"scene": scene}}
    if expire is not None:
        request["expire_seconds"] = expire
    return codes.create(request, now=NOON, rules=Rules(**rules))


def errcode(*args: Any, **kwargs: Any) -> int:
    with pytest.raises(Refusal) as refused:
        create(Codes(), *args, **kwargs)
    return refused.value.errcode


# Tickets that were published in an article of 2017, with what is written inside them.
@pytest.mark.parametrize(
    ("code", "created", "expire", "ticket"),
    [
        (
            "02EnvBs1xFepi1-qM5hp1-",
            1505539610,
            604800,
            "gQHv8DwAAAAAAAAAAS5odHRwOi8vd2VpeGluLnFxLmNvbS9xLzAyRW52QnMxeEZlcGkxLXFNNWhwMS0AAgQatrxZAwSAOgkA",
        ),
        (
            "02bN8-sFxFepi10000w03h",
            1505540450,
            0,
            "gQH88DwAAAAAAAAAAS5odHRwOi8vd2VpeGluLnFxLmNvbS9xLzAyYk44LXNGeEZlcGkxMDAwMHcwM2gAAgRiubxZAwQAAAAA",
        ),
    ],
)
def test_ticket_equals_a_public_one(code: str, created: int, expire: int, ticket: str) -> None:
    assert make_ticket(code, created, expire) == ticket


def test_codes_are_named_like_real_ones() -> None:
    temporary = create(Codes(), "QR_STR_SCENE", {"scene_str": "a"}, expire=60)
    permanent = create(Codes(), "QR_LIMIT_STR_SCENE", {"scene_str": "a"})

    assert re.fullmatch(r"http://weixin\.qq\.com/q/02[A-Za-z0-9_-]{20}", temporary.url)
    assert re.fullmatch(r"http://weixin\.qq\.com/q/02[A-Za-z0-9_-]{11}10000[A-Za-z0-9_-]{4}", permanent.url)


def test_ticket_holds_url_creation_and_expiry() -> None:
    code = create(Codes(), "QR_SCENE", {"scene_id": 1}, expire=604800)

    raw = base64.urlsafe_b64decode(code.ticket)
    assert code.url.encode() + b"\0" in raw
    assert struct.unpack("<I", raw[-10:-6]) == (NOON,)
    assert struct.unpack("<I", raw[-4:]) == (604800,)


def test_expiry_is_sixty_seconds_unless_switched() -> None:
    assert create(Codes(), "QR_SCENE", {"scene_id": 1}).expire_seconds == 60
    older = create(Codes(), "QR_SCENE", {"scene_id": 1}, default_expire_seconds=30)
    assert older.expire_seconds == 30


@pytest.mark.parametrize("expire", [0, -1, 2592001, "60", 60.5, True])
def test_expiry_out_of_range_is_refused(expire: Any) -> None:
    assert errcode("QR_SCENE", {"scene_id": 1}, expire=expire) == 40053


def test_expiry_out_of_range_can_be_clamped() -> None:
    longest = create(Codes(), "QR_SCENE", {"scene_id": 1}, expire=9999999, long_expiry="clamp")

    assert longest.expire_seconds == 2592000


@pytest.mark.parametrize("scene", ["", " ", "a b", "汉", "a" * 65, 5, None, ["a"]])
def test_scene_text_that_a_careful_bot_never_mints_is_refused(scene: Any) -> None:
    assert errcode("QR_STR_SCENE", {"scene_str": scene}) == 40053


def test_any_scene_text_can_be_allowed_and_measured_either_way() -> None:
    long = "汉" * 30

    assert create(Codes(), "QR_STR_SCENE", {"scene_str": long}, scene_texts="any").scene == long
    strict = {"scene_texts": "any", "scene_length": "bytes"}
    assert errcode("QR_STR_SCENE", {"scene_str": long}, **strict) == 40053


@pytest.mark.parametrize("kind", ["QR_SCENE", "QR_LIMIT_SCENE"])
@pytest.mark.parametrize("scene", [{"scene_id": True}, {"scene_id": 1.0}, {"scene_id": "1"}, {}, None, "1"])
def test_number_scene_must_be_a_number(kind: str, scene: Any) -> None:
    assert errcode(kind, scene) == 40053


@pytest.mark.parametrize(
    ("scene", "becomes"),
    [
        (None, "0"),
        ({"scene_id": "12"}, "12"),
        ({"scene_id": "x"}, "0"),
        ({"scene_id": 2**32}, "4294967295"),
        ({"scene_id": "1" * 5000}, "4294967295"),
        ({"scene_id": "0" * 5000 + "12"}, "12"),
        ({"scene_id": "000"}, "0"),
    ],
)
def test_reported_leniency_can_be_switched_on(scene: Any, becomes: str) -> None:
    assert create(Codes(), "QR_SCENE", scene, lenient_scenes=True).scene == becomes


def test_temporary_code_made_twice_has_two_tickets() -> None:
    codes = Codes()

    first, second = (create(codes, "QR_SCENE", {"scene_id": 110}) for _ in range(2))

    assert first.ticket != second.ticket


def test_permanent_code_made_twice_is_the_same_and_costs_no_quota() -> None:
    codes = Codes()

    first, second = (
        create(codes, "QR_LIMIT_STR_SCENE", {"scene_str": "a"}, permanent_text_quota=1) for _ in range(2)
    )

    assert first == second


def test_permanent_quotas_of_texts_and_numbers_are_apart() -> None:
    codes = Codes()
    create(codes, "QR_LIMIT_STR_SCENE", {"scene_str": "a"}, permanent_text_quota=1)

    with pytest.raises(Refusal, match="45029"):
        create(codes, "QR_LIMIT_STR_SCENE", {"scene_str": "b"}, permanent_text_quota=1)
    create(codes, "QR_LIMIT_SCENE", {"scene_id": 1}, permanent_text_quota=1)


@settings(max_examples=100)
@given(scene=st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=64))
def test_every_printable_scene_is_kept_as_it_is(scene: str) -> None:
    codes = Codes()

    code = create(codes, "QR_STR_SCENE", {"scene_str": scene})

    assert code.scene == scene
    assert codes.find(code.ticket) == code
