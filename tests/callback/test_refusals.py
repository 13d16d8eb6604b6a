"""What cannot be verified gets one and the same refusal, and no handler runs."""

from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode

import pytest

from tests.callback.conftest import Line
from wxbot.emulator import wire
from wxbot.wechat.signature import sign

REFUSAL = (403, b"forbidden\n", "text/plain; charset=utf-8")
SCAN = {"scene": "vip", "ticket": "gQ_ticket"}


def changed(query: str, **changes: str | None) -> str:
    """Return the query with parameters replaced, or left out for None."""
    pairs = dict(parse_qsl(query)) | changes
    return urlencode({name: value for name, value in pairs.items() if value is not None})


@pytest.mark.parametrize("mode", ["safe", "compatible", "plain"])
@pytest.mark.parametrize(
    "change",
    [
        {"signature": None, "msg_signature": None},
        {"signature": "", "msg_signature": ""},
        {"signature": "0" * 40, "msg_signature": "0" * 40},
        {"signature": "é" * 40, "msg_signature": "é" * 40},
        {"signature": "x" * 5000, "msg_signature": "x" * 5000},
        {"timestamp": None},
        {"timestamp": "abc"},
        {"timestamp": "99999999999999"},
        {"timestamp": "1400000000"},
        {"timestamp": "4000000000"},
        {"nonce": None},
        {"nonce": ""},
        {"nonce": "a]]><Evil/>"},
        {"nonce": "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16")},
    ],
    ids=str,
)
def test_bad_query_is_refused(
    make_line: Callable[..., Line], mode: str, change: dict[str, str | None]
) -> None:
    line = make_line(mode)
    request = line.sealed(wire.scan("o1", line.now(), **SCAN))

    answer = line.post(changed(request.query, **change), request.body)

    assert answer == REFUSAL
    assert line.runs == []


@pytest.mark.parametrize("mode", ["safe", "compatible", "plain"])
def test_doubled_parameter_is_refused(make_line: Callable[..., Line], mode: str) -> None:
    line = make_line(mode)
    request = line.sealed(wire.scan("o1", line.now(), **SCAN))

    assert line.post(request.query + "&nonce=1", request.body) == REFUSAL
    assert line.post(request.query + "&" + request.query, request.body) == REFUSAL


@pytest.mark.parametrize(
    ("own", "other"), [("safe", "plain"), ("compatible", "plain"), ("safe", "compatible")]
)
def test_sender_does_not_choose_the_mode(make_line: Callable[..., Line], own: str, other: str) -> None:
    line = make_line(own)
    request = line.sealed(wire.scan("o1", line.now(), **SCAN), mode=other)

    status, _, _ = line.post(changed(request.query, encrypt_type="aes"), request.body)
    plain = line.post(changed(request.query, msg_signature=None, encrypt_type=None), request.body)

    assert plain == REFUSAL
    assert status == 403 or other == "compatible"  # its envelope is a genuine one


@pytest.mark.parametrize("seconds", [-301, 301])
def test_timestamp_outside_the_window_is_refused(make_line: Callable[..., Line], seconds: int) -> None:
    line = make_line()
    request = line.sealed(wire.scan("o1", line.now(), **SCAN), timestamp=line.now() + seconds)

    assert line.post(request.query, request.body) == REFUSAL


@pytest.mark.parametrize("mode", ["safe", "plain"])
@pytest.mark.parametrize("path", ["/wechat/nobody", "/wechat/Default", "/wechat/%00"])
def test_unknown_account_is_refused_like_a_bad_signature(
    make_line: Callable[..., Line], mode: str, path: str
) -> None:
    line = make_line(mode)
    request = line.sealed(wire.scan("o1", line.now(), **SCAN))

    assert line.post(request.query, request.body, path) == REFUSAL
    assert line.get(request.query, path) == REFUSAL


