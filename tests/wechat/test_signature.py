"""Signatures against WeChat's published values, and against text that breaks naive comparisons."""

from typing import Any

import pytest

from wxbot.wechat import signature


@pytest.mark.parametrize("vector", ["verification", "plain_push", "safe_push", "sample_code"])
def test_signature_equals_the_published_one(vectors: dict[str, Any], vector: str) -> None:
    given = vectors[vector]

    assert signature.sign(given["token"], given["timestamp"], given["nonce"]) == given["signature"]


@pytest.mark.parametrize("vector", ["safe_push", "sample_code"])
def test_message_signature_covers_the_ciphertext(vectors: dict[str, Any], vector: str) -> None:
    given = vectors[vector]
    parts = (given["token"], given["timestamp"], given["nonce"], given["encrypted"])

    assert signature.sign(*parts) == given["msg_signature"]
    assert signature.matches(given["msg_signature"], *reversed(parts))


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "0" * 40,
        "f464b24fc39322e44b38aa78f5edd27bd144169",
        "F464B24FC39322E44B38AA78F5EDD27BD1441696",
        "签名",
        "\ud800",
        "\x00",
        "x" * 100_000,
    ],
)
def test_wrong_signature_never_matches_nor_raises(vectors: dict[str, Any], wrong: str) -> None:
    given = vectors["verification"]

    assert signature.matches(wrong, given["token"], given["timestamp"], given["nonce"]) is False


def test_parts_that_cannot_be_encoded_never_match() -> None:
    assert signature.matches("0" * 40, "token", "1714036504", "\udfff") is False
