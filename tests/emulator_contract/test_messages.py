"""wechatpy's own client writes to people, tags them and asks about them."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException


def errcode_of(call: Callable[[], Any]) -> int:
    """Return the code of the error that a call ends with."""
    with pytest.raises(WeChatClientException) as caught:
        call()
    return int(caught.value.errcode)


@pytest.fixture
def tag(wechatpy_client: WeChatClient) -> Iterator[dict[str, Any]]:
    """A tag of the account that goes at the end, if the test left it."""
    made = wechatpy_client.tag.create(uuid.uuid4().hex[:20])
    yield made
    if any(each["id"] == made["id"] for each in wechatpy_client.tag.get()):
        wechatpy_client.tag.delete(made["id"])


def test_text_article_and_menu_are_sent(wechatpy_client: WeChatClient, writer: str) -> None:
    menu = {"head_content": "满意吗？", "list": [{"id": "1", "content": "满意"}], "tail_content": "谢谢"}
    article = {"title": "标题", "description": "摘要", "url": "https://example.com", "image": ""}

    answers = [
        wechatpy_client.message.send_text(writer, "您好"),
        wechatpy_client.message.send_articles(writer, [article]),
        wechatpy_client.message.send_msg_menu(writer, menu),
    ]

    assert [answer["errcode"] for answer in answers] == [0, 0, 0]


def test_bad_messages_are_refused(wechatpy_client: WeChatClient, writer: str) -> None:
    message = wechatpy_client.message

    assert errcode_of(lambda: message.send_text(writer, "字" * 683)) == 45002
    assert errcode_of(lambda: message.send_text("oNobody", "hi")) == 40003
    articles = [{"title": "1", "description": "", "url": ""}, {"title": "2", "description": "", "url": ""}]
    assert errcode_of(lambda: message.send_articles(writer, articles)) == 45008


def test_message_after_the_fifth_is_refused(api: Any, wechatpy_client: WeChatClient, writer: str) -> None:
    if api.world is None:
        pytest.skip("needs a person who writes once at this moment")

    for _ in range(5):
        wechatpy_client.message.send_text(writer, "hi")

    assert errcode_of(lambda: wechatpy_client.message.send_text(writer, "hi")) == 45047


def test_tag_has_a_life(wechatpy_client: WeChatClient, tag: dict[str, Any], writer: str) -> None:
    client = wechatpy_client.tag

    client.update(tag["id"], f"{tag['name']}x")
    client.tag_user(tag["id"], writer)
    listed = {each["id"]: each for each in client.get()}
    tags, members = client.get_user_tag(writer), list(client.iter_tag_users(tag["id"]))
    client.untag_user(tag["id"], [writer])
    without = client.get_user_tag(writer)
    client.delete(tag["id"])

    assert set(tag) == {"id", "name"}
    assert (listed[tag["id"]]["name"], listed[tag["id"]]["count"]) == (f"{tag['name']}x", 1)
    assert tag["id"] in tags and tag["id"] not in without
    assert members == [writer]
    assert tag["id"] not in {each["id"] for each in client.get()}


def test_bad_tags_are_refused(wechatpy_client: WeChatClient, tag: dict[str, Any], writer: str) -> None:
    client = wechatpy_client.tag

    assert errcode_of(lambda: client.create(tag["name"])) == 45157
    assert errcode_of(lambda: client.create("字" * 31)) == 45158
    assert errcode_of(lambda: client.delete(2)) == 45058
    assert errcode_of(lambda: client.tag_user(tag["id"], [writer] * 51)) == 40032
    assert errcode_of(lambda: client.tag_user(99999, writer)) == 45159


def test_person_is_told_about(wechatpy_client: WeChatClient, writer: str) -> None:
    told = wechatpy_client.user.get(writer)
    (again,) = wechatpy_client.user.get_batch([writer])

    assert (told["subscribe"], told["openid"], again["openid"]) == (1, writer, writer)
    assert {"subscribe_time", "remark", "groupid", "tagid_list", "subscribe_scene"} <= set(told)
    assert {"qr_scene", "qr_scene_str"} <= set(told)
    assert writer in list(wechatpy_client.user.iter_followers())
    assert errcode_of(lambda: wechatpy_client.user.get("oNobody")) == 40003
