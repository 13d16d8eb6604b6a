"""Authentic but unusable documents: each has one refusal, and none reaches a handler."""

from collections.abc import Callable

import pytest

from wxbot.errors import MalformedError
from wxbot.wechat import events
from wxbot.wechat.events import Event
from wxbot.wechat.parse import parse_event

Read = Callable[..., Event]
EVENT = "<Event>SCAN</Event><EventKey>door</EventKey>"


@pytest.mark.parametrize(
    "replaced",
    [
        pytest.param({"MsgType": ""}, id="no-msgtype"),
        pytest.param({"MsgType": "<MsgType></MsgType>"}, id="empty-msgtype"),
        pytest.param({"MsgType": "<MsgType> \n</MsgType>"}, id="blank-msgtype"),
        pytest.param({"MsgType": "<MsgType><a/></MsgType>"}, id="nested-msgtype"),
        pytest.param({"MsgType": '<MsgType a="1">event</MsgType>'}, id="msgtype-with-attribute"),
        pytest.param({"MsgType": "<MsgType>event</MsgType><MsgType>text</MsgType>"}, id="two-msgtypes"),
        pytest.param({"FromUserName": ""}, id="no-sender"),
        pytest.param({"FromUserName": "<FromUserName/>"}, id="empty-sender"),
        pytest.param(
            {"FromUserName": "<FromUserName>o1</FromUserName><FromUserName>oEvil</FromUserName>"},
            id="two-senders",
        ),
        pytest.param({"FromUserName": "<FromUserName><b>o1</b></FromUserName>"}, id="nested-sender"),
        pytest.param({"FromUserName": f"<FromUserName>{'o' * 129}</FromUserName>"}, id="long-sender"),
        pytest.param({"ToUserName": ""}, id="no-recipient"),
        pytest.param(
            {"ToUserName": "<ToUserName>a</ToUserName><ToUserName>b</ToUserName>"}, id="two-recipients"
        ),
        pytest.param({"CreateTime": ""}, id="no-time"),
        pytest.param({"CreateTime": "<CreateTime/>"}, id="empty-time"),
        pytest.param({"CreateTime": "<CreateTime>abc</CreateTime>"}, id="time-abc"),
        pytest.param({"CreateTime": "<CreateTime>NaN</CreateTime>"}, id="time-nan"),
        pytest.param({"CreateTime": "<CreateTime>-1</CreateTime>"}, id="time-negative"),
        pytest.param({"CreateTime": "<CreateTime>1e9</CreateTime>"}, id="time-exponent"),
        pytest.param({"CreateTime": "<CreateTime>1_0</CreateTime>"}, id="time-underscore"),
        pytest.param({"CreateTime": "<CreateTime>１７７３４８０４１３</CreateTime>"}, id="time-full-width"),
        pytest.param({"CreateTime": "<CreateTime>99999999999999</CreateTime>"}, id="time-14-digits"),
        pytest.param({"CreateTime": "<CreateTime>999999999999</CreateTime>"}, id="time-beyond-year-9999"),
        pytest.param({"CreateTime": f"<CreateTime>{'9' * 5000}</CreateTime>"}, id="time-5000-digits"),
        pytest.param({"CreateTime": "<CreateTime>1</CreateTime><CreateTime>2</CreateTime>"}, id="two-times"),
    ],
)
def test_broken_common_field_is_ambiguous(read: Read, replaced: dict[str, str]) -> None:
    with pytest.raises(MalformedError) as refusal:
        read(EVENT, **replaced)

    assert refusal.value.ambiguous


