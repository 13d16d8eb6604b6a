"""Documents to events: every kind WeChat sends, as its pages describe them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from wxbot.wechat import events
from wxbot.wechat.events import Event
from wxbot.wechat.parse import parse_event

Read = Callable[..., Event]


def values(event: Event, *names: str) -> tuple[Any, ...]:
    """Pick attributes."""
    return tuple(getattr(event, name) for name in names)


def test_common_fields_are_converted(read: Read, push: Callable[..., bytes]) -> None:
    event = read("<Event>CLICK</Event><EventKey>menu</EventKey>")

    assert values(event, "account", "to_user", "msg_type", "name") == (
        "default",
        "gh_000000000001",
        "event",
        "CLICK",
    )
    assert event.created_at == datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
    assert event.body == push("<Event>CLICK</Event><EventKey>menu</EventKey>")
    assert (event.key, len(event.digest)) == (event.digest.hex(), 16)


@pytest.mark.parametrize(
    ("inner", "scene", "when", "ticket"),
    [
        ("<Event>SCAN</Event><EventKey>door</EventKey><Ticket>gQ</Ticket>", "door", "scan", "gQ"),
        ("<Event>scan</Event><EventKey>door</EventKey>", "door", "scan", None),
        ("<Event>SCAN</Event><EventKey>qrscene_5</EventKey>", "qrscene_5", "scan", None),
        ("<Event>SCAN</Event><EventKey>0</EventKey>", "0", "scan", None),
        ("<Event>SCAN</Event><EventKey>000123</EventKey>", "000123", "scan", None),
        ("<Event>SCAN</Event><EventKey>4294967295</EventKey>", "4294967295", "scan", None),
        ("<Event>SCAN</Event><EventKey><![CDATA[ a b ]]></EventKey>", "a b", "scan", None),
        ("<Event>SCAN</Event><EventKey><![CDATA[a]]]]><![CDATA[>b]]></EventKey>", "a]]>b", "scan", None),
        ("<Event>SCAN</Event><EventKey></EventKey><Ticket/>", "", "scan", None),
        ("<Event>SCAN</Event>", "", "scan", None),
        ("<Event>subscribe</Event><EventKey>qrscene_door</EventKey>", "door", "follow", None),
        ("<Event>Subscribe</Event><EventKey>qrscene_0</EventKey>", "0", "follow", None),
        ("<Event>subscribe</Event><EventKey>qrscene_qrscene_7</EventKey>", "qrscene_7", "follow", None),
        ("<Event>subscribe</Event><EventKey><![CDATA[qrscene_ a]]></EventKey>", "a", "follow", None),
    ],
)
def test_both_scan_events_become_a_scan(
    read: Read, inner: str, scene: str, when: str, ticket: str | None
) -> None:
    event = read(inner)

    assert isinstance(event, events.Scan)
    assert values(event, "scene", "when", "ticket") == (scene, when, ticket)
    assert values(event, "is_new_follower", "is_returning") == (when == "follow", False)


@pytest.mark.parametrize(
    ("inner", "trade_no"),
    [
        ("", None),
        ("<EventKey></EventKey>", None),
        ("<EventKey><![CDATA[]]></EventKey>", None),
        ("<EventKey>qrscene_</EventKey>", None),
        ("<EventKey><![CDATA[qrscene_ \n]]></EventKey>", None),
        ("<EventKey>last_trade_no_4200001234</EventKey>", "4200001234"),
        ("<EventKey>last_trade_no_</EventKey>", None),
        ("<EventKey>something else</EventKey>", None),
    ],
)
def test_subscribe_without_a_scene_is_a_follow(read: Read, inner: str, trade_no: str | None) -> None:
    event = read(f"<Event>subscribe</Event>{inner}")

    assert isinstance(event, events.Follow)
    assert values(event, "trade_no", "is_new_follower", "is_returning") == (trade_no, True, False)


def test_unfollow_ignores_a_stray_event_key(read: Read) -> None:
    event = read("<Event>unsubscribe</Event><EventKey>last_trade_no_42</EventKey>")

    assert type(event) is events.Unfollow


CODE = "<ScanCodeInfo><ScanType>qrcode</ScanType><ScanResult>1</ScanResult></ScanCodeInfo>"
PHOTOS = (
    "<SendPicsInfo><Count>2</Count><PicList><item><PicMd5Sum>aa</PicMd5Sum></item>"
    "<item><PicMd5Sum>bb</PicMd5Sum></item></PicList></SendPicsInfo>"
)
PHOTO = (
    "<SendPicsInfo><Count>1</Count><PicList><item><PicMd5Sum>aa</PicMd5Sum></item></PicList></SendPicsInfo>"
)
PLACE = (
    "<Location_X>23.137466</Location_X><Location_Y>-113.352425</Location_Y><Scale>16</Scale>"
    "<Label>广州</Label>"
)
POPUP = (
    "<SubscribeMsgPopupEvent>"
    "<List><TemplateId>T1</TemplateId><SubscribeStatusString>accept</SubscribeStatusString>"
    "<PopupScene>2</PopupScene></List>"
    "<List><TemplateId>T2</TemplateId><SubscribeStatusString>reject</SubscribeStatusString>"
    "<PopupScene>2</PopupScene></List></SubscribeMsgPopupEvent>"
)
CHANGE = (
    "<SubscribeMsgChangeEvent><List><TemplateId>T1</TemplateId>"
    "<SubscribeStatusString>reject</SubscribeStatusString></List></SubscribeMsgChangeEvent>"
)
SENT = (
    "<SubscribeMsgSentEvent><List><TemplateId>T1</TemplateId><MsgID>17</MsgID><ErrorCode>0</ErrorCode>"
    "<ErrorStatus>success</ErrorStatus></List></SubscribeMsgSentEvent>"
)
MASS = (
    "<MsgID>1000001625</MsgID><Status>send success</Status><TotalCount>4</TotalCount>"
    "<FilterCount>3</FilterCount><SentCount>2</SentCount><ErrorCount>1</ErrorCount>"
    "<CopyrightCheckResult><Count>1</Count><ResultList><item><ArticleIdx>1</ArticleIdx></item></ResultList>"
    "<CheckState>2</CheckState></CopyrightCheckResult>"
)


def item(**fields: str) -> events.SubscriptionItem:
    """Make a subscription item."""
    return events.SubscriptionItem(**fields)


@pytest.mark.parametrize(
    ("name", "inner", "kind", "expected"),
    [
        ("CLICK", "<EventKey>K</EventKey>", events.Click, {"event_key": "K"}),
        ("CLICK", "", events.Click, {"event_key": ""}),
        (
            "VIEW",
            "<EventKey>https://x.example/?a=1&amp;b=2</EventKey><MenuId>7</MenuId>",
            events.View,
            {"url": "https://x.example/?a=1&b=2", "menu_id": "7"},
        ),
        (
            "view_miniprogram",
            "<EventKey>pages/index</EventKey><MenuId>7</MenuId>",
            events.ViewMiniprogram,
            {"path": "pages/index", "menu_id": "7"},
        ),
        (
            "scancode_push",
            f"<EventKey>K</EventKey>{CODE}",
            events.ScanCode,
            {"event_key": "K", "kind": "push", "scan_type": "qrcode", "scan_result": "1"},
        ),
        ("scancode_waitmsg", CODE, events.ScanCode, {"kind": "waitmsg", "scan_result": "1"}),
        ("scancode_waitmsg", "", events.ScanCode, {"kind": "waitmsg", "scan_result": ""}),
        ("pic_sysphoto", PHOTOS, events.PhotoSent, {"source": "sysphoto", "count": 2, "md5s": ("aa", "bb")}),
        ("pic_photo_or_album", PHOTO, events.PhotoSent, {"source": "photo_or_album", "md5s": ("aa",)}),
        ("pic_weixin", "", events.PhotoSent, {"source": "weixin", "count": 0, "md5s": ()}),
        ("pic_weixin", "<SendPicsInfo/>", events.PhotoSent, {"source": "weixin", "count": 0}),
        (
            "location_select",
            f"<EventKey>K</EventKey><SendLocationInfo>{PLACE}<Poiname>塔</Poiname></SendLocationInfo>",
            events.LocationSelected,
            {"latitude": 23.137466, "longitude": -113.352425, "scale": 16.0, "label": "广州", "poi": "塔"},
        ),
        (
            "LOCATION",
            "<Latitude>23.1</Latitude><Longitude>113.3</Longitude><Precision>119.385040</Precision>",
            events.LocationReport,
            {"latitude": 23.1, "longitude": 113.3, "precision": 119.38504},
        ),
        (
            "TEMPLATESENDJOBFINISH",
            "<MsgID>200163836</MsgID><Status>failed:user block</Status>",
            events.TemplateSent,
            {"msg_id": "200163836", "status": "failed:user block"},
        ),
        (
            "MASSSENDJOBFINISH",
            MASS,
            events.MassSent,
            {"status": "send success", "total": 4, "filtered": 3, "sent": 2, "errors": 1},
        ),
        (
            "subscribe_msg_popup_event",
            POPUP,
            events.SubscriptionAnswered,
            {
                "kind": "popup",
                "items": (
                    item(template_id="T1", status="accept", popup_scene="2"),
                    item(template_id="T2", status="reject", popup_scene="2"),
                ),
            },
        ),
        (
            "subscribe_msg_change_event",
            CHANGE,
            events.SubscriptionAnswered,
            {"kind": "change", "items": (item(template_id="T1", status="reject"),)},
        ),
        (
            "subscribe_msg_sent_event",
            SENT,
            events.SubscriptionAnswered,
            {
                "kind": "sent",
                "items": (item(template_id="T1", msg_id="17", error_code="0", error_status="success"),),
            },
        ),
        (
            "kf_create_session",
            "<KfAccount>a@x</KfAccount>",
            events.ServiceSession,
            {"kind": "create", "agent": "a@x", "from_agent": ""},
        ),
        ("kf_close_session", "<KfAccount>a@x</KfAccount>", events.ServiceSession, {"kind": "close"}),
        (
            "kf_switch_session",
            "<FromKfAccount>a@x</FromKfAccount><ToKfAccount>b@x</ToKfAccount>",
            events.ServiceSession,
            {"kind": "switch", "agent": "b@x", "from_agent": "a@x"},
        ),
        (
            "qualification_verify_success",
            "<ExpiredTime>1442401156</ExpiredTime>",
            events.Verification,
            {
                "kind": "qualification_verify_success",
                "expired_at": datetime(2015, 9, 16, 10, 59, 16, tzinfo=UTC),
                "failed_at": None,
            },
        ),
        (
            "naming_verify_fail",
            "<FailTime>1442401061</FailTime><FailReason>by time</FailReason>",
            events.Verification,
            {"kind": "naming_verify_fail", "expired_at": None, "reason": "by time"},
        ),
        ("verify_expired", "", events.Verification, {"kind": "verify_expired", "expired_at": None}),
        (
            "user_authorization_revoke",
            "<OpenID>oChen</OpenID><AppID>wx0</AppID><RevokeInfo>301</RevokeInfo>",
            events.PrivacyRequest,
            {
                "kind": "user_authorization_revoke",
                "subject_openid": "oChen",
                "appid": "wx0",
                "revoke_info": "301",
            },
        ),
    ],
)
def test_event_carries_its_fields(
    read: Read, name: str, inner: str, kind: type[Event], expected: dict[str, Any]
) -> None:
    event = read(f"<Event>{name}</Event>{inner}")

    assert type(event) is kind
    assert {name: getattr(event, name) for name in expected} == expected
    assert (event.name, event.is_message) == (name, False)


@pytest.mark.parametrize(
    ("msg_type", "inner", "kind", "expected"),
    [
        (
            "text",
            "<Content><![CDATA[  你好 \n 😀 ]]></Content>",
            events.TextMessage,
            {"content": "你好 \n 😀", "menu_item_id": None},
        ),
        (
            "text",
            "<Content>满意</Content><bizmsgmenuid>101</bizmsgmenuid>",
            events.TextMessage,
            {"content": "满意", "menu_item_id": "101"},
        ),
        ("text", "", events.TextMessage, {"content": ""}),
        (
            "image",
            "<PicUrl>http://x.example/1</PicUrl><MediaId>M</MediaId>",
            events.ImageMessage,
            {"picture_url": "http://x.example/1", "media_id": "M"},
        ),
        (
            "voice",
            "<MediaId>M</MediaId><Format>amr</Format><Recognition/>",
            events.VoiceMessage,
            {"media_id": "M", "format": "amr", "recognition": ""},
        ),
        (
            "video",
            "<MediaId>M</MediaId><ThumbMediaId>T</ThumbMediaId>",
            events.VideoMessage,
            {"media_id": "M", "thumb_media_id": "T", "is_short": False},
        ),
        ("shortvideo", "<MediaId>M</MediaId>", events.VideoMessage, {"media_id": "M", "is_short": True}),
        (
            "location",
            PLACE,
            events.LocationMessage,
            {"latitude": 23.137466, "longitude": -113.352425, "scale": 16.0, "label": "广州"},
        ),
        (
            "link",
            "<Title>T</Title><Description>D</Description><Url>http://x.example</Url>",
            events.LinkMessage,
            {"title": "T", "description": "D", "url": "http://x.example"},
        ),
    ],
)
def test_message_carries_its_fields(
    read: Read, msg_type: str, inner: str, kind: type[Event], expected: dict[str, Any]
) -> None:
    for received in (msg_type, msg_type.upper()):
        event = read(f"{inner}<MsgId>6054768590064713728</MsgId>", msg_type=received)

        assert type(event) is kind
        assert {name: getattr(event, name) for name in expected} == expected
        assert values(event, "msg_type", "name", "wire_name") == (received, "", msg_type)
        assert values(event, "msg_id", "is_message") == ("6054768590064713728", True)
        assert event.wire_name in events.MESSAGE_KINDS


@pytest.mark.parametrize(
    "inner",
    [
        "<Event>subscribe_scan</Event><EventKey>door</EventKey>",
        "<Event>subscribe_scan_product</Event>",
        "<Event>unknown</Event>",
        "<Event>clic\u212a</Event><EventKey>K</EventKey>",
        "<Event>ＳＣＡＮ</Event><EventKey>door</EventKey>",
        "<Event>debug_demo</Event>",
    ],
)
def test_name_that_is_not_on_the_wire_is_unknown(read: Read, inner: str) -> None:
    event = read(inner)

    assert type(event) is events.Unknown
    assert event.fields["Event"] == event.name


def test_unknown_message_type_is_unknown(read: Read) -> None:
    event = read("<DeviceID>1</DeviceID>", msg_type="device_text")

    assert type(event) is events.Unknown
    assert event.fields["DeviceID"] == "1"
    assert values(event, "is_message", "wire_name") == (False, "device_text")


def test_digest_is_the_same_for_repeats_only(read: Read) -> None:
    key = read("<Event>SCAN</Event><EventKey>a</EventKey>").key

    assert read("<EventKey>a</EventKey><Event>scan</Event><Ticket>T</Ticket>").key == key
    others = [
        read("<Event>SCAN</Event><EventKey>b</EventKey>"),
        read("<Event>VIEW</Event><EventKey>a</EventKey>"),
        read("<Event>SCANa</Event><EventKey></EventKey>"),
        read("<Event>SCAN</Event><EventKey>a</EventKey><MsgID>1</MsgID>"),
        read("<Event>SCAN</Event><EventKey>a</EventKey>", CreateTime="<CreateTime>1773480414</CreateTime>"),
        read("<Event>SCAN</Event><EventKey>a</EventKey>", FromUserName="<FromUserName>oBo</FromUserName>"),
    ]
    assert len({key, *(other.key for other in others)}) == len(others) + 1


def test_digest_tells_accounts_apart(push: Callable[..., bytes]) -> None:
    body = push("<Event>SCAN</Event><EventKey>a</EventKey>")

    assert parse_event(body, account="default").key != parse_event(body, account="second").key


def test_follow_and_unfollow_in_one_second_differ(read: Read) -> None:
    assert read("<Event>subscribe</Event>").key != read("<Event>unsubscribe</Event>").key


def test_repr_shows_nobody(read: Read) -> None:
    event = read("<Content>my secret</Content>", msg_type="text")

    assert repr(event).startswith("TextMessage(account='default'")
    for private in (event.openid, "secret", "<xml>"):
        assert private not in repr(event)


@pytest.mark.parametrize(
    ("inner", "msg_type", "visible"),
    [
        ("<Event>SCAN</Event>", "event", True),
        ("<Event>subscribe</Event>", "event", True),
        ("<Event>CLICK</Event>", "event", True),
        ("<Event>scancode_waitmsg</Event>", "event", True),
        ("<Content>x</Content>", "text", True),
        ("<MediaId>x</MediaId>", "image", True),
        ("<Event>scancode_push</Event>", "event", False),
        ("<Event>unsubscribe</Event>", "event", False),
        ("<Event>VIEW</Event>", "event", False),
        ("<Event>anything</Event>", "event", False),
        ("", "device_text", False),
    ],
)
def test_visible_replies_go_where_somebody_waits(
    read: Read, inner: str, msg_type: str, visible: bool
) -> None:
    assert events.always_visible(read(inner, msg_type=msg_type)) is visible
