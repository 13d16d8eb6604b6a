"""What people do with their phones, what is pushed for it, and what they see then."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest

from wxbot.emulator.hand import Hand, ImpossibleError
from wxbot.emulator.rules import Rules, Trouble
from wxbot.emulator.world import Account, Person, State, World

Who = Callable[[str], str]
MENU = {
    "button": [
        {"type": "click", "name": "Help", "key": "HELP", "sub_button": []},
        {
            "name": "More",
            "sub_button": [
                {"type": "view", "name": "Site", "url": "https://a.example/", "sub_button": []},
                {"type": "pic_weixin", "name": "Photo", "key": "P", "sub_button": []},
            ],
        },
    ]
}


def answer_to(world: World, openid: str, inside: str) -> bytes:
    names = f"<ToUserName>{openid}</ToUserName><FromUserName>{world.account.gh_id}</FromUserName>"
    return f"<xml>{names}<CreateTime>1668926537</CreateTime>{inside}</xml>".encode()


def seen_by(world: World, openid: str) -> list[tuple[str, str]]:
    entries = world.conversations[openid].entries
    return [(entry.action, entry.bubble.kind if entry.bubble else "") for entry in entries]


def test_follower_who_scans_causes_a_scan(hand: Hand, world: World, callback: Any, who: Who) -> None:
    code = world.mint("vip")

    scanned = hand.scan(who("Ailin"), code.ticket)

    body = callback.requests[0].body.decode()
    assert scanned.page == "chat"
    assert "<Event><![CDATA[SCAN]]></Event>\n<EventKey><![CDATA[vip]]></EventKey>" in body
    assert f"<Ticket><![CDATA[{code.ticket}]]></Ticket>" in body


@pytest.mark.parametrize("name", ["Bo", "Chen"])
def test_who_does_not_follow_is_asked_first_and_then_follows_with_the_scene(
    hand: Hand, world: World, callback: Any, who: Who, name: str
) -> None:
    code = world.mint(1001, is_permanent=True)

    asked = hand.scan(who(name), code.ticket, follows=False)

    assert (asked.page, callback.requests) == ("follow", [])
    assert world.person(who(name)).state != "following"
    hand.scan(who(name), code.ticket)
    body = callback.requests[0].body.decode()
    assert "<Event><![CDATA[subscribe]]></Event>\n<EventKey><![CDATA[qrscene_1001]]></EventKey>" in body
    assert len(callback.requests) == 1
    assert world.person(who(name)).state == "following"


class Crossroads(World):
    """Whoever looks at a person waits until somebody else looks as well, or until nobody seems to."""

    def __init__(self, account: Account) -> None:
        self.meeting: Barrier | None = None
        super().__init__(account=account)

    def person(self, openid: str) -> Person:
        """Return the person as of before the meeting."""
        person = super().person(openid)
        with suppress(BrokenBarrierError):
            if self.meeting:
                self.meeting.wait(timeout=0.5)
        return person


@pytest.mark.parametrize(
    ("gesture", "state", "event"),
    [
        (lambda hand, openid, ticket: hand.scan(openid, ticket), "stranger", "subscribe"),
        (lambda hand, openid, _: hand.follow(openid), "left", "subscribe"),
        (lambda hand, openid, _: hand.unfollow(openid), "following", "unsubscribe"),
    ],
    ids=["scan", "follow", "unfollow"],
)
def test_who_does_the_same_twice_at_once_follows_or_leaves_once(
    callback: Any, gesture: Any, state: State, event: str
) -> None:
    world = Crossroads(Account(mode="plain", callback_url="http://bot.example/wechat"))
    hand = Hand(world, post=callback.post, sleep=lambda _: None)
    openid, ticket = world.add_person("Dana", state=state).openid, world.mint("vip").ticket
    moves = len(world.moves)
    world.meeting = Barrier(2)

    with ThreadPoolExecutor(2) as two_hands:
        for done in [two_hands.submit(gesture, hand, openid, ticket) for _ in range(2)]:
            with suppress(ImpossibleError):
                done.result()

    pushed = [f"[{event}]".encode() in request.body for request in callback.requests]
    assert (pushed.count(True), len(world.moves) - moves) == (1, 1)


def test_expired_code_pushes_nothing(hand: Hand, world: World, callback: Any, who: Who, time: Any) -> None:
    code = world.mint("vip", expire_seconds=60)
    time.seconds += 60

    assert hand.scan(who("Ailin"), code.ticket).page == "expired"
    assert hand.scan(who("Bo"), code.ticket).page == "expired"
    assert callback.requests == []
    assert seen_by(world, who("Ailin")) == [("expired", "")]


def test_permanent_code_does_not_expire(hand: Hand, world: World, who: Who, time: Any) -> None:
    code = world.mint("vip", is_permanent=True)
    time.seconds += 10 * 365 * 86400

    assert hand.scan(who("Ailin"), code.ticket).page == "chat"


def test_follow_without_a_code_has_an_empty_key_and_no_ticket(hand: Hand, callback: Any, who: Who) -> None:
    hand.follow(who("Bo"))

    assert b"<EventKey><![CDATA[]]></EventKey>\n</xml>" in callback.requests[0].body


def test_unfollow_is_pushed_and_shows_nothing(hand: Hand, world: World, callback: Any, who: Who) -> None:
    ailin = who("Ailin")
    callback.answers = [answer_to(world, ailin, "<MsgType>text</MsgType><Content>stay</Content>")]

    hand.unfollow(ailin)

    assert b"<Event><![CDATA[unsubscribe]]></Event>" in callback.requests[0].body
    assert seen_by(world, ailin) == [("unfollow", "")]
    assert world.person(ailin).state == "left"


def test_text_and_its_reply_make_a_conversation(hand: Hand, world: World, callback: Any, who: Who) -> None:
    ailin = who("Ailin")
    callback.answers = [answer_to(world, ailin, "<MsgType>text</MsgType><Content>hi</Content>")]

    hand.say(ailin, "hello")

    sides = [(entry.side, entry.bubble.text) for entry in world.conversations[ailin].entries if entry.bubble]
    assert sides == [("person", "hello"), ("account", "hi")]
    assert b"<Content><![CDATA[hello]]></Content>" in callback.requests[0].body


def test_messages_have_growing_ids_of_seventeen_digits(hand: Hand, callback: Any, who: Who) -> None:
    hand.say(who("Ailin"), "one")
    hand.show(who("Ailin"), "http://p.example/1.jpg", media_id="m")

    ids = [int(sent.body.split(b"<MsgId>")[1].split(b"</MsgId>")[0]) for sent in callback.requests]
    assert ids == [24000000000000000, 24000000000000001]


def test_menu_taps_push_click_and_view(hand: Hand, world: World, callback: Any, who: Who) -> None:
    world.menu = MENU

    hand.tap(who("Ailin"), 0)
    hand.tap(who("Ailin"), 1, 0)

    click, view = (sent.body for sent in callback.requests)
    assert b"<Event><![CDATA[CLICK]]></Event>\n<EventKey><![CDATA[HELP]]></EventKey>" in click
    assert b"<Event><![CDATA[VIEW]]></Event>\n<EventKey><![CDATA[https://a.example/]]></EventKey>" in view


@pytest.mark.parametrize(
    ("gesture", "reason"),
    [
        (lambda hand, who: hand.scan(who("Ailin"), "gQ-unknown"), "no_such_code"),
        (lambda hand, who: hand.say(who("Bo"), "hi"), "does_not_follow"),
        (lambda hand, who: hand.say(who("Chen"), "hi"), "does_not_follow"),
        (lambda hand, who: hand.unfollow(who("Bo")), "does_not_follow"),
        (lambda hand, who: hand.follow(who("Ailin")), "follows_already"),
        (lambda hand, who: hand.say(who("Ailin"), " \n"), "blank"),
        (lambda hand, who: hand.tap(who("Ailin"), 7), "no_such_button"),
        (lambda hand, who: hand.tap(who("Ailin"), -1), "no_such_button"),
        (lambda hand, who: hand.tap(who("Ailin"), 1, 1), "button_not_emulated"),
        (lambda hand, who: hand.redeliver(999), "no_such_delivery"),
    ],
)
def test_impossible_gesture_is_refused_and_pushes_nothing(
    hand: Hand, world: World, callback: Any, who: Who, *, gesture: Any, reason: str
) -> None:
    world.menu = MENU

    with pytest.raises(ImpossibleError) as refused:
        gesture(hand, who)

    assert refused.value.reason == reason
    assert callback.requests == []


def test_fault_notice_stands_in_the_conversation(hand: Hand, world: World, callback: Any, who: Who) -> None:
    callback.answers = [b"<html>"]

    hand.say(who("Ailin"), "hi")

    assert seen_by(world, who("Ailin")) == [("text", "text"), ("fault", "fault")]


def test_second_receiver_spoils_a_scan_that_was_answered_well(
    hand: Hand, world: World, callback: Any, who: Who
) -> None:
    ailin, code = who("Ailin"), world.mint("vip")
    world.trouble = Trouble(second_receiver=True)
    callback.answers = [answer_to(world, ailin, "<MsgType>text</MsgType><Content>hi</Content>")]

    hand.scan(ailin, code.ticket)

    assert seen_by(world, ailin) == [("scan", ""), ("reply", "text"), ("second_receiver", "fault")]


def test_redelivery_is_judged_but_not_shown_again(hand: Hand, world: World, callback: Any, who: Who) -> None:
    ailin = who("Ailin")
    callback.answers = [answer_to(world, ailin, "<MsgType>text</MsgType><Content>hi</Content>")]
    hand.say(ailin, "hello")
    number = world.conversations[ailin].entries[0].delivery

    delivery = hand.redeliver(number)

    assert [exchange.is_repeat for exchange in delivery.exchanges] == [False, True]
    assert delivery.repeats_agree()
    assert callback.requests[0].body == callback.requests[1].body
    assert seen_by(world, ailin) == [("text", "text"), ("reply", "text")]


def test_without_a_callback_url_nothing_is_pushed(callback: Any) -> None:
    world = World()
    hand = Hand(world, post=callback.post)
    ailin = next(iter(world.people))

    delivery = hand.say(ailin, "hi")

    assert (delivery.exchanges, callback.requests) == ((), [])
    with pytest.raises(ImpossibleError):
        hand.verify()


def test_verification_uses_the_account_of_the_world(hand: Hand, callback: Any) -> None:
    callback.answers = [b"forbidden"]

    result = hand.verify()

    assert callback.requests[0].url == "http://bot.example/wechat"
    assert (result.is_verified, result.reason) == (False, "echostr")


def test_reset_during_a_push_does_not_mix_old_and_new(
    hand: Hand, world: World, callback: Any, who: Who
) -> None:
    def reset_and_answer(*_: Any) -> Any:
        world.reset()
        return callback.post("", "", b"", {})

    delivery = Hand(world, post=reset_and_answer).say(who("Ailin"), "hi")

    assert len(delivery.exchanges) == 1
    assert world.deliveries == {}
    assert all(not conversation.entries for conversation in world.conversations.values())


def test_old_notice_can_be_switched_on(hand: Hand, world: World, callback: Any, who: Who) -> None:
    world.rules = Rules(fault_notice="该公众号暂时无法提供服务，请稍后再试")
    callback.answers = [b"{}"]

    delivery = hand.say(who("Ailin"), "hi")

    assert delivery.bubble is not None
    assert delivery.bubble.text == "该公众号暂时无法提供服务，请稍后再试"


def test_people_of_a_new_world_are_the_three(world: World) -> None:
    assert [(person.name, person.state) for person in world.people.values()] == [
        ("Ailin 爱琳", "following"),
        ("Bo 小博", "stranger"),
        ("Chen 陈晨", "left"),
    ]
    assert all(len(person.openid) == 28 for person in world.people.values())
    assert len({person.openid[:6] for person in world.people.values()}) == 1


def test_name_that_is_taken_or_blank_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match="already"):
        world.add_person("Bo 小博")
    with pytest.raises(ValueError, match="blank"):
        world.add_person("  ")
