"""Of several rules that take a scene the most specific one answers, in whatever order they were written."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxbot.scenes.plugin import Plugin
from wxbot.scenes.registry import Registry
from wxbot.wechat.events import Scan

# The same scene could be taken by all rules of a row; they stand in their order.
LADDERS: dict[str, list[str | int | range]] = {
    "2500": [2500, "2<int:x>", "2<x>", "<int:x>", "<x>", range(2000, 3000)],
    "shop:7": ["shop:7", "shop:<int:x>", "shop:<x>", "s<x>", "<signed:x>", "<x>"],
    "a:b:1": ["a:b:1", "a:b:<int:x>", "a:<x>:<int:y>", "a<x>"],
}


def answer(scan: Scan) -> str:
    """Say nothing in particular."""
    return "seen"


def registry_of(rules: list[str | int | range]) -> Registry:
    """Mount one plugin for each rule, in this order."""
    plugins = []
    for number, rule in enumerate(rules):
        plugin = Plugin(f"p{number}")
        plugin.scene(rule)(answer)
        plugins.append(plugin)
    return Registry.build(plugins, accounts={"default": []}, keys=["key"], configs={})


def winner(registry: Registry, scene: str) -> str:
    """Return the rule that answers a scene."""
    return next(each.rule for each in registry.explain(scene).candidates if each.reason.startswith("answers"))


@pytest.mark.parametrize("scene", LADDERS)
def test_next_rule_answers_when_the_better_ones_are_gone(scene: str) -> None:
    rules = [rule for rule in LADDERS[scene] if rule != "<signed:x>"]

    for first in range(len(rules)):
        registry = registry_of(list(reversed(rules[first:])))
        shown = "2000-2999" if isinstance(rules[first], range) else str(rules[first])
        assert winner(registry, scene) == shown


def test_signed_comes_before_integer_and_text() -> None:
    registry = registry_of(["<x>", "<int:x>", "<signed:x>"])
    signed = registry.scene_for("p2.answer", x="5")

    assert winner(registry, signed) == "<signed:x>"
    assert winner(registry, "5") == "<int:x>"
    assert winner(registry, "5.5") == "<x>"


@given(st.permutations(range(6)), st.sampled_from(["2500", "250", "25x", "shop:7", "shop:x", "sho", "x"]))
def test_order_of_registration_does_not_matter(order: list[int], scene: str) -> None:
    rules: list[str | int | range] = [2500, "shop:<int:x>", "shop:<x>", "s<x>", "<int:x>", range(200, 300)]

    shuffled = registry_of([rules[index] for index in order])

    assert rule_of(shuffled, scene) == rule_of(registry_of(rules), scene)


def rule_of(registry: Registry, scene: str) -> str | None:
    """Return the rule that answers, or None."""
    return next((each.rule for each in registry.explain(scene).candidates if "answers" in each.reason), None)


def test_when_decides_among_equals(build: Callable[..., Registry], ailin: Any) -> None:
    plugin = Plugin("door")

    @plugin.scene("door", when="follow")
    def come_in(scan: Scan) -> str:
        return "welcome"

    @plugin.scene("door", when="scan")
    def hello_again(scan: Scan) -> str:
        return "again"

    registry = build(plugin)

    assert registry.find(ailin.scan("door", when="follow")).handler.name == "door.come_in"
    assert registry.find(ailin.scan("door", when="scan")).handler.name == "door.hello_again"


def test_rule_for_the_other_kind_of_scan_falls_through(build: Callable[..., Registry], ailin: Any) -> None:
    plugin = Plugin("door")

    @plugin.scene("door", when="follow")
    def come_in(scan: Scan) -> str:
        return "welcome"

    @plugin.scene("<place>")
    def anywhere(scan: Scan, place: str) -> str:
        return place

    match = build(plugin).find(ailin.scan("door", when="scan"))

    assert (match.handler.name, match.values) == ("door.anywhere", {"place": "door"})


def test_as_few_rules_are_looked_at_among_ten_thousand_as_among_ten(ailin: Any) -> None:
    few, many = Plugin("few"), Plugin("many")
    for plugin, count in ((few, 10), (many, 10_000)):
        plugin.scene("table-<int:table>")(answer)
        plugin.scene(range(5000, 6000))(answer)
        for number in range(count):
            plugin.scene(f"table-x{number}")(answer)
        for number in range(count // 10):
            plugin.scene(f"room-{number}:<int:bed>")(answer)
            plugin.scene(range(10_000 + 2 * number, 10_001 + 2 * number))(answer)
    indexes = [
        Registry.build([plugin], accounts={"default": []}, keys=["key"], configs={})
        ._tables["default"]
        .indexes["scan"]
        for plugin in (few, many)
    ]

    for scene in ("table-x9", "table-7", "5500", "room-0:1", "room", "10000", "nobody"):
        small, large = (len(list(index.candidates(scene))) for index in indexes)

        assert small == large <= 2, scene


def test_neighbouring_blocks_keep_their_borders(build: Callable[..., Registry], ailin: Any) -> None:
    plugin = Plugin("blocks")
    plugin.scene(range(10, 20))(first)
    plugin.scene(range(20, 30))(second)
    plugin.scene(range(1, 10))(answer)
    registry = build(plugin)

    found = {scene: registry.find(ailin.scan(scene)).handler for scene in ("9", "10", "19", "20", "29", "30")}

    names = {scene: handler.name if handler else None for scene, handler in found.items()}
    assert names == {
        "9": "blocks.answer",
        "10": "blocks.first",
        "19": "blocks.first",
        "20": "blocks.second",
        "29": "blocks.second",
        "30": None,
    }


def first(scan: Scan, scene_id: int) -> str:
    """Answer the first block."""
    return str(scene_id)


def second(scan: Scan, scene_id: int) -> str:
    """Answer the second block."""
    return str(scene_id)


@pytest.mark.parametrize("rule", [1001, "1001"])
def test_integer_is_the_same_as_its_text(rule: str | int, ailin: Any) -> None:
    match = registry_of([rule]).find(ailin.scan("1001"))

    assert match.handler is not None
    assert match.values == {}


def test_longer_prefix_is_not_mistaken_for_a_short_scene(ailin: Any) -> None:
    registry = registry_of(["shop<x>", "shop:long:<x>", "<x>"])

    assert winner(registry, "sho") == "<x>"
    assert winner(registry, "shop") == "<x>"
    assert winner(registry, "shop:") == "shop<x>"
