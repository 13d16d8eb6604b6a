"""Several replies at once: the first answers, the others are sent as messages."""

from typing import Any

import pytest

from wxbot.errors import NotAReplyError
from wxbot.wechat.events import Event
from wxbot.wechat.replies import Article, Image, News, Replies, Text, Transfer, as_interim, as_replies
from wxbot.wechat.service_messages import service_message

TWO_ARTICLES = News([Article("one"), Article("two")])


class Several(list[object]):
    """A list of a class of its own."""


def test_single_reply_has_nothing_behind_it(scan: Event) -> None:
    assert as_replies("一", scan) == Replies(Text("一"))
    assert as_replies(Transfer(), scan) == Replies(Transfer())


@pytest.mark.parametrize("kind", [list, Several])
def test_list_is_a_reply_and_messages(scan: Event, kind: type[list[object]]) -> None:
    replies = as_replies(kind(["一", Image("m"), "三"]), scan)

    assert replies == Replies(Text("一"), (Image("m"), Text("三")))


def test_transfer_can_only_be_the_first(scan: Event) -> None:
    replies = as_replies([Transfer(), "二", Transfer()], scan)

    assert (replies.first, replies.more) == (Transfer(), (Text("二"),))
    assert len(replies.dropped) == 1 and replies.dropped[0].startswith("item 3: a Transfer can only be")


def test_what_cannot_be_sent_is_left_out_with_its_reason(scan: Event) -> None:
    replies = as_replies(["一", "", None, "\u200b", b"x", ["nested"], "七"], scan)

    # Of seven, five are looked at.
    assert replies.more == ()
    assert [reason.partition(":")[0] for reason in replies.dropped] == [
        "item 2",
        "item 3",
        "item 4",
        "item 5",
        "2 items at the end",
    ]


def test_at_most_five_are_sent(scan: Event) -> None:
    replies = as_replies([str(number) for number in range(1, 9)], scan)

    assert [reply.content for reply in (replies.first, *replies.more) if isinstance(reply, Text)] == [
        *"12345"
    ]
    assert replies.dropped == ("3 items at the end: at most 5 are sent",)


@pytest.mark.parametrize("value", [[], [""], [None, "second"], [[], "second"], [ValueError, "second"]])
def test_list_without_a_first_reply_is_none(scan: Event, value: Any) -> None:
    with pytest.raises(NotAReplyError):
        as_replies(value, scan)


@pytest.mark.parametrize("value", [("a", "b"), {"a"}, {"a": "b"}, iter(["a"]), None])
def test_only_a_list_is_several(scan: Event, value: Any) -> None:
    with pytest.raises(NotAReplyError, match="is not a reply"):
        as_replies(value, scan)


def test_every_message_behind_the_first_can_be_sent(scan: Event) -> None:
    replies = as_replies([TWO_ARTICLES, TWO_ARTICLES, "汉" * 5000], scan)

    assert replies.first == TWO_ARTICLES
    assert replies.more[0] == News([Article("one")])
    assert [service_message("o", each)["msgtype"] for each in replies.more] == ["news", "text"]
    assert isinstance(replies.more[1], Text) and len(replies.more[1].content.encode()) <= 2048


@pytest.mark.parametrize("value", ["稍候", Text("稍候"), Image("m"), News([Article("one")])])
def test_interim_is_what_can_answer_anything(value: Any) -> None:
    assert as_interim(value) == (Text(value) if isinstance(value, str) else value)


@pytest.mark.parametrize("value", ["", " ", None, 5, Transfer(), TWO_ARTICLES, ["稍候"], Text])
def test_other_values_are_no_interim(value: Any) -> None:
    with pytest.raises(NotAReplyError, match="Give a non-blank str"):
        as_interim(value)
