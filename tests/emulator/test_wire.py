"""The bytes of a push equal recorded traffic: layout, envelope, query, signature."""

import base64
import hashlib
import re
from collections.abc import Callable
from urllib.parse import parse_qs, parse_qsl

import pytest

from wxbot.emulator import wire
from wxbot.emulator.wire import Element, Sender

MakeSender = Callable[..., Sender]

FOLLOW = """<xml><ToUserName><![CDATA[gh_xxx]]></ToUserName>
<FromUserName><![CDATA[oXXX]]></FromUserName>
<CreateTime>1668926536</CreateTime>
<MsgType><![CDATA[event]]></MsgType>
<Event><![CDATA[subscribe]]></Event>
<EventKey><![CDATA[]]></EventKey>
</xml>"""


def sha1(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def test_plain_push_equals_the_recorded_bytes(sender: MakeSender) -> None:
    request = wire.sealed(wire.follow("oXXX", 1668926536), sender(), timestamp=1668926537, nonce="486452656")

    assert request.body == FOLLOW.encode()


def test_plain_query_carries_the_signature_and_the_sender(sender: MakeSender) -> None:
    request = wire.sealed(wire.follow("oXXX", 1668926536), sender(), timestamp=1668926537, nonce="486452656")

    assert parse_qsl(request.query) == [
        ("signature", sha1("spamtest", "1668926537", "486452656")),
        ("timestamp", "1668926537"),
        ("nonce", "486452656"),
        ("openid", "oXXX"),
    ]


@pytest.mark.parametrize(
    ("push", "lines"),
    [
        (
            wire.follow("o", 1, scene="vip", ticket="gQT"),
            "<Event><![CDATA[subscribe]]></Event>\n<EventKey><![CDATA[qrscene_vip]]></EventKey>\n"
            "<Ticket><![CDATA[gQT]]></Ticket>",
        ),
        (
            wire.scan("o", 1, scene="qrscene_7", ticket="gQT"),
            "<Event><![CDATA[SCAN]]></Event>\n<EventKey><![CDATA[qrscene_7]]></EventKey>\n"
            "<Ticket><![CDATA[gQT]]></Ticket>",
        ),
        (wire.unfollow("o", 1), "<Event><![CDATA[unsubscribe]]></Event>\n<EventKey><![CDATA[]]></EventKey>"),
        (
            wire.click("o", 1, key="HELP"),
            "<Event><![CDATA[CLICK]]></Event>\n<EventKey><![CDATA[HELP]]></EventKey>",
        ),
        (
            wire.view("o", 1, url="https://a.example/?b=1", menu_id=418),
            "<Event><![CDATA[VIEW]]></Event>\n<EventKey><![CDATA[https://a.example/?b=1]]></EventKey>\n"
            "<MenuId>418</MenuId>",
        ),
        (
            wire.text("o", 1, content="你好 <b>", msg_id=24000000000000000),
            "<Content><![CDATA[你好 <b>]]></Content>\n<MsgId>24000000000000000</MsgId>",
        ),
        (
            wire.image("o", 1, url="http://p.example/1", media_id="m", msg_id=5),
            "<PicUrl><![CDATA[http://p.example/1]]></PicUrl>\n<MediaId><![CDATA[m]]></MediaId>\n"
            "<MsgId>5</MsgId>",
        ),
    ],
)
def test_each_push_has_its_own_elements_in_order(push: wire.Push, lines: str) -> None:
    body = wire.document(push, "gh_xxx")

    assert body.split("</MsgType>\n", 1)[1] == f"{lines}\n</xml>"


def test_nested_elements_are_written_inside_their_parent() -> None:
    position = Element("SendLocationInfo", (Element("Location_X", "23"), Element("Poiname", "")))

    body = wire.document(wire.event("o", 1, name="location_select", key="k", more=(position,)), "gh")

    assert body.endswith(
        "<SendLocationInfo><Location_X><![CDATA[23]]></Location_X><Poiname><![CDATA[]]></Poiname>"
        "</SendLocationInfo>\n</xml>"
    )


def test_key_cannot_break_out_of_its_element() -> None:
    body = wire.document(wire.click("o", 1, key="a]]><Evil/>\x0b\ud800"), "gh")

    assert "<EventKey><![CDATA[a]]]]><![CDATA[><Evil/>\ufffd\ufffd]]></EventKey>" in body


def test_text_of_a_person_goes_out_as_it_was_typed() -> None:
    body = wire.document(wire.text("o", 1, content="a]]><Evil/>\x0b\ud800", msg_id=1), "gh")

    assert "<Content><![CDATA[a]]><Evil/>\x0b\ufffd]]></Content>" in body


def test_safe_push_has_the_indented_envelope(sender: MakeSender) -> None:
    request = wire.sealed(wire.follow("oXXX", 1668926536), sender("safe"), timestamp=1668926537)

    pattern = (
        r"<xml>\n    <ToUserName><!\[CDATA\[gh_xxx\]\]></ToUserName>\n"
        r"    <Encrypt><!\[CDATA\[([A-Za-z0-9+/]+=*)\]\]></Encrypt>\n</xml>\n"
    )
    assert re.fullmatch(pattern, request.body.decode())


def test_safe_push_is_signed_over_what_is_encrypted(sender: MakeSender) -> None:
    request = wire.sealed(wire.follow("oXXX", 1668926536), sender("safe"), timestamp=1668926537, nonce="99")

    encrypted = re.findall(r"<Encrypt><!\[CDATA\[(.*?)\]\]>", request.body.decode())[0]
    query = parse_qs(request.query)
    assert query["encrypt_type"] == ["aes"]
    assert query["msg_signature"] == [sha1("spamtest", "1668926537", "99", encrypted)]
    assert query["signature"] == [sha1("spamtest", "1668926537", "99")]
    assert sender().cipher.decrypt(encrypted) == FOLLOW.encode()
    assert len(base64.b64decode(encrypted)) % 32 == 0


def test_compatible_push_has_the_plain_fields_and_the_encrypted(sender: MakeSender) -> None:
    request = wire.sealed(wire.follow("oXXX", 1668926536), sender("compatible"), timestamp=1668926537)

    body = request.body.decode()
    encrypted = re.findall(r"<Encrypt><!\[CDATA\[(.*?)\]\]>", body)[0]
    assert body == FOLLOW.removesuffix("</xml>") + f"<Encrypt><![CDATA[{encrypted}]]></Encrypt>\n</xml>"
    assert sender().cipher.decrypt(encrypted) == FOLLOW.encode()


def test_sender_can_be_left_out_of_the_query(sender: MakeSender) -> None:
    request = wire.sealed(wire.unfollow("oXXX", 1), sender(), timestamp=1, sends_openid=False)

    assert "openid" not in parse_qs(request.query)


def test_query_of_the_callback_url_is_kept_in_front() -> None:
    assert wire.address("https://b.example/wechat?shop=1", "signature=a") == (
        "https://b.example/wechat",
        "shop=1&signature=a",
    )


def test_verification_is_signed_like_the_recorded_one() -> None:
    recorded = Sender(appid="wx", token="AAAAA", aes_key="A" * 43, gh_id="gh")

    query = parse_qs(wire.verification(recorded, timestamp=1714036504, echostr="4375120948345356249"))

    assert query["signature"] == [sha1("AAAAA", "1714036504", query["nonce"][0])]
    assert query["echostr"] == ["4375120948345356249"]
    assert sha1("AAAAA", "1714036504", "1514711492") == "f464b24fc39322e44b38aa78f5edd27bd1441696"


def test_nonces_look_like_the_recorded_ones() -> None:
    assert all(re.fullmatch(r"[0-9]{9,10}", wire.new_nonce()) for _ in range(200))


def test_secrets_of_a_sender_stay_out_of_its_repr(sender: MakeSender) -> None:
    assert "spamtest" not in repr(sender())
    assert "abcdefghij" not in repr(sender())
