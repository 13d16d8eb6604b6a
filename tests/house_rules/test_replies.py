"""No reply can be blank, and every kind becomes an XML document with what it carries."""

from datetime import UTC, datetime
from typing import Any, get_args
from xml.etree import ElementTree

import pytest

from wxbot.wechat import replies
from wxbot.wechat.parse import parse_event
from wxbot.wechat.render import render

# For each kind: what it needs, and how its document calls itself.
KINDS: dict[type, tuple[dict[str, Any], str]] = {
    replies.Text: ({"content": "shown"}, "text"),
    replies.Image: ({"media_id": "shown"}, "image"),
    replies.Voice: ({"media_id": "shown"}, "voice"),
    replies.Video: ({"media_id": "shown"}, "video"),
    replies.Music: ({"thumb_media_id": "shown"}, "music"),
    replies.News: ({"articles": [replies.Article(title="shown")]}, "news"),
    replies.Transfer: ({"kf_account": "shown"}, "transfer_customer_service"),
}
BLANK = ["", " ", "\n\t", "\u3000", "\u200b\u200d\ufeff", "\u3164"]
SCAN = (
    "<xml><ToUserName>gh_1</ToUserName><FromUserName>ailin</FromUserName><CreateTime>1700000000</CreateTime>"
    "<MsgType>event</MsgType><Event>SCAN</Event><EventKey>door</EventKey></xml>"
)


def test_every_kind_of_reply_is_tried_here() -> None:
    assert set(KINDS) == set(get_args(replies.Reply))


@pytest.mark.parametrize("blank", BLANK)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not replies.Transfer])
def test_a_blank_reply_cannot_be_made(kind: type, blank: str) -> None:
    ((field, needed),) = KINDS[kind][0].items()

    with pytest.raises(ValueError, match="title" if field == "articles" else field):
        kind(**{field: blank if isinstance(needed, str) else [replies.Article(title=blank)]})


@pytest.mark.parametrize("kind", KINDS)
def test_a_reply_becomes_a_document(kind: type) -> None:
    needed, name = KINDS[kind]

    document = ElementTree.fromstring(
        render(kind(**needed), parse_event(SCAN.encode(), account="default"), now=datetime.now(UTC))
    )

    assert (document.findtext("ToUserName"), document.findtext("MsgType")) == ("ailin", name)
    assert "shown" in [element.text for element in document.iter()]
