"""What may be a reply and what may not."""

import json
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError, dataclass
from enum import StrEnum
from typing import Any
from unittest.mock import Mock

import pytest

from wxbot.errors import NotAReplyError
from wxbot.wechat import replies
from wxbot.wechat.events import Event
from wxbot.wechat.replies import (
    ACK,
    Article,
    Image,
    Music,
    News,
    Text,
    Transfer,
    Video,
    Voice,
    as_reply,
    from_data,
    to_data,
)

ARTICLE = Article("标题", "说明", "https://x.example/1.png", "https://x.example/1")

REPLIES = [
    Text("你好 😀\n再见"),
    Image("M1"),
    Voice("M1"),
    Video("M1"),
    Video("M1", "T", "D"),
    Music("M1"),
    Music("M1", "T", "D", "https://x.example/a", "https://x.example/b"),
    News([ARTICLE]),
    News([ARTICLE, Article("only a title")]),
    Transfer(),
    Transfer("agent@shop"),
]

BLANKS = [
    "",
    " ",
    "\n\t\r",
    "\u3000",
    "\u00a0\u2003",
    "\u200b\u200c\u200d",
    "\ufeff",
    "\u2060\u00ad",
    "\u2028\u2029",
    "\x00\x0b\x1f",
    "\x85",
    "\u3164\u115f\uffa0",
    "\u2800",
    "\ufe0f",
    "\U000e0020\U000e0100",
    "\u202e",
]


@pytest.mark.parametrize("blank", BLANKS)
def test_blank_reply_cannot_be_made(blank: str) -> None:
    for name, make in [
        ("Text.content", Text),
        ("Image.media_id", Image),
        ("Voice.media_id", Voice),
        ("Video.media_id", Video),
        ("Music.thumb_media_id", Music),
        ("Article.title", Article),
    ]:
        with pytest.raises(ValueError, match=name):
            make(blank)


@pytest.mark.parametrize("content", ["0", ".", "😀", "\u200b.", "👩‍👩‍👧", "❤️", "\ufffd", "é", "กำ"])
def test_whatever_can_be_seen_is_a_text(content: str) -> None:
    assert Text(content).content == content


def test_reply_holds_only_what_can_be_printed() -> None:
    assert Text("a\x00\r\nb\ud800") == Text("a\ufffd\nb\ufffd")


@pytest.mark.parametrize("value", [None, 0, 1.5, b"bytes", [], ("a",), {"a": 1}, object(), Text])
def test_field_that_is_no_text_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"Text\.content must be text"):
        Text(value)
    with pytest.raises(ValueError, match=r"Video\.title must be text"):
        Video("M1", value)
    with pytest.raises(ValueError, match=r"Transfer\.kf_account must be text"):
        Transfer(value)


def test_reference_beyond_all_reason_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Image\.media_id"):
        Image("x" * 2049)
    with pytest.raises(ValueError, match=r"Article\.url"):
        Article("T", url="https://x.example/" + "x" * 2048)


@pytest.mark.parametrize(
    "articles",
    [[], [ARTICLE] * 9, [Text("x")], ["title"], [None], None, ARTICLE, "ab", {ARTICLE}, iter([ARTICLE])],
)
def test_news_take_one_to_eight_articles(articles: Any) -> None:
    with pytest.raises(ValueError, match=r"News\.articles"):
        News(articles)


def test_news_take_any_sequence() -> None:
    assert News([ARTICLE]) == News((ARTICLE,))
    assert len(News([ARTICLE] * 8).articles) == 8


@pytest.mark.parametrize("reply", REPLIES)
def test_reply_cannot_be_changed(reply: Any) -> None:
    with pytest.raises(FrozenInstanceError):
        reply.content = "other"

    assert hash(reply) == hash(from_data(to_data(reply)))


@pytest.mark.parametrize("reply", [*REPLIES, ACK])
def test_reply_survives_storage_as_json(reply: Any) -> None:
    assert from_data(json.loads(json.dumps(to_data(reply)))) == reply


def test_stored_reply_can_be_kept_in_any_database() -> None:
    data = to_data(News([Article("a\x00b\ud800c", "\ufffe")]))

    assert json.loads(json.dumps(data, ensure_ascii=False).encode()) == {
        "type": "news",
        "articles": [{"title": "a\ufffdb\ufffdc", "description": "\ufffd", "image_url": "", "url": ""}],
    }


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"type": "empty"},
        {"type": None},
        {"type": "text"},
        {"type": "text", "content": ""},
        {"type": "text", "content": 1},
        {"type": "text", "content": "x", "extra": 1},
        {"type": "news"},
        {"type": "news", "articles": []},
        {"type": "news", "articles": [1]},
        {"type": "news", "articles": None},
    ],
)
def test_data_of_no_reply_are_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        from_data(data)


