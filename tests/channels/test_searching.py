"""Channels are found by what people remember of them, and by where they stand."""

from typing import Any

import pytest

from wxbot.channels.channel import Channel, Details, State
from wxbot.channels.parts import ChannelParts
from wxbot.channels.store import Filter, Wanted

NOON = 1_800_000_000


def create(parts: ChannelParts, name: str, *, scene: str = "", **details: Any) -> Channel:
    return parts.book.create("default", Wanted(name=name, scene=scene, details=Details(**details)))


def names(parts: ChannelParts, wanted: Filter) -> list[str]:
    return [each.name for each in parts.book.listed(["default"], wanted)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SHOP", ["shop-1", "shop-2"]),
        ("东门", ["shop-1"]),
        ("ch:7", ["fair"]),
        ("老王", ["fair"]),
        ("100%", ["shop-2"]),
        ("%", ["shop-2"]),
        ("_", []),
        ("nothing like it", []),
    ],
)
def test_search_looks_into_name_title_scene_and_owner(
    parts: ChannelParts, text: str, found: list[str]
) -> None:
    create(parts, "shop-1", title="东门店")
    create(parts, "shop-2", title="100% cotton")
    create(parts, "fair", scene="ch:7", owner="老王")

    assert sorted(names(parts, Filter(text=text))) == sorted(found)


def test_database_says_of_every_channel_where_the_function_says_it_stands(parts: ChannelParts) -> None:
    bounds = (None, NOON - 1, NOON, NOON + 1)
    for first in bounds:
        for last in bounds:
            if first is None or last is None or first < last:
                create(parts, f"c{first}_{last}", starts_at=first, ends_at=last)
    for name in names(parts, Filter())[::2]:
        create(parts, f"gone-{name}", starts_at=None)
        parts.book.archive("default", f"gone-{name}")
    everything = parts.book.listed(["default"], Filter(is_archived=None))

    for at in (NOON, 2**33):
        for state in State:
            expected = [each.name for each in everything if each.state(at) is state]
            assert names(parts, Filter(standing=(state, at))) == expected


def test_groups_are_named_once_also_those_of_archived_channels(parts: ChannelParts) -> None:
    for number, group in enumerate(("East", "West", "East", None)):
        create(parts, f"shop-{number}", group=group)
    parts.book.archive("default", "shop-1")

    assert sorted(parts.book.groups("default")) == ["East", "West"]
