"""wxbot's own client makes the same calls, and means the same by them."""

from typing import Any

import pytest

from wxbot.emulator.rules import Trouble
from wxbot.wechat.api import ApiAccount, ApiClient
from wxbot.wechat.errcodes import ApiError, UnreachableError
from wxbot.wechat.replies import Article, Image, Music, News, Reply, Text, Video, Voice


class Token:
    """A token that is good, or there is none."""

    def __init__(self, text: str) -> None:
        self._text = text

    def current(self) -> str:
        return self._text

    def refused(self, _token: str) -> str:
        raise AssertionError("the token is good")


@pytest.fixture
def client(api: Any) -> ApiClient:
    account = ApiAccount(
        name="default", appid=api.appid, secret=api.secret, api_base=api.api_base, mp_base=api.mp_base
    )
    return ApiClient(account, token=Token(api.token))


@pytest.mark.parametrize(
    "reply",
    [
        Text("您好"),
        Text("字" * 682),
        Image("M"),
        Voice("M"),
        Video("M", title="T"),
        Music("M", url="https://a.example/a.mp3"),
        News([Article("1", description="D", url="https://a.example"), Article("2")]),
    ],
)
def test_every_reply_can_be_sent_as_a_message(api: Any, client: ApiClient, writer: str, reply: Reply) -> None:
    if api.world is None and not isinstance(reply, Text | News):
        pytest.skip("needs media that were uploaded to the account")

    client.send_service_message(writer, reply)

    if api.world is not None:
        assert api.world.conversations[writer].entries[-1].action == "message"


def test_tags_are_made_given_taken_and_deleted(client: ApiClient, writer: str) -> None:
    tag = client.create_tag("own client")
    try:
        client.rename_tag(tag.tag_id, "own client 2")
        client.tag_followers(tag.tag_id, [writer])
        listed = {each.tag_id: each for each in client.tags()}
        given = client.tags_of(writer)
        told = client.user_info(writer)
        client.untag_followers(tag.tag_id, [writer])
    finally:
        client.delete_tag(tag.tag_id)

    assert (listed[tag.tag_id].name, listed[tag.tag_id].count) == ("own client 2", 1)
    assert tag.tag_id in given and tag.tag_id in told.tag_ids
    assert told.is_following and told.subscribed_at > 0
    assert tag.tag_id not in client.tags_of(writer)


def test_quota_of_messages_is_told(client: ApiClient, writer: str) -> None:
    before = client.quota("message/custom/send")
    client.send_service_message(writer, Text("hi"))
    after = client.quota("message/custom/send")

    assert (after.daily_limit, after.used) == (before.daily_limit, before.used + 1)


def test_refusal_is_an_error_with_its_code(client: ApiClient) -> None:
    with pytest.raises(ApiError) as caught:
        client.send_service_message("oNobody", Text("hi"))

    assert (caught.value.errcode, caught.value.call) == (40003, "message/custom/send")


def test_lost_answer_is_known_to_be_possibly_sent(api: Any, client: ApiClient, writer: str) -> None:
    if api.world is None:
        pytest.skip("needs a network that loses answers on request")
    api.world.trouble = Trouble(api_faults=("message/custom/send=lost",))
    try:
        with pytest.raises(UnreachableError) as caught:
            client.send_service_message(writer, Text("hi"))
    finally:
        api.world.trouble = Trouble()

    assert caught.value.was_sent
    assert api.world.conversations[writer].entries[-1].bubble.text == "hi"


def test_menu_is_replaced_and_read_back(api: Any, client: ApiClient) -> None:
    if api.world is None:
        pytest.skip("would replace the menu of the account")
    assert client.menu() is None

    client.create_menu({"button": [{"type": "click", "name": "帮助", "key": "HELP"}]})

    assert client.menu() == {"button": [{"type": "click", "name": "帮助", "key": "HELP", "sub_button": []}]}


def test_menu_that_wechat_refuses_is_explained(client: ApiClient) -> None:
    with pytest.raises(ApiError, match="40018") as refused:
        client.create_menu({"button": [{"type": "click", "name": "", "key": "HELP"}]})

    assert "name of a menu button" in refused.value.advice
