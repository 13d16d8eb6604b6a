"""What WeChat tells about people: how they came, hardly anything of themselves, nothing once they left."""

from collections.abc import Callable
from typing import Any

import pytest

from wxbot.emulator import world as worlds
from wxbot.emulator.hand import Hand
from wxbot.emulator.rules import Rules
from wxbot.emulator.server import create_emulator
from wxbot.emulator.world import World

Who = Callable[[str], str]
Call = Callable[..., Any]


@pytest.fixture
def call(world: World, hand: Hand) -> Call:
    """Call a path with a good token: GET with a query, POST with a body."""
    client = create_emulator(world, hand=hand).test_client()

    def call_it(path: str, body: Any = None, **query: str) -> Any:
        token = world.tokens.issue_stable(world.clock.now())[0]
        options: Any = {"query_string": {"access_token": token, **query}}
        answer = (
            client.get(f"/cgi-bin/{path}", **options)
            if body is None
            else client.post(f"/cgi-bin/{path}", json=body, **options)
        )
        return answer.get_json(force=True)

    return call_it


@pytest.mark.parametrize(
    ("scene", "number", "text"), [("door:1", 0, "door:1"), (1001, 1001, ""), ("1001", 0, "1001")]
)
def test_code_of_the_follow_is_told(
    call: Call, world: World, who: Who, hand: Hand, *, scene: Any, number: int, text: str
) -> None:
    hand.scan(who("Bo"), world.mint(scene).ticket)
    hand.scan(who("Bo"), world.mint("a-later-scan").ticket)

    told = call("user/info", openid=who("Bo"), lang="zh_CN")

    assert (told["subscribe"], told["openid"]) == (1, who("Bo"))
    assert told["subscribe_scene"] == "ADD_SCENE_QR_CODE"
    assert (told["qr_scene"], told["qr_scene_str"]) == (number, text)
    assert (told["nickname"], told["sex"], told["headimgurl"]) == ("", 0, "")
    assert told["subscribe_time"] == world.clock.seconds()


def test_follow_without_a_code_is_a_search(call: Call, who: Who, hand: Hand) -> None:
    hand.follow(who("Bo"))

    told = call("user/info", openid=who("Bo"))

    assert told["subscribe_scene"] == "ADD_SCENE_SEARCH"
    assert (told["qr_scene"], told["qr_scene_str"]) == (0, "")


@pytest.mark.parametrize("name", ["Bo", "Chen"])
def test_of_who_does_not_follow_nothing_is_told(call: Call, who: Who, name: str) -> None:
    assert call("user/info", openid=who(name)) == {"subscribe": 0, "openid": who(name), "tagid_list": []}


def test_keys_of_the_profile_and_unionid_can_be_switched(call: Call, world: World, who: Who) -> None:
    world.rules = Rules(blank_profiles=False, tells_unionids=True)

    told = call("user/info", openid=who("Ailin"))

    assert "nickname" not in told
    assert len(told["unionid"]) == 28 and told["unionid"] != who("Ailin")
    assert len(call("user/info", openid=who("Chen"))["unionid"]) == 28


def test_unknown_openid_is_refused(call: Call) -> None:
    assert call("user/info", openid="oNobody")["errcode"] == 40003
    assert call("user/info")["errcode"] == 40003


def test_people_are_told_in_batches(call: Call, who: Who) -> None:
    wanted = {"user_list": [{"openid": who("Ailin"), "lang": "zh_CN"}, {"openid": who("Chen")}]}

    told = call("user/info/batchget", wanted)["user_info_list"]

    assert [one["subscribe"] for one in told] == [1, 0]
    too_many = {"user_list": [{"openid": who("Ailin")}] * 101}
    assert call("user/info/batchget", too_many)["errcode"] == 40032
    assert call("user/info/batchget", {"user_list": ["x"]})["errcode"] == 40003


def test_followers_come_in_pages(
    call: Call, world: World, who: Who, hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worlds, "PAGE", 2)
    for name in ("Chen", "Bo"):
        world.clock.offset_seconds += 1
        hand.follow(who(name))

    pages = [call("user/get")]
    for _ in range(2):
        pages.append(call("user/get", next_openid=pages[-1]["next_openid"]))

    assert [page.get("data", {}).get("openid") for page in pages] == [
        [who("Ailin"), who("Chen")],
        [who("Bo")],
        None,
    ]
    assert [(page["total"], page["count"]) for page in pages] == [(3, 2), (3, 1), (3, 0)]
    assert call("user/get", next_openid="oNobody")["errcode"] == 40003


def test_users_need_a_verified_account_and_a_quota(call: Call, world: World, who: Who) -> None:
    world.rules = Rules(user_info_calls_a_day=0, user_list_calls_a_day=0)
    used_up = [call("user/info", openid=who("Ailin")), call("user/get")]
    world.rules = Rules(is_verified=False)
    refused = [call("user/info", openid=who("Ailin")), call("user/info/batchget", {"user_list": []})]

    assert [answer["errcode"] for answer in used_up + refused] == [45009, 45009, 48001, 48001]