@pytest.mark.parametrize("reply", REPLIES)
def test_reply_of_ours_is_a_reply(scan: Event, reply: Any) -> None:
    assert as_reply(reply, scan) == reply


def test_text_of_any_string_class_is_a_reply(scan: Event) -> None:
    class Shouted(str):
        def __str__(self) -> str:
            return ""

    class Words(StrEnum):
        HELLO = "你好"

    assert as_reply("你好", scan) == Text("你好")
    assert as_reply(Words.HELLO, scan) == Text("你好")
    assert as_reply(Shouted("loud"), scan) == Text("loud")
    assert type(getattr(as_reply(Shouted("loud"), scan), "content")) is str  # noqa: B009


@pytest.mark.parametrize(
    ("content", "answer", "looks"),
    [
        ("x" * 2048, "x" * 2048, 1),
        ("x" * 2049, "x" * 2045 + "…", 2),
        ("x" * 2047 + "\x01", "x" * 2045 + "…", 2),  # U+FFFD, which takes its place, has three bytes
    ],
)
@pytest.mark.parametrize("kind", [str, type("Words", (str,), {})])
def test_text_is_looked_at_again_only_when_it_is_clipped(
    monkeypatch: pytest.MonkeyPatch, scan: Event, kind: type[str], content: str, answer: str, looks: int
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(replies, "is_blank", seen.append)

    assert as_reply(kind(content), scan) == Text(answer)

    assert len(seen) - 1 == looks  # one of them was at what is expected
    assert type(getattr(as_reply(kind(content), scan), "content")) is str  # noqa: B009


def test_subclass_of_a_reply_becomes_the_reply(scan: Event) -> None:
    @dataclass(frozen=True)
    class Signed(Text):
        author: str = "shop"

    assert as_reply(Signed("hello"), scan) == Text("hello")
    assert to_data(Signed("hello")) == {"type": "text", "content": "hello"}


def test_news_are_cut_to_what_the_event_allows(scan: Event, text_message: Event) -> None:
    news = News([ARTICLE, Article("second")])

    assert as_reply(news, scan) == news
    assert as_reply(news, text_message) == News([ARTICLE])


def generator() -> Iterator[str]:
    """Yield a text."""
    yield "text"


async def coroutine() -> str:
    """Return a text."""
    return "text"


class Pretender:
    """An object that claims to be a text."""

    @property
    def __class__(self) -> Any:
        """Raise, as a broken proxy would."""
        raise RuntimeError("not bound")


@pytest.mark.parametrize(
    "value",
    [
        *BLANKS,
        None,
        False,
        True,
        0,
        42,
        1.5,
        b"hi",
        bytearray(b"hi"),
        [],
        ["text"],
        [Text("text")],
        (),
        {},
        {"type": "text", "content": "x"},
        {Text("x")},
        object(),
        Text,
        ARTICLE,
        ACK,
        Exception("text"),
        generator(),
        generator,
        lambda: "text",
        NotImplemented,
        ...,
        range(3),
        memoryview(b"hi"),
        Mock(spec=Text),
        Mock(),
        object.__new__(Text),
        object.__new__(News),
    ],
    ids=lambda value: type(value).__name__,
)
def test_anything_else_is_no_reply(scan: Event, value: object) -> None:
    with pytest.raises(NotAReplyError, match="Return a non-blank str"):
        as_reply(value, scan)


def test_coroutine_is_no_reply(scan: Event) -> None:
    waiting = coroutine()

    with pytest.raises(NotAReplyError, match="coroutine is not a reply"):
        as_reply(waiting, scan)

    waiting.close()


def test_object_that_claims_to_be_a_reply_is_none(scan: Event) -> None:
    with pytest.raises(NotAReplyError, match="Pretender is not a reply"):
        as_reply(Pretender(), scan)


def test_reply_that_was_blanked_behind_its_back_is_no_reply(scan: Event) -> None:
    reply = Text("hello")
    object.__setattr__(reply, "content", " ")

    with pytest.raises(NotAReplyError, match=r"Text\.content"):
        as_reply(reply, scan)


def test_refusal_names_the_type_but_no_content(scan: Event, read: Callable[..., Event]) -> None:
    with pytest.raises(NotAReplyError) as refusal:
        as_reply({"openid": "oAilin"}, scan)

    assert "dict is not a reply" in str(refusal.value)
    assert "oAilin" not in str(refusal.value)
