"""Service messages: who can be reached, what is accepted, what appears on the phone."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from wxbot.emulator.hand import Hand, ImpossibleError
from wxbot.emulator.judge import Article, Bubble, Choice
from wxbot.emulator.rules import Rules, changed
from wxbot.emulator.server import create_emulator
from wxbot.emulator.world import World

Who = Callable[[str], str]
Send = Callable[..., int]
TEXT = {"msgtype": "text", "text": {"content": "您好"}}


@pytest.fixture
def client(world: World, hand: Hand) -> FlaskClient:
    return create_emulator(world, hand=hand).test_client()


@pytest.fixture
def call(client: FlaskClient, world: World) -> Callable[[str, Any], int]:
    """Post to an API path and return the error code."""

    def post(path: str, body: Any) -> int:
        token = world.tokens.issue_stable(world.clock.now())[0]
        address = f"/cgi-bin/{path}?access_token={token}"
        sent = {"data": body} if isinstance(body, bytes) else {"json": body}
        return int(client.post(address, **sent).get_json(force=True)["errcode"])

    return post


@pytest.fixture
def send(call: Callable[[str, Any], int], who: Who, hand: Hand) -> Send:
    """Let Ailin write something, send her a message and return the error code."""

    def message(**message: Any) -> int:
        openid = who("Ailin")
        hand.say(openid, "hi")
        return call("message/custom/send", {"touser": openid, **message})

    return message


def last(world: World, openid: str) -> Any:
    return world.conversations[openid].entries[-1]


@pytest.mark.parametrize(
    ("kind", "content", "bubble"),
    [
        ("text", {"content": "您好"}, Bubble(kind="text", text="您好")),
        ("image", {"media_id": "M"}, Bubble(kind="image", media_id="M")),
        ("voice", {"media_id": "M"}, Bubble(kind="voice", media_id="M")),
        ("video", {"media_id": "M", "title": "T"}, Bubble(kind="video", media_id="M", title="T")),
        (
            "music",
            {"thumb_media_id": "M", "musicurl": "https://a.example/a.mp3"},
            Bubble(kind="music", media_id="M", url="https://a.example/a.mp3"),
        ),
        (
            "news",
            {"articles": [{"title": "T", "description": "D", "url": "u", "picurl": "p"}]},
            Bubble(kind="news", articles=(Article(title="T", description="D", url="u", image_url="p"),)),
        ),
        ("mpnewsarticle", {"article_id": "A"}, Bubble(kind="mpnewsarticle", media_id="A")),
        (
            "msgmenu",
            {"head_content": "H", "list": [{"id": "1", "content": "是"}], "tail_content": "T"},
            Bubble(kind="msgmenu", text="H", description="T", choices=(Choice(id="1", content="是"),)),
        ),
        (
            "miniprogrampage",
            {"title": "T", "appid": "wx1", "pagepath": "p", "thumb_media_id": "M"},
            Bubble(kind="miniprogrampage", media_id="M", title="T", url="p"),
        ),
        ("wxcard", {"card_id": "C"}, Bubble(kind="wxcard", media_id="C")),
    ],
)
def test_message_appears_in_the_conversation(
    send: Send, world: World, who: Who, *, kind: str, content: Any, bubble: Bubble
) -> None:
    before = world.version

    assert send(msgtype=kind, **{kind: content}, customservice={"kf_account": "a@b"}) == 0

    entry = last(world, who("Ailin"))
    assert (entry.side, entry.action, entry.bubble, entry.delivery) == ("account", "message", bubble, 0)
    assert world.version > before


@pytest.mark.parametrize(
    ("kind", "content", "errcode"),
    [
        ("text", {"content": " "}, 44004),
        ("text", {}, 44004),
        ("text", None, 44004),
        ("text", {"content": "字" * 683}, 45002),
        ("text", {"content": 5}, 44004),
        ("image", {}, 40007),
        ("voice", {"media_id": ""}, 40007),
        ("video", {"thumb_media_id": "M"}, 40007),
        ("music", {"musicurl": "u"}, 40007),
        ("news", {"articles": []}, 44003),
        ("news", {"articles": [{"description": "D"}]}, 44003),
        ("news", {"articles": [{"title": "1"}, {"title": "2"}]}, 45008),
        ("msgmenu", {"list": []}, 44004),
        ("mpnewsarticle", {}, 40007),
        ("miniprogrampage", {"thumb_media_id": "M"}, 40013),
        ("wxcard", {}, 44004),
        ("hologram", {"media_id": "M"}, 40008),
    ],
)
def test_bad_message_is_refused_and_uses_nothing_up(
    send: Send, world: World, who: Who, *, kind: str, content: Any, errcode: int
) -> None:
    assert send(msgtype=kind, **{kind: content}) == errcode

    assert last(world, who("Ailin")).action == "refused"
    assert [send(**TEXT) for _ in range(5)] == [0] * 5


def test_text_of_the_limit_is_sent(send: Send) -> None:
    assert send(msgtype="text", text={"content": "字" * 682 + "ab"}) == 0


def test_video_may_need_a_thumbnail(send: Send, world: World) -> None:
    world.rules = Rules(videos_need_thumbnails=True)

    assert send(msgtype="video", video={"media_id": "M"}) == 40007
    assert send(msgtype="video", video={"media_id": "M", "thumb_media_id": "T"}) == 0


def test_count_and_time_run_out(call: Any, world: World, who: Who, hand: Hand) -> None:
    openid = who("Bo")
    hand.scan(openid, world.mint("vip").ticket)
    message = {"touser": openid, **TEXT}

    codes = [call("message/custom/send", message) for _ in range(4)]
    world.clock.offset_seconds += 60
    codes.append(call("message/custom/send", message))

    assert codes == [0, 0, 0, 45047, 45015]


def test_repeated_push_opens_no_second_window(call: Any, world: World, who: Who, hand: Hand) -> None:
    openid = who("Ailin")
    hand.scan(openid, world.mint("vip").ticket)
    hand.redeliver(max(world.deliveries))

    codes = [call("message/custom/send", {"touser": openid, **TEXT}) for _ in range(4)]

    assert codes == [0, 0, 0, 45047]


def test_person_who_has_left_is_not_reached(call: Any, world: World, who: Who, hand: Hand) -> None:
    openid = who("Ailin")
    hand.say(openid, "hi")
    hand.unfollow(openid)
    message = {"touser": openid, **TEXT}

    first = call("message/custom/send", message)
    world.rules = Rules(not_following_errcode=43004)
    second = call("message/custom/send", message)
    hand.follow(openid)
    after = [call("message/custom/send", message) for _ in range(4)]

    assert (first, second, after) == (45015, 43004, [0, 0, 0, 45047])


@pytest.mark.parametrize("openid", ["", "oNobody", None, 5])
def test_unknown_openid_is_refused(call: Any, openid: Any) -> None:
    assert call("message/custom/send", {"touser": openid, **TEXT}) == 40003


def test_escapes_are_shown_as_they_are(call: Any, world: World, who: Who, hand: Hand) -> None:
    openid = who("Ailin")
    hand.say(openid, "hi")
    text = rb'{"msgtype":"text","text":{"content":"\u4f60 \\u \n"},"touser":"' + openid.encode() + b'"}'

    assert call("message/custom/send", text) == 0
    assert last(world, openid).bubble.text == "\\u4f60 \\u \n"


def test_account_needs_to_be_verified(send: Send, world: World) -> None:
    world.rules = Rules(is_verified=False)

    assert send(**TEXT) == 48001


def test_daily_messages_run_out(send: Send, world: World) -> None:
    world.rules = Rules(message_calls_a_day=1)

    assert [send(**TEXT), send(**TEXT)] == [0, 45009]


def test_refusal_says_on_the_page_why_nothing_came(call: Any, world: World, who: Who) -> None:
    openid = who("Ailin")

    call("message/custom/send", {"touser": openid, **TEXT})

    entry = last(world, openid)
    assert (entry.side, entry.action, entry.bubble) == ("system", "refused", None)
    assert entry.scene.startswith("45015 response out of time limit")


def test_typing_needs_an_exchange_and_is_not_repeated(call: Any, world: World, who: Who, hand: Hand) -> None:
    openid = who("Ailin")

    def typing(command: str = "Typing") -> int:
        return int(call("message/custom/typing", {"touser": openid, "command": command}))

    without = typing()
    hand.say(openid, "hi")
    codes = [typing(), typing(), typing("CancelTyping"), typing(), typing("Sleeping")]
    call("message/custom/send", {"touser": openid, **TEXT})
    after_message = typing()
    world.clock.offset_seconds += 31

    assert (without, codes, after_message) == (45080, [0, 45081, 0, 0, 45072], 0)
    assert typing() == 45080


def test_item_of_a_menu_message_is_a_tap(
    send: Send, world: World, who: Who, hand: Hand, callback: Any
) -> None:
    menu = {"head_content": "?", "list": [{"id": "101", "content": "满意"}], "tail_content": ""}
    send(msgtype="msgmenu", msgmenu=menu)
    entry = last(world, who("Ailin"))

    hand.choose(who("Ailin"), entry.number, "101")

    pushed = callback.requests[-1].body.decode()
    assert "<Content><![CDATA[满意]]></Content><bizmsgmenuid>" in pushed.replace("\n", "")
    with pytest.raises(ImpossibleError):
        hand.choose(who("Ailin"), entry.number, "102")


def test_switches_of_the_windows_are_checked() -> None:
    assert changed(Rules(), {"windows": "extended", "touch_window_seconds": 6}).windows == "extended"
    with pytest.raises(ValueError, match="each"):
        changed(Rules(), {"windows": "sometimes"})
