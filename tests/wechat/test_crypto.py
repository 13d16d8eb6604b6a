"""The cipher against WeChat's published ciphertexts, and against every way to build a wrong one."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import ciphers
from cryptography.hazmat.primitives.ciphers import algorithms, modes

from wxbot.errors import ForbiddenError
from wxbot.wechat.crypto import Cipher

KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
APPID = "wx0000000000000001"
RANDOM = b"0123456789abcdef"


@pytest.fixture
def cipher() -> Cipher:
    """The cipher of the tests' account."""
    return Cipher(KEY, APPID)


@pytest.fixture
def raw() -> Callable[[bytes], str]:
    """Encrypt whole blocks as they are, with the key of the tests' account."""

    def encrypt(blocks: bytes) -> str:
        key = base64.b64decode(KEY + "=")
        encryptor = ciphers.Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
        return base64.b64encode(encryptor.update(blocks) + encryptor.finalize()).decode()

    return encrypt


def filled(document: bytes = b"<xml/>", *, length: int | None = None, appid: str = APPID) -> bytes:
    """Build what is encrypted, without padding."""
    size = len(document) if length is None else length
    return RANDOM + size.to_bytes(4, "big") + document + appid.encode()


def padded(content: bytes, *, value: int | None = None) -> bytes:
    """Pad to blocks of 32 bytes, the padding bytes being right unless a value is given."""
    pad = 32 - len(content) % 32
    return content + bytes([pad if value is None else value]) * pad


def test_published_push_is_decrypted(vectors: dict[str, Any]) -> None:
    given = vectors["safe_push"]

    document = Cipher(given["aes_key"], given["appid"]).decrypt(given["encrypted"])

    assert document.decode() == given["plain"]
    assert len(document) == 167


@pytest.mark.parametrize("vector", ["safe_push", "safe_reply"])
def test_published_document_is_encrypted_to_the_same_bytes(vectors: dict[str, Any], vector: str) -> None:
    given = {**vectors["safe_push"], **vectors[vector]}

    text = Cipher(given["aes_key"], given["appid"]).encrypt(
        given["plain"].encode(), random=given["random"].encode()
    )

    assert text == given["encrypted"]


def test_ciphertext_of_the_sample_code_is_decrypted(vectors: dict[str, Any]) -> None:
    given = vectors["sample_code"]

    document = Cipher(given["aes_key"], given["appid"]).decrypt(given["encrypted"])

    assert len(document) == given["length"]
    assert f"<MsgId>{given['msg_id']}</MsgId>".encode() in document


@pytest.mark.parametrize("size", [0, 1, 11, 12, 13, 31, 32, 33, 4096])
def test_documents_of_all_lengths_come_back(cipher: Cipher, size: int) -> None:
    document = b"x" * size

    assert cipher.decrypt(cipher.encrypt(document)) == document


def test_random_bytes_are_hex_digits_and_differ(cipher: Cipher) -> None:
    key = base64.b64decode(KEY + "=")
    heads = set()
    for _ in range(20):
        encrypted = base64.b64decode(cipher.encrypt(b"<xml/>"))
        decryptor = ciphers.Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
        heads.add((decryptor.update(encrypted) + decryptor.finalize())[:16])

    assert len(heads) == 20
    assert all(set(head) <= set(b"0123456789abcdef") for head in heads)


@pytest.mark.parametrize(
    "text",
    ["", "!!!", "签名", "\ud800", "AAAA", "A" * 43, "A" * 44, "A" * 64, "AAA=", "====", "\x00"],
)
def test_text_that_is_no_ciphertext_is_forbidden(cipher: Cipher, text: str) -> None:
    with pytest.raises(ForbiddenError):
        cipher.decrypt(text)


def test_junk_behind_the_base64_text_is_forbidden(cipher: Cipher, raw: Callable[[bytes], str]) -> None:
    text = raw(padded(filled()))
    assert cipher.decrypt(text) == b"<xml/>"

    for wrong in (text + "junk", text + "=", text + "\n", " " + text, text.rstrip("=") + "-"):
        with pytest.raises(ForbiddenError):
            cipher.decrypt(wrong)


@pytest.mark.parametrize(
    "blocks",
    [
        pytest.param(padded(filled(), value=0), id="padding-0"),
        pytest.param(padded(filled(), value=33), id="padding-33"),
        pytest.param(padded(filled(), value=200), id="padding-200"),
        pytest.param(padded(filled(), value=255), id="padding-255"),
        pytest.param(padded(filled())[:-2] + b"\x00" + padded(filled())[-1:], id="padding-inconsistent"),
        pytest.param(filled() + b"\x04" * 4, id="padding-of-a-short-block"),
        pytest.param(filled() + bytes([52]) * 52, id="padding-one-block-too-long"),
        pytest.param(b"\x20" * 32, id="padding-only"),
        pytest.param(padded(b"x" * 19), id="shorter-than-its-head"),
        pytest.param(padded(filled(length=7)), id="length-one-too-long"),
        pytest.param(padded(filled(length=5)), id="length-one-too-short"),
        pytest.param(padded(filled(length=0)), id="length-0"),
        pytest.param(padded(filled(length=0xFFFFFFFF)), id="length-4-gigabytes"),
        pytest.param(padded(filled(length=6 + len(APPID))), id="length-swallows-the-appid"),
        pytest.param(padded(filled(appid="wx0000000000000002")), id="appid-of-another-account"),
        pytest.param(padded(filled(appid="")), id="appid-empty"),
        pytest.param(padded(filled(appid=APPID + "x")), id="appid-longer"),
        pytest.param(padded(filled(appid=" " + APPID)), id="appid-with-a-space"),
        pytest.param(padded(filled(appid="") + b"\xff\xfe"), id="appid-not-utf-8"),
        pytest.param(padded(filled())[:48], id="one-block-of-16-short"),
        pytest.param(b"\x00" * 32, id="zeros"),
    ],
)
def test_wrong_plaintext_is_forbidden(cipher: Cipher, raw: Callable[[bytes], str], blocks: bytes) -> None:
    with pytest.raises(ForbiddenError) as refusal:
        cipher.decrypt(raw(blocks))

    assert str(refusal.value) == str(ForbiddenError())
    assert refusal.value.reason == "ciphertext"


def test_every_flipped_byte_outside_the_document_is_noticed(
    cipher: Cipher, raw: Callable[[bytes], str]
) -> None:
    good = padded(filled())

    for position in range(16, len(good)):
        blocks = good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :]
        if position in range(20, 26):
            assert cipher.decrypt(raw(blocks)) != b"<xml/>"
            continue
        with pytest.raises(ForbiddenError):
            cipher.decrypt(raw(blocks))


@pytest.mark.parametrize("key", ["", "A" * 42, "A" * 44, "A" * 42 + "+", "A" * 42 + "密", "A" * 43 + "\n"])
def test_key_of_another_form_is_refused_without_naming_it(key: str) -> None:
    with pytest.raises(ValueError, match="43 characters") as refusal:
        Cipher(key, APPID)

    assert not key or key not in str(refusal.value)


def test_empty_appid_is_refused() -> None:
    with pytest.raises(ValueError, match="appid"):
        Cipher(KEY, "")


def test_random_of_another_length_is_refused(cipher: Cipher) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        cipher.encrypt(b"x", random=b"short")
