"""What a rule may be, what it matches, and what is built from it."""

from collections.abc import Mapping
from string import ascii_letters, digits

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxbot.scenes.patterns import Miss, Pattern, RuleError, SceneError, compile_rule
from wxbot.scenes.signing import SigningKeys

KEYS = SigningKeys("default", [b"key"])
ALPHABET = ascii_letters + digits + "_.:=-"


def match(rule: str | int | range, scene: str, *, prefix: str = "") -> dict[str, object] | Miss:
    """Return what a rule makes of a scene."""
    return compile_rule(rule, prefix).match(scene, KEYS)


@pytest.mark.parametrize(
    ("rule", "scene", "values"),
    [
        ("vip", "vip", {}),
        (1001, "1001", {}),
        (range(2000, 3000), "2000", {"scene_id": 2000}),
        (range(2000, 3000), "2999", {"scene_id": 2999}),
        ("shop:<int:shop_id>", "shop:0", {"shop_id": 0}),
        ("shop:<int:shop_id>", "shop:7", {"shop_id": 7}),
        ("shop:<int:shop_id>:door", "shop:7:door", {"shop_id": 7}),
        ("<name>", "anything at all: 汉字\n", {"name": "anything at all: 汉字\n"}),
        ("<string:name>", "x", {"name": "x"}),
        ("<city>:<shop>", "bj:a:b", {"city": "bj", "shop": "a:b"}),
        ("<city>-<int:shop>", "bj-5", {"city": "bj", "shop": 5}),
        ("<name>-end", "x-end-end", {"name": "x-end"}),
        ("<name>--", "---", {"name": "-"}),
        ("<a>:<b>", "::x", {"a": ":", "b": "x"}),
    ],
)
def test_rule_matches_and_captures(rule: str | int | range, scene: str, values: Mapping[str, object]) -> None:
    assert match(rule, scene) == values


@pytest.mark.parametrize(
    ("rule", "scene"),
    [
        ("vip", "VIP"),
        ("vip", "vip "),
        ("vip", ""),
        (1001, "01001"),
        (1001, "1001.0"),
        (range(2000, 3000), "1999"),
        (range(2000, 3000), "3000"),
        (range(2000, 3000), "02000"),
        (range(2000, 3000), "+2000"),
        (range(2000, 3000), "²000"),
        ("shop:<int:shop_id>", "shop:"),
        ("shop:<int:shop_id>", "shop:07"),
        ("shop:<int:shop_id>", "shop:00"),
        ("shop:<int:shop_id>", "shop:-7"),
        ("shop:<int:shop_id>", "shop:+7"),
        ("shop:<int:shop_id>", "shop:7 "),
        ("shop:<int:shop_id>", "shop:1_000"),
        ("shop:<int:shop_id>", "shop:７"),
        ("shop:<int:shop_id>", "shop:٧"),
        ("shop:<int:shop_id>", "shop:" + "9" * 5000),
        ("shop:<int:shop_id>:door", "shop:7:window"),
        ("shop:<int:shop_id>", "Shop:7"),
        ("<name>", ""),
        ("<a>:<b>", "a:"),
        ("<a>:<b>", ":b"),
        ("<name>-end", "-end"),
        ("<signed:id>", "42"),
        ("<signed:id>", "." + "A" * 22),
        ("<signed:id>", "42." + "A" * 22),
        ("<signed:id>", "42." + "é" * 22),
        ("<signed:id>", "\ud800." + "A" * 22),
    ],
)
def test_rule_does_not_match(rule: str | int | range, scene: str) -> None:
    assert isinstance(match(rule, scene), Miss)


def test_rule_has_the_prefix_of_its_plugin() -> None:
    assert match("<int:id>", "ord:5", prefix="ord:") == {"id": 5}
    assert match("vip", "ord:vip", prefix="ord:") == {}
    assert isinstance(match("vip", "vip", prefix="ord:"), Miss)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("", "empty"),
        ("shop 7", "' ' cannot be in a scene"),
        ("门店", "'门' cannot be in a scene"),
        ("a/b", "'/' cannot be"),
        ("<int:id", "'<' cannot be"),
        ("id>", "'>' cannot be"),
        ("<a:b:c>", "'<' cannot be"),
        ("<float:x>", "no converter 'float'"),
        ("<:x>", "no converter ''"),
        ("<>", "cannot be the name of a parameter"),
        ("<int:>", "cannot be the name of a parameter"),
        ("<shop-id>", "cannot be the name of a parameter"),
        ("<class>", "cannot be the name of a parameter"),
        ("<a>:<a>", "a is captured twice"),
        ("<a><b>", "two captures touch"),
        ("<signed:a>:<signed:b>", "only one capture"),
        ("<signed:a>-x", 'must begin with ":" or "="'),
        ("<int:a>0", "a digit follows"),
        ("qrscene_vip", "'qrscene_' is WeChat's own mark"),
        ("qrscene_<int:id>", "'qrscene_' is WeChat's own mark"),
        ("last_trade_no_1", "'last_trade_no_' is WeChat's own mark"),
        ("x" * 65, "65 characters"),
        ("x" * 64 + "<a>", "65 characters"),
        ("x" * 41 + "<signed:a>", "65 characters"),
        (0, 'write "0"'),
        (-5, "no negative scenes"),
        (4294967296, "1 to 4294967295"),
        (range(0, 10), "1 to 4294967295"),
        (range(4294967295, 4294967297), "1 to 4294967295"),
        (range(1, 10, 2), "steps of 1"),
        (range(10, 1, -1), "steps of 1"),
        (range(5, 5), "at least one"),
        (True, "not bool"),
        (1.5, "not float"),
        (None, "not NoneType"),
        (b"vip", "not bytes"),
        (test_rule_has_the_prefix_of_its_plugin, "the rule is missing"),
    ],
)
def test_unusable_rule_is_refused_with_the_reason(rule: object, reason: str) -> None:
    with pytest.raises(RuleError) as refused:
        compile_rule(rule, "")

    assert reason in str(refused.value)


