"""Recorded bytes: what the articles print and what WeChat's own examples contain."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from wxbot.wechat import events
from wxbot.wechat.envelope import Credentials, open_envelope, seal, verify_url
from wxbot.wechat.parse import parse_event

Golden = Callable[[str], bytes]
TICKET = "gQHf8DwAAAAAAAAAAS5odHRwOi8vd2VpeGluLnFxLmNvbS9xLzAydmhZenQzeEZlcGkxMDAwMHcwN1EAAgQGu7xZAwQAAAAA"


@pytest.mark.parametrize(
    ("name", "person", "created", "scan"),
    [
        (
            "article-php-scan-with-line-breaks.xml",
            "o4WmZ0h-4huBUVQUczx2ezaxIL9c",
            1505542211,
            ("haha", "scan", TICKET),
        ),
        ("article-django-subscribe.xml", "FromUser", 123456789, ("sunck", "follow", "TICKET")),
        ("article-django-scan.xml", "FromUser", 123456789, ("SCENE_VALUE", "scan", "TICKET")),
        ("article-enter-by-code-subscribe.xml", "FromUser", 123456789, ("123123", "follow", "TICKET")),
        ("article-enter-by-code-scan.xml", "FromUser", 123456789, ("SCENE_VALUE", "scan", "TICKET")),
    ],
)
def test_scan_of_an_article_is_a_scan(
    golden: Golden, name: str, person: str, created: int, scan: tuple[str, str, str]
) -> None:
    event = parse_event(golden(name), account="default")

    assert isinstance(event, events.Scan)
    assert event.openid == person
    assert (event.scene, event.when, event.ticket) == scan
    assert event.created_at == datetime.fromtimestamp(created, UTC)
    assert event.message.scene_id == event.scene


def test_plain_follow_on_the_wire_is_a_follow(golden: Golden) -> None:
    event = parse_event(golden("wire-subscribe.xml"), account="default")

    assert isinstance(event, events.Follow)
    assert (event.to_user, event.openid, event.trade_no) == ("gh_xxx", "oXXX", None)


def test_encrypted_push_on_the_wire_is_opened(golden: Golden, vectors: dict[str, Any]) -> None:
    given = vectors["sample_code"]
    for mode in ("safe", "compatible"):
        credentials = Credentials(given["appid"], given["token"], given["aes_key"], mode)
        opened = open_envelope(
            query_of(given), golden("wire-encrypted.xml"), credentials, now=sent_at(given), window_seconds=300
        )
        event = parse_event(opened.body, account="default")

        assert isinstance(event, events.TextMessage)
        assert (event.openid, event.content, event.msg_id) == (
            given["openid"],
            given["content"],
            given["msg_id"],
        )
        assert event.message.content == given["content"]


def test_published_verification_is_echoed(vectors: dict[str, Any]) -> None:
    given = vectors["verification"]
    credentials = Credentials("wx1", given["token"], "", "plain")

    echo = verify_url(query_of(given), credentials, now=sent_at(given), window_seconds=300)

    assert echo == given["echostr"]


def test_published_plain_push_is_opened(vectors: dict[str, Any]) -> None:
    given = vectors["plain_push"]
    credentials = Credentials("wx1", given["token"], "", "plain")

    opened = open_envelope(query_of(given), b"<xml/>", credentials, now=sent_at(given), window_seconds=300)

    assert opened.nonce == given["nonce"]


def test_published_push_and_answer_are_reproduced(golden: Golden, vectors: dict[str, Any]) -> None:
    given, answer = vectors["safe_push"], vectors["safe_reply"]
    credentials = Credentials(given["appid"], given["token"], given["aes_key"], "safe")
    body = f"<xml><ToUserName/><Encrypt><![CDATA[{given['encrypted']}]]></Encrypt></xml>".encode()

    opened = open_envelope(query_of(given), body, credentials, now=sent_at(given), window_seconds=300)
    sealed = seal(
        answer["plain"],
        credentials,
        nonce=opened.nonce,
        now=sent_at(answer),
        random=answer["random"].encode(),
    )

    assert opened.body.decode() == given["plain"]
    assert sealed.encode() == golden("sealed-reply.xml")
    assert answer["encrypted"] in sealed
    assert answer["msg_signature"] in sealed


def query_of(given: dict[str, Any]) -> bytes:
    """Write the query string of a published example."""
    names = ("signature", "msg_signature", "timestamp", "nonce", "echostr")
    return "&".join(f"{name}={given[name]}" for name in names if name in given).encode()


def sent_at(given: dict[str, Any]) -> datetime:
    """Return the moment of a published example."""
    return datetime.fromtimestamp(int(given["timestamp"]), UTC)
