"""Who is speaking: one refusal for everything that cannot be verified, in every mode."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from wxbot.errors import ForbiddenError
from wxbot.wechat import signature
from wxbot.wechat.document import read_fields
from wxbot.wechat.envelope import (
    ACKNOWLEDGEMENT,
    Credentials,
    Mode,
    Opened,
    open_envelope,
    seal,
    verify_url,
)

MODES: tuple[Mode, ...] = ("safe", "compatible", "plain")
BODY = b"<xml><MsgType>event</MsgType></xml>"
WINDOW = 300

Account = Callable[[Mode], Credentials]
Signed = Callable[..., bytes]


def wrapped(encrypted: str, extra: str = "") -> bytes:
    """Put a ciphertext into an outer document."""
    return f"<xml><ToUserName>gh_1</ToUserName><Encrypt>{encrypted}</Encrypt>{extra}</xml>".encode()


@pytest.fixture
def delivery(account: Account, signed: Signed) -> Callable[..., tuple[bytes, bytes, Credentials]]:
    """Build query and body of a genuine push in a mode, with parameters replaced."""

    def build(mode: Mode, **replaced: str) -> tuple[bytes, bytes, Credentials]:
        credentials = account(mode)
        if mode == "plain":
            return signed(credentials, **replaced), BODY, credentials
        encrypted = credentials.cipher.encrypt(BODY)
        return signed(credentials, encrypted, **replaced), wrapped(encrypted), credentials

    return build


@pytest.fixture
def open_it(now: datetime) -> Callable[[bytes, bytes, Credentials], Opened]:
    """Open an envelope at the moment of the tests."""
    return lambda query, body, credentials: open_envelope(
        query, body, credentials, now=now, window_seconds=WINDOW
    )


Delivery = Callable[..., tuple[bytes, bytes, Credentials]]
Open = Callable[[bytes, bytes, Credentials], Opened]


@pytest.mark.parametrize("mode", MODES)
def test_genuine_push_is_opened(delivery: Delivery, open_it: Open, mode: Mode) -> None:
    opened = open_it(*delivery(mode))

    assert (opened.body, opened.nonce) == (BODY, "415670741")
    assert (opened.signed_by is None) == (mode == "safe")


def test_signature_digest_depends_on_the_signature_alone(
    account: Account, signed: Signed, open_it: Open
) -> None:
    credentials = account("plain")
    query = signed(credentials)

    first, other_body = open_it(query, BODY, credentials), open_it(query, b"<xml/>", credentials)

    assert first.signed_by == other_body.signed_by
    assert first.signed_by is not None
    assert len(first.signed_by) == 16


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "name", ["signature", "msg_signature", "timestamp", "nonce", "openid", "encrypt_type"]
)
def test_doubled_parameter_is_forbidden(delivery: Delivery, open_it: Open, mode: Mode, name: str) -> None:
    query, body, credentials = delivery(mode)
    given = next((pair for pair in query.split(b"&") if pair.startswith(name.encode() + b"=")), None)
    doubled = (given or f"{name}=x&{name}=x".encode()) + b"&" + query

    with pytest.raises(ForbiddenError):
        open_it(doubled, body, credentials)
    with pytest.raises(ForbiddenError):
        open_it(query + f"&%{ord(name[0]):x}{name[1:]}=x&{name}=x".encode(), body, credentials)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["signature", "msg_signature", "timestamp", "nonce"])
def test_missing_parameter_is_forbidden(delivery: Delivery, open_it: Open, mode: Mode, name: str) -> None:
    query, body, credentials = delivery(mode)
    without = b"&".join(pair for pair in query.split(b"&") if not pair.startswith(name.encode() + b"="))
    needless = {"safe": "signature", "compatible": None, "plain": "msg_signature"}[mode]

    if name == needless:
        assert open_it(without, body, credentials).body == BODY
        return
    with pytest.raises(ForbiddenError):
        open_it(without, body, credentials)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "value",
    ["", "%20", "0" * 39, "0" * 40, "0" * 41, "%ff", "签名", "%E7%AD%BE", "%00", "x" * 1000, "%ED%A0%80"],
)
def test_wrong_signature_is_forbidden(delivery: Delivery, open_it: Open, mode: Mode, value: str) -> None:
    query, body, credentials = delivery(mode, signature=value, msg_signature=value)

    with pytest.raises(ForbiddenError) as refusal:
        open_it(query, body, credentials)

    assert str(refusal.value) == str(ForbiddenError())


@pytest.mark.parametrize("mode", MODES)
def test_signature_of_another_token_is_forbidden(
    delivery: Delivery, signed: Signed, open_it: Open, mode: Mode
) -> None:
    _, body, credentials = delivery(mode)
    other = Credentials(appid=credentials.appid, token="another", aes_key=credentials.aes_key, mode=mode)
    encrypted = credentials.cipher.encrypt(BODY)

    with pytest.raises(ForbiddenError):
        open_it(signed(other, encrypted), body, credentials)


@pytest.mark.parametrize(
    "query",
    [b"", b"&", b"=", b"%", b"\xff\xfe", b"signature", b"?signature=x", b"a=" + b"x" * 5000, b"%zz=%zz"],
)
@pytest.mark.parametrize("mode", MODES)
def test_garbled_query_is_forbidden(
    account: Account, open_it: Open, now: datetime, query: bytes, mode: Mode
) -> None:
    with pytest.raises(ForbiddenError):
        open_it(query, BODY, account(mode))
    with pytest.raises(ForbiddenError):
        verify_url(query, account(mode), now=now, window_seconds=WINDOW)


def resigned(credentials: Credentials, timestamp: str, nonce: str, echostr: str = "1") -> bytes:
    """Build a query whose signature is right for whatever is in it."""
    right = signature.sign(credentials.token, timestamp, nonce)
    return f"signature={right}&timestamp={timestamp}&nonce={nonce}&echostr={echostr}".encode()


@pytest.mark.parametrize(
    ("timestamp", "nonce"),
    [
        ("", "1"),
        ("177348041", "31"),
        ("17734804131", "1"),
        ("abcdefghij", "1"),
        ("-773480413", "1"),
        ("+773480413", "1"),
        ("1773480413.0", "1"),
        ("１７７３４８０４１３", "1"),
        ("1773480413", ""),
        ("1773480413", "x" * 33),
        ("1773480413", "a-b"),
        ("1773480413", "a]]><Evil/>"),
        ("1773480413", "签"),
        ("1773480413", "a%0Ab"),
    ],
)
def test_rightly_signed_but_odd_form_is_forbidden(
    account: Account, open_it: Open, now: datetime, timestamp: str, nonce: str
) -> None:
    query = resigned(account("plain"), timestamp, nonce)

    with pytest.raises(ForbiddenError):
        open_it(query, BODY, account("plain"))
    with pytest.raises(ForbiddenError):
        verify_url(query, account("plain"), now=now, window_seconds=WINDOW)


@pytest.mark.parametrize(
    ("seconds", "is_open"),
    [
        (0, True),
        (-300, True),
        (300, True),
        (-301, False),
        (301, False),
        (-31_536_000, False),
        (3 * 10**9, False),
    ],
)
def test_window_has_two_sides(
    account: Account, open_it: Open, now: datetime, seconds: int, is_open: bool
) -> None:
    query = resigned(account("plain"), str(int(now.timestamp()) + seconds), "n1")

    if is_open:
        assert open_it(query, BODY, account("plain")).body == BODY
        return
    with pytest.raises(ForbiddenError) as refusal:
        open_it(query, BODY, account("plain"))
    assert refusal.value.reason == "window"


def test_window_follows_the_clock_that_is_handed_in(account: Account, now: datetime) -> None:
    query = resigned(account("plain"), str(int(now.timestamp())), "n1")
    later = now + timedelta(days=365 * 74)

    with pytest.raises(ForbiddenError):
        open_envelope(query, BODY, account("plain"), now=later, window_seconds=WINDOW)


def test_redated_capture_is_forbidden(vectors: dict[str, Any]) -> None:
    given = vectors["plain_push"]
    credentials = Credentials(appid="wx1", token=given["token"], aes_key="", mode="plain")
    timestamp, nonce = "9486452656", "171403705"
    assert signature.matches(given["signature"], given["token"], timestamp, nonce)
    query = f"signature={given['signature']}&timestamp={timestamp}&nonce={nonce}".encode()
    captured_at = datetime.fromtimestamp(int(given["timestamp"])).astimezone()

    with pytest.raises(ForbiddenError) as refusal:
        open_envelope(query, BODY, credentials, now=captured_at, window_seconds=WINDOW)

    assert refusal.value.reason == "window"


def test_swapped_capture_keeps_the_digest_of_its_signature(vectors: dict[str, Any]) -> None:
    given = vectors["verification"]
    credentials = Credentials(appid="wx1", token=given["token"], aes_key="", mode="plain")
    digests = set()
    for timestamp, nonce in [(given["timestamp"], given["nonce"]), (given["nonce"], given["timestamp"])]:
        query = f"signature={given['signature']}&timestamp={timestamp}&nonce={nonce}".encode()
        at = datetime.fromtimestamp(int(timestamp)).astimezone()
        digests.add(open_envelope(query, BODY, credentials, now=at, window_seconds=WINDOW).signed_by)

    assert len(digests) == 1


@pytest.mark.parametrize("mode", ["safe", "compatible"])
def test_plain_push_is_no_way_around_encryption(
    account: Account, signed: Signed, open_it: Open, mode: Mode
) -> None:
    credentials = account(mode)
    right = signed(credentials).decode().split("&")[0].removeprefix("signature=")

    for query in (
        signed(credentials),
        signed(credentials, msg_signature=right),
        signed(credentials, encrypt_type="raw"),
    ):
        with pytest.raises(ForbiddenError):
            open_it(query, BODY, credentials)


@pytest.mark.parametrize("mode", ["safe", "compatible"])
def test_only_the_decrypted_document_is_believed(
    account: Account, signed: Signed, open_it: Open, mode: Mode
) -> None:
    credentials = account(mode)
    encrypted = credentials.cipher.encrypt(BODY)
    outer = wrapped(encrypted, "<FromUserName>oEvil</FromUserName><Event>SCAN</Event>")

    opened = open_it(signed(credentials, encrypted, encrypt_type="raw"), outer, credentials)

    assert opened.body == BODY


def test_plain_mode_never_decrypts(delivery: Delivery, account: Account, open_it: Open) -> None:
    query, body, _ = delivery("compatible")

    assert open_it(query, body, account("plain")).body == body


def test_plain_mode_does_not_look_at_the_body(delivery: Delivery, open_it: Open) -> None:
    query, _, credentials = delivery("plain")

    assert open_it(query, b"\xff<!DOCTYPE", credentials).body == b"\xff<!DOCTYPE"


def test_compatible_mode_checks_both_signatures(delivery: Delivery, open_it: Open) -> None:
    for wrong in ("signature", "msg_signature"):
        with pytest.raises(ForbiddenError):
            open_it(*delivery("compatible", **{wrong: "0" * 40}))


def test_safe_mode_ignores_the_signature_without_body(delivery: Delivery, open_it: Open) -> None:
    assert open_it(*delivery("safe", signature="0" * 40)).body == BODY


@pytest.mark.parametrize(
    "outer",
    [
        b"",
        b"hello",
        b"<xml/>",
        b"<xml><Encrypt/></xml>",
        b"<xml><Encrypt><a>{}</a></Encrypt></xml>",
        b"<xml><Encrypt a='1'>{}</Encrypt></xml>",
        b"<xml><Encrypt>{}</Encrypt><Encrypt>{}</Encrypt></xml>",
        b"<xml><encrypt>{}</encrypt></xml>",
        b"<root><Encrypt>{}</Encrypt></root>",
        b"<!DOCTYPE xml><xml><Encrypt>{}</Encrypt></xml>",
        b"<xml><Encrypt>{}</Encrypt>",
        b"<xml><Encrypt>{}x</Encrypt></xml>",
        b"<xml><Encrypt>{}</Encrypt>" + b" " * 65_536 + b"</xml>",
    ],
)
@pytest.mark.parametrize("mode", ["safe", "compatible"])
def test_odd_outer_document_is_forbidden(
    account: Account, signed: Signed, open_it: Open, outer: bytes, mode: Mode
) -> None:
    credentials = account(mode)
    encrypted = credentials.cipher.encrypt(BODY)

    with pytest.raises(ForbiddenError):
        open_it(signed(credentials, encrypted), outer.replace(b"{}", encrypted.encode()), credentials)


@pytest.mark.parametrize("text", ["!!!", "AAAA", "A" * 64, "签名"])
def test_rightly_signed_junk_is_forbidden(account: Account, signed: Signed, open_it: Open, text: str) -> None:
    credentials = account("safe")

    with pytest.raises(ForbiddenError) as refusal:
        open_it(signed(credentials, text), wrapped(text), credentials)

    assert refusal.value.reason == "ciphertext"


def test_ciphertext_for_another_account_is_forbidden(account: Account, signed: Signed, open_it: Open) -> None:
    ours = account("safe")
    theirs = Credentials(appid="wx0000000000000002", token=ours.token, aes_key=ours.aes_key, mode="safe")
    encrypted = theirs.cipher.encrypt(BODY)

    with pytest.raises(ForbiddenError):
        open_it(signed(ours, encrypted), wrapped(encrypted), ours)


@pytest.mark.parametrize("mode", MODES)
def test_parameters_of_the_configured_address_do_not_disturb(
    delivery: Delivery, open_it: Open, mode: Mode
) -> None:
    query, body, credentials = delivery(mode)

    assert open_it(b"shop=1&shop=2&q=%E4%BD%A0&Signature=x&&=&" + query, body, credentials).body == BODY


@pytest.mark.parametrize("mode", MODES)
def test_verification_returns_the_echo(account: Account, signed: Signed, now: datetime, mode: Mode) -> None:
    query = signed(account(mode), echostr="4375120948345356249")

    assert verify_url(query, account(mode), now=now, window_seconds=WINDOW) == "4375120948345356249"


@pytest.mark.parametrize("written", ["a+b/c==", "a%2Bb%2Fc%3D%3D"])
def test_echo_with_base64_characters_survives(
    account: Account, signed: Signed, now: datetime, written: str
) -> None:
    query = signed(account("safe"), echostr=written)

    assert verify_url(query, account("safe"), now=now, window_seconds=WINDOW) == "a+b/c=="


@pytest.mark.parametrize(
    "echostr", ["", "<script>", "%3Cscript%3E", "a%0Ab", "a%00", "x" * 129, "回声", "a b"]
)
def test_echo_that_could_be_markup_is_forbidden(
    account: Account, signed: Signed, now: datetime, echostr: str
) -> None:
    with pytest.raises(ForbiddenError):
        verify_url(signed(account("safe"), echostr=echostr), account("safe"), now=now, window_seconds=WINDOW)


@pytest.mark.parametrize("mode", ["compatible", "plain"])
def test_answer_is_sealed_as_it_is_without_safe_mode(account: Account, now: datetime, mode: Mode) -> None:
    assert seal("<xml/>", account(mode), nonce="n1", now=now) == "<xml/>"


@pytest.mark.parametrize("mode", MODES)
def test_acknowledgement_is_never_encrypted(account: Account, now: datetime, mode: Mode) -> None:
    assert seal(ACKNOWLEDGEMENT, account(mode), nonce="n1", now=now) == "success"


def test_sealed_answer_can_be_opened(account: Account, now: datetime) -> None:
    credentials = account("safe")

    fields = read_fields(seal("<xml>二维码</xml>", credentials, nonce="n1", now=now).encode())

    encrypted, timestamp = str(fields["Encrypt"]), str(int(now.timestamp()))
    assert credentials.cipher.decrypt(encrypted).decode() == "<xml>二维码</xml>"
    assert fields == {
        "Encrypt": encrypted,
        "MsgSignature": signature.sign(credentials.token, timestamp, "n1", encrypted),
        "TimeStamp": timestamp,
        "Nonce": "n1",
    }


@pytest.mark.parametrize("nonce", ["", "a]]><Evil/>", "x" * 33, "签"])
def test_nonce_that_could_be_markup_is_not_sealed(account: Account, now: datetime, nonce: str) -> None:
    with pytest.raises(ValueError, match="nonce"):
        seal("<xml/>", account("safe"), nonce=nonce, now=now)


@pytest.mark.parametrize(
    "wrong", [{"appid": ""}, {"token": ""}, {"mode": "aes"}, {"mode": ""}, {"mode": "SAFE"}]
)
def test_credentials_anybody_could_use_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="account"):
        Credentials(**({"appid": "wx1", "token": "t", "aes_key": "", "mode": "plain"} | wrong))


def test_secrets_are_in_no_repr(account: Account) -> None:
    credentials = account("safe")

    assert credentials.token not in repr(credentials)
    assert credentials.aes_key not in repr(credentials)
