"""What holds for any text and any bytes at all."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wxbot.blank import is_blank
from wxbot.errors import ForbiddenError, MalformedError
from wxbot.wechat import events
from wxbot.wechat.document import read_fields
from wxbot.wechat.envelope import Credentials, open_envelope, verify_url
from wxbot.wechat.parse import parse_event
from wxbot.wechat.render import render
from wxbot.wechat.replies import Article, Music, News, Text, Video, from_data, printable, to_data

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
SAFE = Credentials("wx0000000000000001", "a-callback-token", KEY, "safe")
PLAIN = Credentials("wx0000000000000001", "a-callback-token", "", "plain")

# Surrogates included: a handler can produce them, and no layer below may stumble over them.
texts = st.text(st.characters(exclude_categories=()), max_size=200)
visible = texts.filter(lambda text: not is_blank(text))
xml_texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=60).map(printable)
markup = st.sampled_from(
    [
        "<xml>",
        "</xml>",
        "<Event>",
        "</Event>",
        "SCAN",
        "<![CDATA[",
        "]]>",
        "<!DOCTYPE",
        "&",
        "\x00",
        "<a/>",
        "'",
        '"',
    ]
)
documents = st.one_of(
    st.binary(max_size=300), st.lists(markup, max_size=20).map(lambda parts: "".join(parts).encode())
)


def person(openid: str) -> events.Event:
    """Make an event of a person with any openid."""
    return events.Unfollow(
        account="default",
        to_user="gh_000000000001",
        openid=openid,
        created_at=NOW,
        msg_type="event",
        name="unsubscribe",
        digest=b"",
        body=b"",
    )


def shown(text: str) -> str:
    """Return what a reader gets of a text."""
    return printable(text).strip(" \t\r\n")


@settings(max_examples=300)
@given(content=visible, openid=xml_texts)
def test_any_text_renders_to_one_of_each_element(content: str, openid: str) -> None:
    fields = read_fields(render(Text(content), person(openid), now=NOW).encode())

    assert fields == {
        "ToUserName": shown(openid),
        "FromUserName": "gh_000000000001",
        "CreateTime": "1773480413",
        "MsgType": "text",
        "Content": shown(content),
    }


@settings(max_examples=150)
@given(title=visible, description=texts, url=texts)
def test_any_wrapped_text_stays_inside_its_element(title: str, description: str, url: str) -> None:
    bo = person("oBo")

    article = read_fields(render(News([Article(title, description, url, url)]), bo, now=NOW).encode())
    music = read_fields(render(Music(title, title, description, url, url), bo, now=NOW).encode())

    assert article["Articles"] == {
        "item": {
            "Title": shown(title),
            "Description": shown(description),
            "PicUrl": shown(url),
            "Url": shown(url),
        }
    }
    assert isinstance(music["Music"], dict)
    assert music["Music"]["ThumbMediaId"] == music["Music"]["Title"] == shown(title)
    assert {article["ToUserName"], music["ToUserName"]} == {"oBo"}


@settings(max_examples=150)
@given(title=visible, description=texts)
def test_any_reply_survives_storage_as_utf_8(title: str, description: str) -> None:
    reply = Video(title, description, description)

    stored = json.dumps(to_data(reply), ensure_ascii=False).encode("utf-8")

    assert b"\\u0000" not in stored
    assert from_data(json.loads(stored)) == reply


@settings(max_examples=200)
@given(scene=xml_texts, openid=xml_texts.filter(lambda text: text.strip(" \t\r\n") != ""))
def test_any_scene_is_parsed_as_it_was_written(scene: str, openid: str) -> None:
    def cdata(text: str) -> str:
        return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"

    body = (
        f"<xml><ToUserName>gh_1</ToUserName><FromUserName>{cdata(openid)}</FromUserName>"
        f"<CreateTime>1773480413</CreateTime><MsgType>event</MsgType><Event>SCAN</Event>"
        f"<EventKey>{cdata(scene)}</EventKey></xml>"
    ).encode()

    event = parse_event(body, account="default")

    assert isinstance(event, events.Scan)
    assert (event.scene, event.openid) == (shown(scene), shown(openid))


@settings(max_examples=300)
@given(body=documents)
def test_any_bytes_are_fields_or_malformed(body: bytes) -> None:
    for parse in (read_fields, lambda body: parse_event(body, account="default")):
        try:
            parse(body)
        except MalformedError as refusal:
            assert refusal.reason


@settings(max_examples=200)
@given(query=st.binary(max_size=200), body=documents)
def test_any_unsigned_bytes_are_forbidden(query: bytes, body: bytes) -> None:
    for credentials in (SAFE, PLAIN):
        with pytest.raises(ForbiddenError):
            open_envelope(query, body, credentials, now=NOW, window_seconds=300)
        with pytest.raises(ForbiddenError):
            verify_url(query, credentials, now=NOW, window_seconds=300)


@settings(max_examples=200)
@given(document=st.binary(max_size=300))
def test_any_document_comes_back_from_the_cipher(document: bytes) -> None:
    assert SAFE.cipher.decrypt(SAFE.cipher.encrypt(document)) == document


@settings(max_examples=200)
@given(text=st.one_of(st.text(max_size=100), st.binary(max_size=128).map(lambda raw: raw.hex())))
def test_any_foreign_text_is_no_ciphertext(text: str) -> None:
    with pytest.raises(ForbiddenError):
        SAFE.cipher.decrypt(text)
