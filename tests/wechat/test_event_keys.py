"""The key of an event: equal for repeats, another for what else happened in the same second, and for ever."""

from collections.abc import Callable

import pytest

from wxbot.wechat.events import Event

Read = Callable[..., Event]

ITEM = "<List><TemplateId>T1</TemplateId><MsgID>{}</MsgID><ErrorCode>0</ErrorCode></List>"
SENT = "<Event>subscribe_msg_sent_event</Event><SubscribeMsgSentEvent>{}</SubscribeMsgSentEvent>"
POPUP = (
    "<Event>subscribe_msg_popup_event</Event><SubscribeMsgPopupEvent><List><TemplateId>T1</TemplateId>"
    "<SubscribeStatusString>accept</SubscribeStatusString></List></SubscribeMsgPopupEvent>"
)
CHOICE = "<List><TemplateId>{}</TemplateId><SubscribeStatusString>{}</SubscribeStatusString></List>"
CHANGE = "<Event>subscribe_msg_change_event</Event><SubscribeMsgChangeEvent>{}</SubscribeMsgChangeEvent>"


def changed(*choices: tuple[str, str]) -> str:
    """Return what tells how somebody chose for these templates."""
    return CHANGE.format("".join(CHOICE.format(*each) for each in choices))


def sent(*ids: int) -> str:
    """Return what tells of notices with these ids."""
    return SENT.format("".join(ITEM.format(id) for id in ids))


def request(name: str, who: str, info: str = "") -> str:
    """Return what tells that somebody withdraws what they granted."""
    return f"<Event>{name}</Event><OpenID>{who}</OpenID><AppID>wx1</AppID><RevokeInfo>{info}</RevokeInfo>"


@pytest.mark.parametrize(
    ("msg_type", "inner", "key"),
    [
        ("event", "<Event>SCAN</Event><EventKey>door</EventKey>", "502ac40e924627b18509645d4f8a84e3"),
        (
            "event",
            "<Event>subscribe</Event><EventKey>qrscene_door</EventKey>",
            "d727d9a9df2349be3ac1b1bee8d10233",
        ),
        ("event", "<Event>unsubscribe</Event><EventKey/>", "ad467f6aadf85475756d9fd5668997a0"),
        ("event", "<Event>CLICK</Event><EventKey>菜单</EventKey>", "a27fe7b711ecc4f0854f48f14955da14"),
        (
            "event",
            "<Event>TEMPLATESENDJOBFINISH</Event><MsgID>1000001625</MsgID><Status>success</Status>",
            "b707f89129136a3cfaa8669f733cd1cb",
        ),
        (
            "event",
            "<Event>LOCATION</Event><Latitude>23.1</Latitude><Longitude>113.3</Longitude>",
            "65ebf5515acf4b173083962b3a0a150e",
        ),
        (
            "event",
            "<Event>kf_create_session</Event><KfAccount>a@b</KfAccount>",
            "f3c49d575c61b5bf81fa792c0c7d3079",
        ),
        ("event", POPUP, "b1d36b3c611593d267ca77aaf4616392"),
        (
            "event",
            "<Event>brand_new</Event><OpenID>oX</OpenID><RevokeInfo>1</RevokeInfo>",
            "4ab568a0e06a77407fae0ddaa13a7292",
        ),
        (
            "text",
            "<Content>hello</Content><MsgId>24610000000000001</MsgId>",
            "a92d5e07088bc1efb9104997414d650b",
        ),
        (
            "image",
            "<PicUrl>https://x</PicUrl><MediaId>m</MediaId><MsgId>24610000000000002</MsgId>",
            "37b0ffd6ee684241d1017c5fd7dd59b5",
        ),
    ],
)
def test_key_is_the_one_that_is_on_record(read: Read, msg_type: str, inner: str, key: str) -> None:
    """Another one would run the handlers of events again that were answered by an earlier version."""
    assert read(inner, msg_type=msg_type).key == key


@pytest.mark.parametrize(
    "inner",
    [
        [sent(1), sent(2), sent(1, 2), sent(12), sent(2, 1)],
        [
            changed(("T1", "reject")),
            changed(("T2", "reject")),
            changed(("T1", "accept")),
            changed(("T1", "reject"), ("T2", "reject")),
            changed(("T1", ""), ("reject", "")),
        ],
        [
            request(name, who, info)
            for name in ("user_authorization_revoke", "user_authorization_cancellation", "user_info_modified")
            for who, info in (("oAilin", "1"), ("oBo", "1"), ("oBo", "2"), ("oBo1", ""))
        ],
    ],
    ids=["sent", "changed", "privacy"],
)
def test_events_of_one_sender_and_second_differ_by_what_they_are_about(read: Read, inner: list[str]) -> None:
    assert len({read(each).key for each in inner}) == len(inner)
    assert [read(each).key for each in inner] == [read(each).key for each in inner]
