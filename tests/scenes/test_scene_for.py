"""From a handler and its values to the scene of a code, and back."""

from collections.abc import Callable
from string import ascii_letters, digits
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxbot.scenes.patterns import SceneError
from wxbot.scenes.plugin import Plugin
from wxbot.scenes.registry import Registry
from wxbot.wechat.events import Scan

Build = Callable[..., Registry]


def shop() -> Plugin:
    """Return a plugin whose handler has a rule of each kind."""
    plugin = Plugin("shop")

    @plugin.scene("vip")
    @plugin.scene(1001)
    @plugin.scene(range(2000, 3000))
    @plugin.scene("shop:<int:shop_id>")
    @plugin.scene("shop:<shop_name>:<int:table>")
    @plugin.scene("code:<signed:code>")
    def enter(scan: Scan) -> str:
        return "come in"

    return plugin


@pytest.mark.parametrize(
    ("values", "scene"),
    [
        ({}, "vip"),
        ({"scene_id": 2000}, "2000"),
        ({"scene_id": "2999"}, "2999"),
        ({"shop_id": 7}, "shop:7"),
        ({"shop_id": "7"}, "shop:7"),
        ({"shop_name": "east", "table": 3}, "shop:east:3"),
    ],
)
def test_rule_that_takes_exactly_the_values_is_used(values: dict[str, Any], scene: str, build: Build) -> None:
    assert build(shop()).scene_for("shop.enter", **values) == scene


@pytest.mark.parametrize(
    ("endpoint", "values", "reason"),
    [
        ("shop.enter", {"scene_id": 3000}, "scene_id is not in 2000 to 2999"),
        ("shop.enter", {"shop_id": "07"}, "no canonical integer"),
        (
            "shop.enter",
            {"shop_id": 7, "table": 3},
            "takes code or nothing or scene_id or shop_id or shop_name",
        ),
        ("shop.enter", {"shop_name": "a:b", "table": 3}, "shop_name"),
        ("shop.enter", {"code": "x" * 40}, "characters and WeChat takes 64"),
        ("shop.entr", {}, "did you mean 'shop.enter'?"),
        ("nothing", {}, "name it plugin.function"),
    ],
)
def test_scene_that_cannot_be_built_is_refused(
    endpoint: str, values: dict[str, Any], reason: str, build: Build
) -> None:
    with pytest.raises(SceneError) as refused:
        build(shop()).scene_for(endpoint, **values)

    assert reason in str(refused.value)


def test_types_of_the_values_choose_between_rules(build: Build) -> None:
    plugin = Plugin("shop")

    @plugin.scene("word:<thing>")
    @plugin.scene("number:<int:thing>")
    def enter(scan: Scan, thing: str | int) -> str:
        return "come in"

    registry = build(plugin)

    assert registry.scene_for("shop.enter", thing=5) == "number:5"
    assert registry.scene_for("shop.enter", thing="5") == "word:5"


def test_scene_that_another_handler_would_get_is_refused(build: Build) -> None:
    plugin, other = Plugin("shop"), Plugin("other")
    plugin.scene("shop:<name>")(enter)
    other.scene("shop:vip", when="follow")(leave)
    registry = build(plugin, other)

    assert registry.scene_for("shop.enter", name="east") == "shop:east"
    with pytest.raises(SceneError, match=r"'shop:vip' would go to other.leave .*'shop:vip' is more specific"):
        registry.scene_for("shop.enter", name="vip")


def enter(scan: Scan) -> str:
    """Answer."""
    return "come in"


def leave(scan: Scan) -> str:
    """Answer otherwise."""
    return "goodbye"


def first(scan: Scan) -> str:
    """Answer in yet another way."""
    return "you are the first"


def test_account_is_needed_when_there_are_several(build: Build) -> None:
    registry = build(shop(), accounts={"default": [], "second": []})

    assert registry.scene_for("shop.enter", account="second", shop_id=7) == "shop:7"
    with pytest.raises(SceneError, match="several accounts: name one of default, second"):
        registry.scene_for("shop.enter", shop_id=7)
    with pytest.raises(SceneError, match="no account 'third'"):
        registry.scene_for("shop.enter", account="third", shop_id=7)


def test_handler_of_another_account_has_no_scenes_here(build: Build) -> None:
    registry = build(shop(), Plugin("empty"), accounts={"default": ["empty"], "second": ["shop"]})

    with pytest.raises(SceneError, match="answers scenes in account 'default'"):
        registry.scene_for("shop.enter", account="default", shop_id=7)


def test_every_sample_reaches_its_handler(build: Build, ailin: Any) -> None:
    other = Plugin("other")
    other.scene("10<int:number>")(enter)
    other.scene("x<word>")(leave)
    other.scene("x1001")(first)
    registry = build(shop(), other)

    samples = registry.samples("default")

    assert len(samples) == 9
    for name, scene in samples:
        handler = registry.find(ailin.scan(scene)).handler
        assert handler is not None
        assert handler.name == name
    assert {"vip", "1001", "2000", "shop:1001", "101001", "x1"} <= {scene for _, scene in samples}


def test_rule_that_no_scene_reaches_has_no_sample(build: Build) -> None:
    plugin = Plugin("shop")
    plugin.scene("<int:number>")(enter)
    plugin.scene(range(5, 9))(leave)

    assert build(plugin).samples("default") == [("shop.enter", "1001")]


WORDS = st.text(ascii_letters + digits + "_.:=-", min_size=1, max_size=30)


@given(
    values=st.one_of(
        st.builds(dict, scene_id=st.integers(1990, 3010)),
        st.builds(dict, shop_id=st.integers(0, 10**20)),
        st.builds(dict, shop_name=WORDS, table=st.integers(0, 99)),
        st.builds(dict, code=WORDS),
        st.builds(dict, code=st.text(max_size=10)),
    )
)
def test_scene_brings_back_its_values_or_is_refused(values: dict[str, Any]) -> None:
    registry = Registry.build([shop()], accounts={"default": []}, keys=["key"], configs={})
    try:
        scene = registry.scene_for("shop.enter", **values)
    except SceneError:
        assert must_be_refused(values)
        return

    winner = registry.explain(scene)

    assert winner.winner == "shop.enter"
    captured = ", ".join(f"{name} = {value!r}" for name, value in values.items())
    assert any(each.reason == f"answers: captures {captured}" for each in winner.candidates)


def must_be_refused(values: dict[str, Any]) -> bool:
    """Tell whether no scene could carry these values."""
    if "scene_id" in values:
        return values["scene_id"] not in range(2000, 3000)
    if "shop_name" in values:
        return ":" in values["shop_name"][1:]
    code = values.get("code", "")
    return not code or len(code) > 36 or not set(code) <= set(ascii_letters + digits + "_.:=-")
