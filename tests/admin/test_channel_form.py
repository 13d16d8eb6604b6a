"""The form of a channel: what is shown comes back as it was, and every fault is told in both languages."""

import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxbot.admin import channel_form
from wxbot.admin.faults import told
from wxbot.channels.channel import Channel, check, check_name
from wxbot.channels.promoter import check as check_promoter
from wxbot.qrcodes.kinds import SceneRefusedError, check_scene
from wxbot.wechat.replies import Article, Image, News, Reply, Text

ZONE = ZoneInfo("Asia/Shanghai")
ARTICLES = [
    Article("开业", "两行\n说明", "https://cdn.example.com/1.png", "https://shop.example.com/"),
    Article("二"),
]


def channel(**details: Any) -> Channel:
    return Channel(
        **{"account": "default", "name": "shop-1", "scene": "ch:1", "title": "一号店", **details},
        created_at=1,
        changed_at=1,
    )


def as_browser(typed: dict[str, str]) -> dict[str, str]:
    """Return what a browser sends: lines end as in a letter."""
    return {name: text.replace("\n", "\r\n") for name, text in typed.items()}


@given(
    st.builds(
        channel,
        title=st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=20),
        group=st.sampled_from([None, "华东", "=1+1", '"<b>&']),
        tag=st.sampled_from([None, "会员"]),
        reply=st.sampled_from([None, Text("一\n\n二"), Text(" x "), Image("media-1"), News(ARTICLES)]),
        reply_new=st.sampled_from([None, News(ARTICLES[1:])]),
        starts_at=st.sampled_from([None, 1_800_000_000, 1_800_000_037]),
        ends_at=st.sampled_from([None, 1_900_000_001]),
    )
)
def test_a_form_sent_as_it_was_shown_changes_nothing(known: Channel) -> None:
    filled = channel_form.read(as_browser(channel_form.shown(known, ZONE)), ZONE)

    assert not filled.faults
    assert filled.changes(known, ZONE) == {}


@pytest.mark.parametrize(
    ("typed", "changes"),
    [
        ({"title": "二号店"}, {"title": "二号店"}),
        ({"group": ""}, {"group": None}),
        ({"starts_at": "2027-01-16T08:30"}, {"starts_at": 1_800_059_400}),
        ({"reply_kind": ""}, {"reply": None}),
        ({"reply_kind": "image", "reply_media": "m-1"}, {"reply": Image("m-1")}),
        ({"reply_text": "hello\r\nagain"}, {"reply": Text("hello\nagain")}),
        (
            {"reply_new_kind": "news", "reply_new_3_title": "x", "reply_new_3_url": "https://a.example/"},
            {"reply_new": News([Article("x", url="https://a.example/")])},
        ),
    ],
)
def test_what_was_typed_becomes_a_change(typed: dict[str, str], changes: dict[str, Any]) -> None:
    known = channel(group="East", starts_at=1_800_000_000, reply=Text("hello"))
    shown = channel_form.shown(known, ZONE)

    assert channel_form.read({**shown, **typed}, ZONE).changes(known, ZONE) == changes


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"starts_at": "tomorrow"}, "starts_at"),
        ({"ends_at": "2026-02-30T10:00"}, "ends_at"),
        ({"reply_kind": "text", "reply_text": "  "}, "reply"),
        ({"reply_kind": "image"}, "reply"),
        ({"reply_kind": "news"}, "reply"),
        ({"reply_kind": "news", "reply_0_url": "https://a.example/"}, "reply"),
        ({"reply_new_kind": "image", "reply_new_media": "x" * 3000}, "reply_new"),
    ],
)
def test_what_cannot_be_read_is_a_fault_of_its_field(typed: dict[str, str], field: str) -> None:
    filled = channel_form.read(typed, ZONE)

    assert list(filled.faults) == [field]
    assert_told(filled.faults[field])


def test_a_number_is_taken_instead_of_a_scene() -> None:
    wanted = channel_form.read({"name": "shop-1", "scene": "left over", "number": "1"}, ZONE).wanted

    assert (wanted.name, wanted.scene, wanted.takes_number) == ("shop-1", "", True)


LONG = "字" * 65
REFUSED: list[dict[str, Any]] = [
    {"title": LONG},
    {"group": " "},
    {"owner": "a\tb"},
    {"promoter": " x"},
    {"tag": "字" * 31},
    {"starts_at": -5},
    {"starts_at": 9, "ends_at": 9},
    {"reply": Text("字" * 700)},
    {"reply": News([Article("x", url="javascript:alert(1)")])},
]


@pytest.mark.parametrize("details", REFUSED)
def test_each_fault_of_a_channel_is_told_in_both_languages(details: dict[str, Any]) -> None:
    faults = check(channel(**details))

    assert faults
    for fault in faults.values():
        assert_told(fault)


@pytest.mark.parametrize("scene", ["", "qrscene_1", "20261201", "x" * 65, "店", f"store:{'x' * 21}w"])
def test_each_fault_of_a_scene_is_told_in_both_languages(scene: str) -> None:
    with pytest.raises(SceneRefusedError) as refused:
        check_scene(scene)

    assert_told(str(refused.value))


def test_faults_of_names_and_promoters_are_told_in_both_languages() -> None:
    for fault in (*check_name("一号").values(), *check_promoter(LONG, 0).values()):
        assert_told(fault)


def test_a_fault_without_a_line_is_told_as_it_is() -> None:
    assert told("WeChat is away", "zh-CN") == "WeChat is away"


def assert_told(fault: str) -> None:
    chinese, english = told(fault, "zh-CN"), told(fault, "en")
    assert re.search("[一-鿿]", chinese) and chinese.endswith("。")
    assert "{" not in chinese
    assert english.endswith(".")


def test_room_for_articles_grows_with_them() -> None:
    def room(reply: Reply | None) -> int:
        return channel_form.articles_to_show(channel_form.shown(channel(reply=reply), ZONE), "reply")

    assert (room(None), room(News(ARTICLES)), room(News([Article("x")] * 8))) == (1, 3, 8)
