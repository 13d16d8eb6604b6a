"""Tags over the API: the life of one, who can have it, and WeChat's limits."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from wxbot.emulator.hand import Hand
from wxbot.emulator.rules import Rules, Trouble
from wxbot.emulator.server import create_emulator
from wxbot.emulator.world import World

Who = Callable[[str], str]
Call = Callable[..., Any]


@pytest.fixture
def call(world: World, hand: Hand) -> Call:
    """Call a path with a good token: POST when there is a body."""
    client: FlaskClient = create_emulator(world, hand=hand).test_client()

    def call_it(path: str, body: Any = None) -> Any:
        address = f"/cgi-bin/{path}?access_token={world.tokens.issue_stable(world.clock.now())[0]}"
        answer = client.get(address) if body is None else client.post(address, json=body)
        return answer.get_json(force=True)

    return call_it


def new_tag(call: Call, name: str) -> int:
    return int(call("tags/create", {"tag": {"name": name}})["tag"]["id"])


def test_tag_is_made_renamed_listed_and_deleted(call: Call, who: Who) -> None:
    made = call("tags/create", {"tag": {"name": "会员"}})
    tag_id = made["tag"]["id"]
    renamed = call("tags/update", {"tag": {"id": tag_id, "name": "老会员"}})
    tagged = call("tags/members/batchtagging", {"openid_list": [who("Ailin")], "tagid": tag_id})
    listed = call("tags/get")["tags"]
    deleted = call("tags/delete", {"tag": {"id": tag_id}})

    assert made == {"tag": {"id": 100, "name": "会员"}}
    assert listed == [{"id": 2, "name": "星标组", "count": 0}, {"id": 100, "name": "老会员", "count": 1}]
    assert [answer["errcode"] for answer in (renamed, tagged, deleted)] == [0, 0, 0]
    assert call("tags/getidlist", {"openid": who("Ailin")}) == {"tagid_list": []}
    assert new_tag(call, "again") == 101


def test_followers_get_a_tag_and_lose_it(call: Call, who: Who, hand: Hand) -> None:
    hand.follow(who("Bo"))
    both = {"openid_list": [who("Ailin"), who("Bo")], "tagid": new_tag(call, "a")}

    call("tags/members/batchtagging", both)
    members = call("user/tag/get", {"tagid": both["tagid"], "next_openid": ""})
    after = call("user/tag/get", {"tagid": both["tagid"], "next_openid": members["next_openid"]})
    call("tags/members/batchuntagging", {**both, "openid_list": [who("Bo")]})

    assert (members["count"], members["data"]["openid"]) == (2, both["openid_list"])
    assert after == {"count": 0, "next_openid": ""}
    assert call("tags/getidlist", {"openid": who("Ailin")}) == {"tagid_list": [both["tagid"]]}
    assert call("tags/getidlist", {"openid": who("Bo")}) == {"tagid_list": []}


def test_every_change_reaches_an_open_phone_page(call: Call, world: World, who: Who, hand: Hand) -> None:
    hand.follow(who("Bo"))
    both = {"openid_list": [who("Ailin"), who("Bo")], "tagid": 100}
    steps: list[tuple[str, Any, int]] = [
        ("tags/create", {"tag": {"name": "a"}}, 0),
        ("tags/update", {"tag": {"id": 100, "name": "b"}}, 0),
        ("tags/members/batchtagging", both, 45171),
        ("tags/members/batchuntagging", both, 45171),
        ("tags/members/batchtagging", {**both, "openid_list": [who("Bo")]}, 0),
        ("tags/members/batchuntagging", {**both, "openid_list": [who("Bo")]}, 0),
        ("tags/delete", {"tag": {"id": 100}}, 0),
    ]

    for path, body, errcode in steps:
        world.trouble = Trouble(untaggable=1 if errcode else 0)
        before = world.version
        assert (path, call(path, body).get("errcode", 0)) == (path, errcode)
        assert (path, world.version > before) == (path, True)


@pytest.mark.parametrize(
    ("name", "errcode"), [("", 45157), (" ", 45157), (None, 45157), ("字" * 31, 45158), ("星标组", 45157)]
)
def test_name_has_limits(call: Call, name: Any, errcode: int) -> None:
    tag_id = new_tag(call, "字" * 30)

    assert call("tags/create", {"tag": {"name": name}})["errcode"] == errcode
    assert call("tags/update", {"tag": {"id": tag_id, "name": name}})["errcode"] == errcode


def test_tag_may_keep_its_name(call: Call) -> None:
    tag_id = new_tag(call, "a")

    assert call("tags/update", {"tag": {"id": tag_id, "name": "a"}})["errcode"] == 0


def test_account_has_at_most_a_hundred_tags(call: Call) -> None:
    for number in range(100):
        new_tag(call, str(number))

    assert call("tags/create", {"tag": {"name": "one more"}})["errcode"] == 45056


def test_person_has_at_most_twenty_tags(call: Call, who: Who) -> None:
    batch = [
        call(
            "tags/members/batchtagging", {"openid_list": [who("Ailin")], "tagid": new_tag(call, str(number))}
        )
        for number in range(21)
    ]

    assert [answer["errcode"] for answer in batch] == [0] * 20 + [45059]
    assert len(call("tags/getidlist", {"openid": who("Ailin")})["tagid_list"]) == 20


@pytest.mark.parametrize("path", ["tags/update", "tags/delete"])
@pytest.mark.parametrize(("tag_id", "errcode"), [(2, 45058), (0, 45058), (777, 45159), ("100", 45159)])
def test_only_own_tags_are_changed(call: Call, *, path: str, tag_id: Any, errcode: int) -> None:
    assert call(path, {"tag": {"id": tag_id, "name": "x"}})["errcode"] == errcode


@pytest.mark.parametrize("path", ["tags/members/batchtagging", "tags/members/batchuntagging"])
def test_bad_batch_changes_nothing(call: Call, who: Who, path: str) -> None:
    tag_id = new_tag(call, "a")

    def errcode(openids: Any, tagid: Any = tag_id) -> int:
        return int(call(path, {"openid_list": openids, "tagid": tagid})["errcode"])

    assert errcode([who("Ailin")], tagid=777) == 45159
    assert errcode([]) == errcode([who("Ailin")] * 51) == errcode("x") == 40032
    assert errcode([who("Ailin"), "oSomebodyElse"]) == 49003
    assert errcode([who("Ailin"), who("Chen")]) == 50005
    assert call("tags/getidlist", {"openid": who("Ailin")}) == {"tagid_list": []}


def test_part_of_a_batch_can_fail(call: Call, world: World, who: Who, hand: Hand) -> None:
    hand.follow(who("Bo"))
    world.trouble = Trouble(untaggable=1)
    both = {"openid_list": [who("Ailin"), who("Bo")], "tagid": new_tag(call, "a")}

    answer = call("tags/members/batchtagging", both)

    assert (answer["errcode"], answer["fail_openid_list"]) == (45171, [who("Bo")])
    assert call("tags/getidlist", {"openid": who("Ailin")}) == {"tagid_list": [both["tagid"]]}


@pytest.mark.parametrize(("survive", "count"), [(False, 0), (True, 1)])
def test_unfollow_may_cost_the_tags(
    call: Call, world: World, who: Who, hand: Hand, *, survive: bool, count: int
) -> None:
    world.rules = Rules(tags_survive_unfollow=survive)
    call("tags/members/batchtagging", {"openid_list": [who("Ailin")], "tagid": new_tag(call, "a")})

    hand.unfollow(who("Ailin"))
    away = call("tags/get")["tags"][-1]["count"]
    hand.follow(who("Ailin"))

    assert (away, call("tags/get")["tags"][-1]["count"]) == (0, count)


@pytest.mark.parametrize("tag_id", [777, [], {}, 2.0, "2", True, None])
def test_unknown_tag_has_no_list_of_followers(call: Call, tag_id: Any) -> None:
    assert call("user/tag/get", {"tagid": tag_id})["errcode"] == 45159


def test_unknown_openid_has_no_list_of_tags(call: Call) -> None:
    assert call("tags/getidlist", {"openid": "oSomebodyElse"})["errcode"] == 49003
    assert call("tags/getidlist", {"openid": ""})["errcode"] == 40003
    assert call("tags/getidlist", {"openid": 5})["errcode"] == 40003


def test_tags_need_a_verified_account_and_a_quota(call: Call, world: World) -> None:
    world.rules = Rules(tag_calls_a_day=0)
    used_up = call("tags/create", {"tag": {"name": "a"}})
    world.rules = Rules(is_verified=False)

    assert used_up["errcode"] == 45009
    assert call("tags/get")["errcode"] == call("tags/delete", {"tag": {"id": 100}})["errcode"] == 48001