def test_body_of_another_account_is_refused(make_line: Callable[..., Line]) -> None:
    line = make_line()
    account = line.wx.world.account
    stranger = wire.Sender(
        appid="wx00000000000000ff",
        token=account.token,
        aes_key=account.aes_key,
        gh_id="gh_2",
        mode="safe",
    )
    request = wire.sealed(wire.scan("o1", line.now(), **SCAN), stranger, timestamp=line.now())

    assert line.post(request.query, request.body) == REFUSAL


@pytest.mark.parametrize(
    "body", [b"", b"hello", b"<xml/>", b"<xml><Encrypt>AAAA</Encrypt></xml>", b"\xff\xfe"]
)
def test_unreadable_envelope_is_refused(make_line: Callable[..., Line], body: bytes) -> None:
    line = make_line()
    request = line.sealed(wire.scan("o1", line.now(), **SCAN))

    assert line.post(request.query, body) == REFUSAL


@pytest.mark.parametrize("mode", ["plain", "compatible"])
def test_captured_signature_cannot_carry_another_event(make_line: Callable[..., Line], mode: str) -> None:
    line = make_line(mode)
    genuine = line.sealed(wire.scan("o1", line.now(), **SCAN), nonce="1234567890")
    forged = line.sealed(wire.scan("o1", line.now(), scene="other", ticket="gQ_2"), nonce="1234567890")

    first = line.post(genuine.query, genuine.body)
    swapped = line.post(forged.query, forged.body)
    again = line.post(genuine.query, genuine.body)

    assert first[0] == again[0] == 200
    assert swapped == REFUSAL
    assert line.runs == ["vip"]


def test_redated_signature_is_refused(make_line: Callable[..., Line]) -> None:
    line = make_line("plain")
    token, now = line.wx.world.account.token, line.now()
    # No separator is signed: nonce and timestamp can trade places when the nonce looks like a time.
    captured = {"timestamp": str(now - 3), "nonce": str(now - 2)}
    captured["signature"] = sign(token, captured["timestamp"], captured["nonce"])
    redated = captured | {"timestamp": captured["nonce"], "nonce": captured["timestamp"]}
    first, second = (line.sealed(wire.scan("o1", now + shift, **SCAN)).body for shift in (0, 1))

    assert line.post(urlencode(captured), first)[0] == 200
    assert line.post(urlencode(redated), second) == REFUSAL
    assert line.runs == ["vip"]


def test_signature_of_an_ambiguous_document_carries_no_second_one(make_line: Callable[..., Line]) -> None:
    line = make_line("plain")
    request = line.sealed(wire.scan("o1", line.now(), **SCAN))
    head = f"<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName><CreateTime>{line.now()}"
    bodies = [f"{head}</CreateTime><Event>{number}</Event></xml>".encode() for number in range(3)]

    answers = [line.post(request.query, body)[0] for body in bodies]

    assert answers == [200, 403, 403]
    assert line.post(request.query, request.body) == REFUSAL


def test_signature_of_a_verification_carries_no_event(make_line: Callable[..., Line]) -> None:
    line = make_line("plain")
    account = line.wx.world.account
    query = wire.verification(account.sender, timestamp=line.now(), echostr="4375120948345356249")
    forged = line.sealed(wire.scan("o1", line.now(), **SCAN))

    assert line.get(query)[0] == 200
    assert line.get(query)[0] == 200
    assert line.post(query, forged.body) == REFUSAL
    assert line.runs == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("OPTIONS", "/wechat"), ("GET", "/wechat//default"), ("POST", "/wechat/"), ("GET", "/nothing")],
)
def test_what_is_no_callback_gets_no_page_and_no_redirect(
    make_line: Callable[..., Line], method: str, path: str
) -> None:
    with make_line().wx.app.test_client() as client:
        response = client.open(path, method=method, query_string="signature=SECRET")

    assert response.status_code in (404, 405)
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert b"SECRET" not in response.get_data()
