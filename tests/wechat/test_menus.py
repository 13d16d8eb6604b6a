"""The account's menu: what a file may hold, what is refused, and what has changed."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxbot.emulator.menu import checked_menu
from wxbot.wechat import menus
from wxbot.wechat.answers import to_json
from wxbot.wechat.menus import Key, MenuError, read_menu

TOML = """
[[button]]
name = "帮助"
key = "HELP"

[[button]]
name = "更多"

[[button.sub_button]]
name = "官网"
url = "https://shop.example.com/"

[[button.sub_button]]
name = "小程序"
type = "miniprogram"
appid = "wx0123456789abcdef"
pagepath = "pages/index"
url = "https://shop.example.com/old"

[[button.sub_button]]
name = "扫一扫"
type = "scancode_waitmsg"
key = "SCAN"
"""


def menu(*buttons: dict[str, Any]) -> str:
    return json.dumps({"button": list(buttons)})


def click(name: str = "帮助", key: str = "HELP") -> dict[str, Any]:
    return {"type": "click", "name": name, "key": key}


def test_types_that_are_obvious_need_not_be_given() -> None:
    read = read_menu(TOML, is_json=False)

    assert read["button"][0] == {"name": "帮助", "type": "click", "key": "HELP"}
    assert [each["type"] for each in read["button"][1]["sub_button"]] == [
        "view",
        "miniprogram",
        "scancode_waitmsg",
    ]
    assert menus.keys(read) == [Key("1", "click", "HELP"), Key("2.3", "scancode_waitmsg", "SCAN")]


def test_menu_is_told_in_lines() -> None:
    assert menus.lines(read_menu(TOML, is_json=False)) == [
        "帮助: click HELP",
        "更多",
        "  官网: view https://shop.example.com/",
        "  小程序: miniprogram wx0123456789abcdef pages/index https://shop.example.com/old",
        "  扫一扫: scancode_waitmsg SCAN",
    ]


FAULTY = {
    "no buttons": (menu(), "`button`"),
    "four buttons": (menu(*[click()] * 4), "1 to 3"),
    "no list": ('{"button": {}}', "`button`"),
    "no table": ('["button"]', "`button`"),
    "no JSON": ("{", "not JSON"),
    "button is a text": ('{"button": ["help"]}', "button 1: is not a table"),
    "no name": (menu({"type": "click", "key": "A"}), "button 1: has no name"),
    "blank name": (menu(click(" ")), "has no name"),
    "long name": (menu(click("营业时间查询")), "more than 16 bytes"),
    "long name below": (menu({"name": "更多", "sub_button": [click("字" * 21)]}), "more than 60 bytes"),
    "no type": (menu({"name": "帮助"}), "button 1 (帮助): the type"),
    "two types": (menu({"name": "帮助", "key": "A", "url": "https://a.example"}), "the type is none of"),
    "unknown type": (menu({**click(), "type": "tap"}), "the type is none of"),
    "type is a list": (menu({**click(), "type": []}), "the type"),
    "no key": (menu({"type": "click", "name": "帮助"}), "needs 'key'"),
    "long key": (menu(click(key="字" * 43)), "'key' has more than 128 bytes"),
    "no address": (menu({"type": "view", "name": "官网", "url": "shop.example.com"}), "https://"),
    "script": (menu({"type": "view", "name": "官网", "url": "javascript:alert(1)"}), "https://"),
    "long address": (
        menu({"type": "view", "name": "官网", "url": "https://a.example/" + "a" * 1010}),
        "1024 bytes",
    ),
    "stray field": (menu({**click(), "ulr": "x"}), "'ulr' does not belong"),
    "stray top": (json.dumps({"button": [click()], "buttons": []}), "'buttons' is nothing"),
    "six below": (menu({"name": "更多", "sub_button": [click()] * 6}), "1 to 5"),
    "third level": (
        menu({"name": "更多", "sub_button": [{"name": "还有", "sub_button": [click()]}]}),
        "two levels",
    ),
    "action and others below": (menu({**click("更多"), "sub_button": [click()]}), "'key' has no effect"),
    "program without a page for old phones": (
        menu({"type": "miniprogram", "name": "程序", "appid": "wx1", "pagepath": "a"}),
        "needs 'url'",
    ),
}


@pytest.mark.parametrize("case", FAULTY)
def test_what_wechat_would_refuse_is_refused_with_its_place(case: str) -> None:
    text, said = FAULTY[case]

    with pytest.raises(MenuError) as refused:
        read_menu(text, is_json=True)

    assert any(said in fault for fault in refused.value.faults), refused.value.faults


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(MenuError) as refused:
        read_menu(menu(click(""), click(key=""), {"name": "x", "type": "no"}), is_json=True)

    assert len(refused.value.faults) == 3


def test_toml_with_a_fault_names_its_line() -> None:
    with pytest.raises(MenuError, match="line 2"):
        read_menu("[[button]]\nname = \n", is_json=False)


def test_what_wechat_answers_can_be_pushed_again() -> None:
    told = {"menu": {"button": [{**click(), "sub_button": []}], "menuid": 42}}

    assert read_menu(json.dumps(told), is_json=True) == {"button": [click()]}


def test_live_menu_that_is_the_same_has_no_difference() -> None:
    live = {"button": [{**click(), "sub_button": []}], "menuid": 42}

    assert menus.difference(live, {"button": [click()]}) == []


def test_difference_tells_what_goes_and_comes() -> None:
    before = {"button": [click(), click("旧的", "OLD")]}

    assert menus.difference(before, {"button": [click(), click("新的", "NEW")]}) == [
        "  帮助: click HELP",
        "- 旧的: click OLD",
        "+ 新的: click NEW",
    ]
    assert menus.difference(None, {"button": [click()]}) == ["+ 帮助: click HELP"]


def test_change_of_the_order_is_a_difference() -> None:
    one, other = click(), click("旧的", "OLD")

    assert menus.difference({"button": [one, other]}, {"button": [other, one]})


def test_names_that_phones_cut_off_are_told() -> None:
    below = [click("八个汉字刚好放下"), click("九个汉字已经放不下"), click("sixteen letters.")]
    read = read_menu(menu(click("四个汉字"), {"name": "五个汉字了", "sub_button": below}), is_json=True)

    assert menus.clipped_names(read) == ["五个汉字了", "九个汉字已经放不下"]


texts = st.text(max_size=8) | st.sampled_from(["帮助", "https://a.example/", "营业时间查询"])
actions = st.fixed_dictionaries(
    {"name": texts, "type": st.sampled_from(list(menus.NEEDED))},
    optional=dict.fromkeys(("key", "url", "media_id", "article_id", "appid", "pagepath"), texts),
)
buttons = actions | st.fixed_dictionaries({"name": texts, "sub_button": st.lists(actions, max_size=6)})


@given(st.lists(buttons, max_size=4))
def test_emulated_wechat_takes_whatever_is_not_refused_here(given: list[dict[str, Any]]) -> None:
    # Two types are for accounts without WeChat's verification; the emulator has none of those.
    if any(kind in json.dumps(given) for kind in ("view_limited", "article_view_limited")):
        return
    try:
        read = read_menu(json.dumps({"button": given}), is_json=True)
    except MenuError as error:
        assert error.faults
        return

    taken = checked_menu(read, to_json(read))
    assert menus.difference(taken, read) == []
