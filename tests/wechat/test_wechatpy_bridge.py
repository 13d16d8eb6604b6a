"""wechatpy's objects: replies are read and never written, messages are built when asked for."""

import copy
import dataclasses
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from wechatpy import replies as theirs
from wechatpy.events import ScanEvent, SubscribeScanEvent
from wechatpy.messages import UnknownMessage

from wxbot.errors import NotAReplyError, WxbotError
from wxbot.wechat.events import Event
from wxbot.wechat.parse import parse_event
from wxbot.wechat.replies import Article, Image, Music, News, Reply, Text, Transfer, Video, Voice, as_reply

ARTICLES = [
    {"title": "a", "description": "b", "image": "https://x.example/c", "url": "https://x.example/d"},
    {"title": "second"},
]


def video() -> theirs.VideoReply:
    """Make a video reply with everything set."""
    return theirs.VideoReply(media_id="M", title="T", description="D")


def music() -> theirs.MusicReply:
    """Make a music reply with everything set."""
    return theirs.MusicReply(
        thumb_media_id="M", title="T", description="D", music_url="https://x.example/a", hq_music_url="b"
    )


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (theirs.TextReply(content="你好"), Text("你好")),
        (theirs.TextReply(content="你好".encode()), Text("你好")),
        (theirs.TextReply(content=42), Text("42")),
        (theirs.ImageReply(media_id="M"), Image("M")),
        (theirs.ImageReply(image="M"), Image("M")),
        (theirs.VoiceReply(media_id="M"), Voice("M")),
        (theirs.VideoReply(media_id="M"), Video("M")),
        (video(), Video("M", "T", "D")),
        (theirs.MusicReply(thumb_media_id="M"), Music("M")),
        (music(), Music("M", "T", "D", "https://x.example/a", "b")),
        (
            theirs.ArticlesReply(articles=ARTICLES),
            News([Article("a", "b", "https://x.example/c", "https://x.example/d"), Article("second")]),
        ),
        (theirs.TransferCustomerServiceReply(), Transfer()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_reply_of_wechatpy_is_read_and_left_alone(scan: Event, reply: Any, expected: Reply) -> None:
    before = copy.deepcopy(vars(reply))

    assert as_reply(reply, scan) == expected

    assert vars(reply) == before


def test_ten_articles_become_eight_and_one_for_a_message(scan: Event, text_message: Event) -> None:
    reply = theirs.ArticlesReply(articles=[{"title": str(number)} for number in range(10)])

    for event, count in ((scan, 8), (text_message, 1)):
        shown = as_reply(reply, event)
        assert isinstance(shown, News)
        assert [article.title for article in shown.articles] == [str(number) for number in range(count)]
    assert len(reply.articles) == 10


def test_subclass_with_a_computed_content_is_read(scan: Event) -> None:
    class Greeting(theirs.TextReply):  # type: ignore[misc]
        @property
        def content(self) -> str:
            return f"hello {self.who}"

    assert as_reply(Greeting(who="Ailin"), scan) == Text("hello Ailin")


def broken(cls: Any, **data: Any) -> Any:
    """Make a reply whose inner data are not what wechatpy expects."""
    reply = cls()
    reply._data.update(data)
    return reply


@pytest.mark.parametrize(
    "reply",
    [
        theirs.EmptyReply(),
        theirs.create_reply(""),
        theirs.create_reply(None),
        theirs.BaseReply(),
        theirs.DeviceTextReply(content="x"),
        theirs.HardwareReply(),
        theirs.TextReply(),
        theirs.TextReply(content=" \u200b"),
        theirs.TextReply(content=b"\xff"),
        theirs.ImageReply(),
        theirs.VoiceReply(media_id=""),
        theirs.VideoReply(),
        theirs.VideoReply(title="T"),
        theirs.MusicReply(music_url="https://x.example/a"),
        theirs.ArticlesReply(),
        theirs.ArticlesReply(articles=[{"description": "no title"}]),
        theirs.ArticlesReply(articles=["text"]),
        theirs.ArticlesReply(articles=5),
        broken(theirs.VideoReply, Video="text"),
        broken(theirs.MusicReply, Music=[1]),
        object.__new__(theirs.TextReply),
    ],
    ids=lambda value: type(value).__name__,
)
def test_reply_without_content_is_refused_and_left_alone(scan: Event, reply: Any) -> None:
    before = copy.deepcopy(vars(reply))

    with pytest.raises(NotAReplyError, match="Return a non-blank str"):
        as_reply(reply, scan)

    assert vars(reply) == before


def test_message_of_wechatpy_is_no_reply(scan: Event) -> None:
    with pytest.raises(NotAReplyError, match="ScanEvent is not a reply"):
        as_reply(scan.message, scan)


def test_one_reply_serves_many_threads(read: Callable[..., Event]) -> None:
    shared = theirs.TextReply(content="同一个回复")
    answers: list[Reply] = []

    def answer(number: int) -> None:
        event = read("<Event>SCAN</Event>", FromUserName=f"<FromUserName>o{number}</FromUserName>")
        answers.extend(as_reply(shared, event) for _ in range(200))

    threads = [threading.Thread(target=answer, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 800
    assert set(answers) == {Text("同一个回复")}
    assert set(shared._data) == {"Content", "CreateTime"}


def test_message_is_built_once_from_the_body(read: Callable[..., Event]) -> None:
    scan = read("<Event>SCAN</Event><EventKey>door</EventKey>")
    follow = read("<Event>subscribe</Event><EventKey>qrscene_door</EventKey>")

    assert isinstance(scan.message, ScanEvent)
    assert isinstance(follow.message, SubscribeScanEvent)
    assert scan.message is scan.message
    assert (scan.message.scene_id, follow.message.scene_id) == ("door", "door")
    assert scan.message.source == scan.openid
    assert scan.fields["EventKey"] == "door"


def test_message_of_an_unknown_event_keeps_its_data(read: Callable[..., Event]) -> None:
    message = read("<Event>debug_demo</Event><debug_str>hello</debug_str>").message

    assert isinstance(message, UnknownMessage)
    assert message._data["debug_str"] == "hello"


def test_body_with_a_byte_order_mark_has_a_message(push: Callable[..., bytes]) -> None:
    event = parse_event(b"\xef\xbb\xbf" + push("<Event>SCAN</Event>"), account="default")

    assert isinstance(event.message, ScanEvent)


@pytest.mark.parametrize("body", [b"<xml><MsgType/></xml>", b"<xml/>", b"<other/>", b"not xml", b"\xff"])
def test_message_that_wechatpy_cannot_read_says_so(scan: Event, body: bytes) -> None:
    event = dataclasses.replace(scan, body=body)

    with pytest.raises(WxbotError, match=r"event\.fields"):
        _ = event.message


def test_answering_does_not_import_wechatpy() -> None:
    # The rest of the package may import it in its own time, so only the protocol is loaded here.
    code = (
        "import sys\n"
        "from datetime import UTC, datetime\n"
        "from wxbot.wechat import envelope, parse, render, replies\n"
        "body = b'<xml><ToUserName>g</ToUserName><FromUserName>o</FromUserName><CreateTime>1</CreateTime>'\n"
        "body += b'<MsgType>event</MsgType><Event>SCAN</Event></xml>'\n"
        "event = parse.parse_event(body, account='default')\n"
        "reply = replies.as_reply('hello', event)\n"
        "assert 'hello' in render.render(reply, event, now=datetime.now(UTC))\n"
        "assert 'wechatpy' not in sys.modules, 'wechatpy was imported'\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
