"""Whatever arrives, the answer is no server error and no empty 200."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.callback.conftest import Line
from tests.services import fresh_database_url
from wxbot import Plugin
from wxbot.emulator import wire
from wxbot.emulator.wire import NOT_XML
from wxbot.testing import Wx
from wxbot.wechat.crypto import Cipher
from wxbot.wechat.signature import sign

FRAGMENTS = [
    b"<xml>",
    b"</xml>",
    b"<MsgType>",
    b"</MsgType>",
    b"<![CDATA[event]]>",
    b"<Event>SCAN</Event>",
    b"<Event>subscribe</Event>",
    b"<EventKey>qrscene_</EventKey>",
    b"<FromUserName>o1</FromUserName>",
    b"<ToUserName>gh</ToUserName>",
    b"<CreateTime>1700000000</CreateTime>",
    b"<CreateTime>NaN</CreateTime>",
    b"<MsgId>zz</MsgId>",
    b"<ScanCodeInfo>",
    b"</ScanCodeInfo>",
    b"]]>",
    b"<!DOCTYPE x>",
    b"&amp;",
    b"&#0;",
    b"\x00",
    b"\xff",
    "汉字😀".encode(),
    b"<a b='c'/>",
]
DOCUMENTS = st.one_of(
    st.binary(max_size=300), st.lists(st.sampled_from(FRAGMENTS), max_size=25).map(b"".join)
)


@pytest.fixture(scope="module")
def lines(make_lines: Callable[[], dict[str, Line]]) -> Iterator[dict[str, Line]]:
    """Return one bot in plain and one in safe mode for the whole module."""
    yield make_lines()


@pytest.fixture(scope="module")
def make_lines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], dict[str, Line]]]:
    """Return a function that makes them, and close them at the end."""
    made: dict[str, Line] = {}

    def make() -> dict[str, Line]:
        for mode in ("plain", "safe"):
            settings_ = {"accounts": {"default": {"mode": mode}}}
            folder = tmp_path_factory.mktemp(mode)
            url = fresh_database_url(folder)
            wx = Wx(folder, plugins=[Plugin("none")], overrides=settings_, database_url=url)
            made[mode] = Line(wx)
        return made

    yield make
    for line in made.values():
        line.wx.close()


def expect_sane(answer: tuple[int, bytes, str]) -> None:
    status, body, _ = answer
    assert status < 500, answer
    assert body, answer


@given(query=st.binary(max_size=200), body=DOCUMENTS, mode=st.sampled_from(["plain", "safe"]))
def test_unsigned_bytes_are_refused(lines: dict[str, Line], query: bytes, body: bytes, mode: str) -> None:
    assert lines[mode].post(query, body)[0] == 403


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(body=DOCUMENTS, nonce=st.integers(10**8, 2 * 10**9))
def test_signed_documents_never_break_the_bot(lines: dict[str, Line], body: bytes, nonce: int) -> None:
    line = lines["plain"]
    account, now = line.wx.world.account, str(line.now())
    query = f"signature={sign(account.token, now, str(nonce))}&timestamp={now}&nonce={nonce}"

    expect_sane(line.post(query, body))


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(body=DOCUMENTS)
def test_encrypted_documents_never_break_the_bot(lines: dict[str, Line], body: bytes) -> None:
    line = lines["safe"]
    account, now, nonce = line.wx.world.account, str(line.now()), wire.new_nonce()
    encrypted = Cipher(account.aes_key, account.appid).encrypt(body)
    signature = sign(account.token, now, nonce, encrypted)
    query = f"signature=x&msg_signature={signature}&timestamp={now}&nonce={nonce}&encrypt_type=aes"
    envelope = f"<xml><ToUserName>gh</ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"

    expect_sane(line.post(query, envelope.encode()))


@settings(max_examples=100)
@given(scene=st.text(max_size=80).filter(lambda scene: not NOT_XML.search(scene)))
def test_any_scene_that_arrives_is_answered_visibly(lines: dict[str, Line], scene: str) -> None:
    line = lines["safe"]
    request = line.sealed(wire.scan("o1", line.now(), scene=scene, ticket="t"))

    status, body, kind = line.post(request.query, request.body)

    assert (status, kind) == (200, "text/xml; charset=utf-8")
    assert b"<Encrypt>" in body
