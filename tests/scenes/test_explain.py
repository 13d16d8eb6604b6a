"""Why a scene goes where it goes, in words."""

from collections.abc import Callable
from typing import Any

import pytest

from wxbot.scenes.explain import Explanation
from wxbot.scenes.plugin import Plugin
from wxbot.scenes.registry import Registry
from wxbot.wechat.events import Scan


def answer(scan: Scan) -> str:
    """Answer."""
    return "yes"


def registry() -> Registry:
    """Return a registry with a rule of each kind."""
    orders, shop = Plugin("orders", prefix="ord:"), Plugin("shop")
    orders.scene("<signed:code>")(answer)
    orders.fallback(answer)
    for rule in ("vip", 1001, range(2000, 3000), "shop:<int:number>", "shop:<name>"):
        shop.scene(rule)(answer)
    shop.scene("door", when="follow")(answer)
    return Registry.build([orders, shop], accounts={"default": []}, keys=["key"], configs={})


def reason(explanation: Explanation, rule: str) -> str:
    """Return what is said of a rule."""
    return next(each.reason for each in explanation.candidates if each.rule == rule)


@pytest.mark.parametrize(
    ("scene", "rule", "words"),
    [
        ("vip", "vip", "answers: it is exactly this scene"),
        ("shop:7", "shop:<int:number>", "answers: captures number = 7"),
        ("shop:7", "shop:<name>", "matches, but 'shop:<int:number>' is more specific"),
        ("shop:07", "shop:<int:number>", "number is no canonical integer: '07'"),
        ("shop:07", "shop:<name>", "answers: captures name = '07'"),
        ("2500", "2000-2999", "answers: captures scene_id = 2500"),
        ("25", "2000-2999", "is not in 2000 to 2999"),
        ("x", "2000-2999", "is no canonical integer"),
        ("x", "shop:<name>", "does not begin with 'shop:'"),
        ("door", "door", "is only for people who follow with the scan (when='follow')"),
        ("ord:42", "ord:<signed:code>", "code carries no signature: '42'"),
        ("ord:42." + "A" * 22, "ord:<signed:code>", "the signature of code is none of ours"),
        ("ord:42", "(fallback)", "answers: no rule takes the scene"),
    ],
)
def test_each_rule_says_why(scene: str, rule: str, words: str) -> None:
    assert reason(registry().explain(scene), rule).startswith(words)


@pytest.mark.parametrize(
    ("scene", "winner"), [("vip", "shop.answer"), ("ord:1", "orders.answer"), ("nobody", "")]
)
def test_winner_is_named(scene: str, winner: str) -> None:
    assert registry().explain(scene).winner == winner


def test_exact_rules_for_other_scenes_are_left_out() -> None:
    rules = [each.rule for each in registry().explain("vip").candidates]

    assert rules[0] == "vip"
    assert "1001" not in rules


def test_hostile_scene_is_escaped_and_clipped() -> None:
    explanation = registry().explain("shop:\n\x1b[31m" + "9" * 5000)

    words = reason(explanation, "shop:<int:number>")

    assert "\n" not in words
    assert "\x1b" not in words
    assert len(words) < 150


def test_explanation_agrees_with_what_is_found(build: Callable[..., Registry], ailin: Any) -> None:
    made = registry()

    for scene in ("vip", "1001", "2000", "3000", "shop:1", "shop:x", "door", "ord:x", "x"):
        for when in ("follow", "scan"):
            match = made.find(ailin.scan(scene, when=when))
            names = [each.name for each in (match.handler, *match.fallbacks) if each]
            assert made.explain(scene, when=when).winner == (names[0] if names else "")
