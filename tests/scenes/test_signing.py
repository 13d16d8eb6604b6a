"""Scenes that cannot be guessed: who made them, with which key, for what."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxbot.scenes.patterns import Miss, compile_rule
from wxbot.scenes.plugin import Plugin
from wxbot.scenes.registry import Registry
from wxbot.scenes.signing import SigningKeys
from wxbot.wechat.events import Scan

RULE = compile_rule("<signed:order_id>", "ord:")
KEYS = SigningKeys("default", [b"key"])


def orders() -> Plugin:
    """Return a plugin with one signed rule, and a fallback for what is forged."""
    plugin = Plugin("orders", prefix="ord:")

    @plugin.scene("<signed:order_id>")
    def bind(scan: Scan, order_id: str) -> str:
        return order_id

    @plugin.fallback
    def refuse(scan: Scan) -> str:
        return "no"

    return plugin


def test_signature_is_the_documented_hmac() -> None:
    digest = hmac.new(b"key", b"default\0ord:<signed:order_id>\x0042", hashlib.sha256).digest()
    mac = base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")

    scene = RULE.build({"order_id": "42"}, KEYS)

    assert scene == f"ord:42.{mac}"
    assert len(mac) == 22


def test_value_may_contain_dots() -> None:
    scene = RULE.build({"order_id": "1.2..3."}, KEYS)

    assert RULE.match(scene, KEYS) == {"order_id": "1.2..3."}


def test_printed_code_works_after_the_key_became_a_fallback(
    build: Callable[..., Registry], ailin: Any
) -> None:
    printed = build(orders(), keys=["old"]).scene_for("orders.bind", order_id="42")
    later = build(orders(), keys=["new", "older", "old"])

    match = later.find(ailin.scan(printed))

    assert match.handler is not None
    assert (match.handler.name, match.values) == ("orders.bind", {"order_id": "42"})
    assert later.scene_for("orders.bind", order_id="42") != printed


def test_code_of_a_forgotten_key_falls_through_to_the_fallback(
    build: Callable[..., Registry], ailin: Any
) -> None:
    printed = build(orders(), keys=["old"]).scene_for("orders.bind", order_id="42")

    match = build(orders(), keys=["new"]).find(ailin.scan(printed))

    assert match.handler is None
    assert [each.name for each in match.fallbacks] == ["orders.refuse"]


def test_code_of_one_account_is_worth_nothing_in_another(build: Callable[..., Registry], ailin: Any) -> None:
    registry = build(orders(), accounts={"default": [], "second": []})
    scene = registry.scene_for("orders.bind", account="default", order_id="42")

    assert registry.find(ailin.scan(scene, account="default")).handler is not None
    assert registry.find(ailin.scan(scene, account="second")).handler is None


def test_signature_of_one_rule_is_worth_nothing_under_another() -> None:
    scene = RULE.build({"order_id": "42"}, KEYS)

    assert isinstance(compile_rule("ord:<signed:code>", "").match(scene, KEYS), Miss)


@given(
    value=st.text("0123456789abc.", min_size=1, max_size=10),
    position=st.integers(0, 21),
    character=st.sampled_from("ABCxyz019_-"),
)
def test_changed_signature_never_matches(value: str, position: int, character: str) -> None:
    head, mac = RULE.build({"order_id": value}, KEYS).rsplit(".", 1)
    forged = mac[:position] + character + mac[position + 1 :]

    read = RULE.match(f"{head}.{forged}", KEYS)

    assert isinstance(read, Miss) or forged == mac


@given(value=st.text(min_size=1, max_size=20), other=st.text(min_size=1, max_size=20))
def test_signature_never_fits_another_value(value: str, other: str) -> None:
    mac = KEYS.sign(RULE.text, value)

    read = RULE.match(f"ord:{other}.{mac}", KEYS)

    assert (read == {"order_id": other}) == (other == value)


@given(st.text("ABCDabcd0123_-", min_size=22, max_size=22))
def test_guessed_signature_never_matches(guess: str) -> None:
    assert isinstance(RULE.match(f"ord:42.{guess}", KEYS), Miss)


def test_spare_bits_of_the_last_character_are_not_ignored() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    scene = RULE.build({"order_id": "42"}, KEYS)
    twin = scene[:-1] + alphabet[alphabet.index(scene[-1]) ^ 1]

    assert isinstance(RULE.match(twin, KEYS), Miss)


def test_signed_rule_needs_a_key(faults: Callable[..., tuple[str, ...]]) -> None:
    (fault,) = faults(orders(), keys=[""])

    assert "is signed: set secret_key" in fault


def test_keys_are_not_shown() -> None:
    assert "key" not in repr(SigningKeys("default", [b"very secret key"])).lower().replace("signingkeys", "")


@pytest.mark.parametrize("order_id", ["42", 42])
def test_integer_may_be_given_where_text_is_signed(
    build: Callable[..., Registry], order_id: str | int
) -> None:
    registry = build(orders())

    assert registry.scene_for("orders.bind", order_id=order_id).startswith("ord:42.")