@pytest.mark.parametrize("rule", [1001, range(1, 5)])
def test_integers_are_refused_under_a_prefix(rule: int | range) -> None:
    with pytest.raises(RuleError, match="no room for the plugin's prefix 'ord:'"):
        compile_rule(rule, "ord:")


@pytest.mark.parametrize(
    ("rule", "values", "reason"),
    [
        ("<int:a>", {"a": "007"}, "no canonical integer"),
        ("<int:a>", {"a": -1}, "no canonical integer"),
        ("<int:a>", {"a": True}, "not bool"),
        ("<a>", {"a": None}, "not NoneType"),
        ("<a>", {"a": ""}, "0 characters"),
        ("x<a>", {"a": ""}, "nothing is left for a"),
        ("<a>", {"a": "汉"}, "'汉' cannot be in a scene"),
        ("<a>", {"a": "x" * 65}, "65 characters and WeChat takes 64"),
        ("<signed:a>", {"a": "x" * 42}, "65 characters and WeChat takes 64"),
        ("<a>:<b>", {"a": "1:2", "b": "3"}, "must not contain the text that ends it"),
        ("<a>:<int:b>", {"a": "1:2", "b": 3}, "cannot carry these values"),
        ("<a>", {"b": "x"}, "takes a, not b"),
        ("<a>", {}, "takes a, not nothing"),
        (range(5, 9), {"scene_id": 9}, "scene_id is not in 5 to 8"),
        (range(5, 9), {"scene_id": None}, "scene_id is no integer"),
    ],
)
def test_scene_is_not_built_from_unfitting_values(
    rule: str | range, values: Mapping[str, object], reason: str
) -> None:
    with pytest.raises(SceneError) as refused:
        compile_rule(rule, "").build(values, KEYS)

    assert reason in str(refused.value)


@given(scene=st.text(max_size=80))
def test_matching_never_raises(scene: str) -> None:
    rules = ("vip", "<a>", "<int:a>", "<signed:a>", "x<a>:<int:b>", "<a>:<signed:b>=x", range(1, 99))

    results = [match(rule, scene) for rule in rules]

    assert all(isinstance(result, dict | Miss) for result in results)


WORDS = st.text(ALPHABET, min_size=1, max_size=12)
VALUES = {"string": WORDS, "signed": WORDS, "int": st.integers(0, 10**12)}


@st.composite
def patterns_with_values(draw: st.DrawFn) -> tuple[Pattern, dict[str, object]]:
    """Any usable rule of up to three captures, and values for it."""
    rule, values = draw(st.text(ALPHABET, max_size=6)), {}
    converters = draw(st.lists(st.sampled_from(["string", "int"]), max_size=2))
    converters += draw(st.sampled_from([["signed"], ["string"], ["int"]]))
    for number, converter in enumerate(draw(st.permutations(converters))):
        is_last = number + 1 == len(converters)
        tail = draw(st.sampled_from(["", ":"] if is_last else [":", "=", ":x", "=-"]))
        rule += f"<{converter}:v{number}>{tail}"
        values[f"v{number}"] = draw(VALUES[converter])
    return compile_rule("r" + rule, ""), values


@given(patterns_with_values())
def test_built_scene_is_read_with_the_same_values(made: tuple[Pattern, dict[str, object]]) -> None:
    pattern, values = made

    try:
        scene = pattern.build(values, KEYS)
    except SceneError as error:
        assert "characters" in str(error) or any(
            sign in str(value) for value in values.values() for sign in ":="
        )
        return

    assert pattern.match(scene, KEYS) == values
    assert 1 <= len(scene) <= 64
    assert set(scene) <= set(ALPHABET)
