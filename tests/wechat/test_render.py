"""Reply documents: well-formed, rightly addressed, with each element once, whatever is put into them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from wxbot.wechat.document import read_fields
from wxbot.wechat.events import Event
from wxbot.wechat.render import render
from wxbot.wechat.replies import Article, Image, Music, News, Reply, Text, Transfer, Video, Voice

INJECTION = "x]]></Content><ToUserName><![CDATA[oVictim]]></ToUserName><Content><![CDATA[y"
ARTICLE = Article("标题", "说明", "https://x.example/1.png", "https://x.example/?a=1&b=2")
GOLDEN: dict[str, Reply] = {
    "reply-text.xml": Text('您好 <a href="https://x.example/">链接</a>\n第二行 ]]> 😀'),
    "reply-image.xml": Image("media-1"),
    "reply-voice.xml": Voice("media-1"),
    "reply-video.xml": Video("media-1", "标题", "说明"),
    "reply-video-bare.xml": Video("media-1"),
    "reply-music.xml": Music("thumb-1", "标题", "说明", "https://x.example/a.mp3", "https://x.example/b.mp3"),
    "reply-music-bare.xml": Music("thumb-1"),
    "reply-news.xml": News([ARTICLE, Article("只有标题")]),
    "reply-transfer.xml": Transfer(),
    "reply-transfer-to-agent.xml": Transfer("agent@shop"),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_reply_is_rendered_as_recorded(
    golden: Callable[[str], bytes], scan: Event, now: datetime, name: str
) -> None:
    assert render(GOLDEN[name], scan, now=now).encode() == golden(name)


@pytest.mark.parametrize("reply", GOLDEN.values(), ids=GOLDEN)
def test_reply_goes_to_the_person_of_the_event(scan: Event, now: datetime, reply: Reply) -> None:
    fields = read_fields(render(reply, scan, now=now).encode())

    assert (fields["ToUserName"], fields["FromUserName"]) == (scan.openid, scan.to_user)
    assert fields["CreateTime"] == str(int(now.timestamp()))


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a]]>b", "a]]>b"),
        ("]]>", "]]>"),
        ("]]]]>>", "]]]]>>"),
        ("a]]", "a]]"),
        ("]]]", "]]]"),
        ("<![CDATA[x]]>", "<![CDATA[x]]>"),
        (INJECTION, INJECTION),
        ("&lt;&amp;&#0;", "&lt;&amp;&#0;"),
        ("a\x00b\x0bc\x1b", "a\ufffdb\ufffdc\ufffd"),
        ("a\x7f\x85\x9fb", "a\ufffd\ufffd\ufffdb"),
        ("a\ud83db\udfff", "a\ufffdb\ufffd"),
        ("a\ufffeb\uffff", "a\ufffdb\ufffd"),
        ("a\tb\nc", "a\tb\nc"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("😀👩‍👩‍👧", "😀👩‍👩‍👧"),
        ("{to}{0}%s", "{to}{0}%s"),
    ],
)
def test_text_arrives_as_text(scan: Event, now: datetime, given: str, shown: str) -> None:
    fields = read_fields(render(Text(given), scan, now=now).encode())

    assert fields["Content"] == shown
    assert set(fields) == {"ToUserName", "FromUserName", "CreateTime", "MsgType", "Content"}
    assert fields["ToUserName"] == scan.openid


@pytest.mark.parametrize(
    "reply",
    [
        Image(INJECTION),
        Voice(INJECTION),
        Video(INJECTION, INJECTION, INJECTION),
        Music(INJECTION, INJECTION, INJECTION, INJECTION, INJECTION),
        News([Article(INJECTION, INJECTION, INJECTION, INJECTION)]),
        Transfer(INJECTION),
    ],
    ids=lambda reply: type(reply).__name__,
)
def test_markup_in_any_field_stays_text(scan: Event, now: datetime, reply: Reply) -> None:
    fields = read_fields(render(reply, scan, now=now).encode())

    def leaves(value: Any) -> list[str]:
        return (
            [value] if isinstance(value, str) else [text for item in value.values() for text in leaves(item)]
        )

    wrapper = next(value for value in fields.values() if isinstance(value, dict))
    assert set(leaves(wrapper)) == {INJECTION}
    assert fields["ToUserName"] == scan.openid


@pytest.mark.parametrize(
    ("content", "bytes_shown", "is_clipped"),
    [
        ("x" * 2048, 2048, False),
        ("x" * 2049, 2048, True),
        ("二" * 682, 2046, False),
        ("二" * 683, 2046, True),
        ("😀" * 512, 2048, False),
        ("😀" * 513, 2047, True),
        ("x" + "😀" * 513, 2048, True),
        ("]]>" * 700, 2048, True),
        ("\x00" * 700 + "x", 2046, True),
        ("x" * 1_000_000, 2048, True),
    ],
)
def test_long_text_is_clipped_between_characters(
    scan: Event, now: datetime, content: str, bytes_shown: int, is_clipped: bool
) -> None:
    shown = read_fields(render(Text(content), scan, now=now).encode())["Content"]

    assert isinstance(shown, str)
    assert len(shown.encode()) == bytes_shown
    assert shown.endswith("…") is is_clipped
    assert content.replace("\x00", "\ufffd").startswith(shown.removesuffix("…"))


def test_other_texts_are_clipped_too(scan: Event, now: datetime) -> None:
    document = render(News([Article("二" * 10_000, "二" * 1_000_000)]), scan, now=now)

    assert len(document.encode()) < 5_000


@pytest.mark.parametrize("openid", ["o]]&gt;&lt;x/&gt;", "o{content}", "o&amp;lt;", "o😀"])
def test_hostile_openid_stays_the_address(read: Callable[..., Event], now: datetime, openid: str) -> None:
    event = read("<Event>SCAN</Event>", FromUserName=f"<FromUserName>{openid}</FromUserName>")

    fields = read_fields(render(Text("hello"), event, now=now).encode())

    assert fields["ToUserName"] == event.openid
    assert fields["Content"] == "hello"
