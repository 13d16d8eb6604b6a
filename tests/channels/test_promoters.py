"""The book of promoters, and their targets."""

from collections.abc import Mapping
from typing import Any

import pytest

from wxbot.channels.channel import ChannelRefusedError, ChannelTakenError, ChannelUnknownError
from wxbot.channels.parts import ChannelParts
from wxbot.channels.store import Wanted


def test_promoter_is_made_changed_archived_and_restored(parts: ChannelParts) -> None:
    made = parts.promoters.create("default", "li", title="李推广", target=100)

    assert (made.title, made.target, made.archived_at) == ("李推广", 100, None)
    assert parts.promoters.change("default", "li", {"target": None}).target is None
    assert parts.promoters.change("default", "li", {"title": ""}).title == "li"
    archived = parts.promoters.archive("default", "li")
    assert archived.archived_at is not None
    assert parts.promoters.archive("default", "li").archived_at == archived.archived_at
    assert parts.promoters.restore("default", "li").archived_at is None


def test_promoters_are_listed_by_name(parts: ChannelParts) -> None:
    for name in ("wang", "li", "zhao"):
        parts.promoters.create("default", name)
    parts.promoters.archive("default", "wang")

    def names(**asked: Any) -> list[str]:
        return [each.name for each in parts.promoters.listed(["default"], **asked)]

    assert (names(), names(is_archived=None)) == (["li", "zhao"], ["li", "wang", "zhao"])
    assert (names(is_archived=True), names(after=("default", "li"), limit=1)) == (["wang"], ["zhao"])
    assert parts.promoters.listed(["second"]) == []


@pytest.mark.parametrize(
    ("values", "faults"),
    [
        ({"name": "李"}, ["name"]),
        ({"name": "li", "title": "x" * 65, "target": 0}, ["target", "title"]),
        ({"name": "li", "target": 2**31}, ["target"]),
    ],
)
def test_promoter_that_cannot_be_is_refused(
    parts: ChannelParts, values: Mapping[str, Any], faults: list[str]
) -> None:
    with pytest.raises(ChannelRefusedError) as refused:
        parts.promoters.create("default", **values)

    assert sorted(refused.value.faults) == faults


def test_promoter_is_one_of_a_kind(parts: ChannelParts) -> None:
    parts.promoters.create("default", "li")

    with pytest.raises(ChannelTakenError):
        parts.promoters.create("default", "li")
    with pytest.raises(ChannelUnknownError):
        parts.promoters.change("second", "li", {"target": 5})
    with pytest.raises(ChannelRefusedError, match="name: cannot be changed"):
        parts.promoters.change("default", "li", {"name": "wang"})
    assert parts.promoters.create("second", "li").account == "second"


def test_archived_promoter_gets_no_more_channels(parts: ChannelParts) -> None:
    parts.promoters.create("default", "li")
    parts.book.create("default", Wanted(name="shop-1"))
    parts.book.change("default", "shop-1", {"promoter": "li"})
    parts.promoters.archive("default", "li")

    assert parts.book.change("default", "shop-1", {"title": "一号店"}).promoter == "li"
    parts.book.change("default", "shop-1", {"promoter": None})
    with pytest.raises(ChannelRefusedError, match="'li' is archived"):
        parts.book.change("default", "shop-1", {"promoter": "li"})