@pytest.mark.parametrize(
    "inner",
    [
        pytest.param("", id="no-event"),
        pytest.param("<Event></Event>", id="empty-event"),
        pytest.param("<Event><x>SCAN</x></Event>", id="nested-event"),
        pytest.param("<Event>SCAN</Event><Event>CLICK</Event>", id="two-events"),
        pytest.param(f"<Event>{'S' * 129}</Event>", id="long-event"),
        pytest.param("<Event>SCAN</Event><EventKey>a</EventKey><EventKey>b</EventKey>", id="two-scenes"),
        pytest.param(
            "<Event>SCAN</Event><EventKey>a</EventKey><EventKey>a</EventKey>", id="same-scene-twice"
        ),
        pytest.param("<Event>SCAN</Event><EventKey><x>a</x></EventKey>", id="nested-scene"),
        pytest.param(
            "<Event>subscribe</Event><EventKey><x>qrscene_a</x></EventKey>", id="nested-follow-scene"
        ),
        pytest.param(
            "<Event>subscribe</Event><EventKey/><EventKey>qrscene_a</EventKey>", id="two-follow-scenes"
        ),
        pytest.param("<Event>SCAN</Event><Ticket>a</Ticket><Ticket>b</Ticket>", id="two-tickets"),
        pytest.param("<Event>SCAN</Event><MsgId>zz</MsgId>", id="msgid-zz"),
        pytest.param(f"<Event>SCAN</Event><MsgId>{'1' * 5000}</MsgId>", id="msgid-5000-digits"),
        pytest.param("<Event>SCAN</Event><MsgId>1</MsgId><MsgId>2</MsgId>", id="two-msgids"),
        pytest.param("<Event>LOCATION</Event>", id="position-missing"),
        pytest.param("<Event>LOCATION</Event><Latitude>1</Latitude>", id="half-a-position"),
        pytest.param("<Event>LOCATION</Event><Latitude>nan</Latitude><Longitude>1</Longitude>", id="nan"),
        pytest.param("<Event>LOCATION</Event><Latitude>1</Latitude><Longitude>inf</Longitude>", id="inf"),
        pytest.param("<Event>location_select</Event>", id="place-missing"),
        pytest.param("<Event>scancode_push</Event><ScanCodeInfo/><ScanCodeInfo/>", id="two-code-infos"),
        pytest.param(
            "<Event>scancode_push</Event><ScanCodeInfo><ScanResult>1</ScanResult><ScanResult>2</ScanResult>"
            "</ScanCodeInfo>",
            id="two-results",
        ),
        pytest.param("<Event>pic_weixin</Event><SendPicsInfo><Count>x</Count></SendPicsInfo>", id="count-x"),
        pytest.param("<Event>MASSSENDJOBFINISH</Event><TotalCount>-1</TotalCount>", id="count-negative"),
        pytest.param(f"<Event>MASSSENDJOBFINISH</Event><SentCount>{'9' * 5000}</SentCount>", id="count-long"),
        pytest.param("<Event>verify_expired</Event><ExpiredTime>soon</ExpiredTime>", id="expiry-soon"),
    ],
)
def test_broken_event_is_ambiguous(read: Read, inner: str) -> None:
    with pytest.raises(MalformedError) as refusal:
        read(inner)

    assert refusal.value.ambiguous


@pytest.mark.parametrize(
    ("body", "ambiguous"),
    [
        (b"<xml/>", True),
        (b"<xml>abc</xml>", True),
        (b"<root><MsgType>text</MsgType></root>", True),
        (b"<html></html>", True),
        (b"", False),
        (b"success", False),
        (b"<!DOCTYPE xml><xml/>", False),
    ],
)
def test_document_without_our_shape_is_malformed(body: bytes, ambiguous: bool) -> None:
    with pytest.raises(MalformedError) as refusal:
        parse_event(body, account="default")

    assert refusal.value.ambiguous is ambiguous


def test_refusal_names_the_field_but_no_content(read: Read) -> None:
    with pytest.raises(MalformedError) as refusal:
        read(EVENT, FromUserName="<FromUserName>oAilin</FromUserName><FromUserName>oEvil</FromUserName>")

    assert "FromUserName" in str(refusal.value)
    assert "oAilin" not in str(refusal.value)


@pytest.mark.parametrize(
    "extra",
    [
        "<source>oVictim</source><target>oVictim</target><openid>oVictim</openid>",
        "<fromusername>oVictim</fromusername><scene>vip</scene><when>follow</when>",
        "<__class__>x</__class__><_data>x</_data><key>x</key><message>x</message>",
        "<New>1</New><New>2</New><New><Deep><Er>3</Er></Deep></New>",
        "<Encrypt>plain text</Encrypt><Content>a</Content><Content>b</Content>",
        '<x:EventKey xmlns:x="urn:x">evil</x:EventKey>',
        '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>',
    ],
)
def test_unknown_elements_change_nothing(read: Read, extra: str) -> None:
    plain = read(EVENT)

    event = read(EVENT + extra)

    assert isinstance(event, events.Scan)
    assert (event.openid, event.scene, event.when) == (plain.openid, "door", "scan")
    assert event.key == plain.key


@pytest.mark.parametrize(
    "openid", ["o]]&gt;&lt;x/&gt;", "o'; DROP TABLE events; --", "o\nforged log line", "😀", "o" * 128]
)
def test_odd_openid_arrives_as_it_is(read: Read, openid: str) -> None:
    event = read(EVENT, FromUserName=f"<FromUserName>{openid}</FromUserName>")

    assert event.openid == openid.replace("&gt;", ">").replace("&lt;", "<")


def test_enormous_scene_is_still_a_scan(read: Read) -> None:
    event = read(f"<Event>SCAN</Event><EventKey>{'x' * 60_000}</EventKey>")

    assert isinstance(event, events.Scan)
    assert len(event.scene) == 60_000
