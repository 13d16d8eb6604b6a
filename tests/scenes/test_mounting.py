"""Plugins are mounted all together, or left out as a whole where the settings allow that."""

from collections.abc import Callable
from typing import Any

import pytest

from wxbot.errors import PluginError
from wxbot.scenes.plugin import Plugin
from wxbot.scenes.registry import Registry
from wxbot.wechat.events import Scan

Build = Callable[..., Registry]
Faults = Callable[..., tuple[str, ...]]


def answer(scan: Scan) -> str:
    """Answer."""
    return "yes"


def refuse(scan: Scan) -> str:
    """Answer otherwise."""
    return "no"


def plugin_with(name: str, rule: Any, function: Callable[..., object] = answer) -> Plugin:
    """Return a plugin that answers one scene."""
    plugin = Plugin(name)
    plugin.scene(rule)(function)
    return plugin


def test_decorators_return_the_function_unchanged() -> None:
    plugin = Plugin("shop")

    for decorate in (
        plugin.scene("x"),
        plugin.text("x"),
        plugin.click("x"),
        plugin.event("x"),
        plugin.message("text"),
        plugin.errorhandler(KeyError),
        plugin.provide("x"),
        plugin.on_follow,
        plugin.on_unfollow,
        plugin.fallback,
    ):
        assert decorate(answer) is answer
    assert answer.__dict__ == {}


def test_decorating_after_mounting_is_too_late(build: Build) -> None:
    plugin = plugin_with("shop", "x")
    build(plugin)

    with pytest.raises(PluginError) as refused:
        plugin.scene("y")(refuse)

    assert str(refused.value).startswith("tests/scenes/test_mounting.py:")
    assert "too late for plugin 'shop'" in str(refused.value)


def test_plugin_that_could_not_be_mounted_may_still_be_decorated(build: Build, faults: Faults) -> None:
    plugin, broken = plugin_with("shop", "x"), plugin_with("broken", "")
    faults(plugin, broken)

    plugin.scene("y")(refuse)

    assert len(build(plugin).routes("default")) == 2


def test_plugin_can_be_mounted_twice(build: Build) -> None:
    plugin = plugin_with("shop", "x")

    registries = build(plugin, plugin), build(plugin, accounts={"a": [], "b": ["shop"]})

    assert len(registries[0].routes("default")) == 1
    assert registries[1].routes("a") == registries[1].routes("b")
    assert registries[1].accounts == ("a", "b")


def test_plugin_without_handlers_is_fine(build: Build) -> None:
    registry = build(Plugin("empty"), Plugin("empty-too"))

    assert registry.routes("default") == []
    assert [plugin.name for plugin in registry.plugins] == ["empty", "empty-too"]


def test_account_has_only_the_plugins_it_names(build: Build, ailin: Any) -> None:
    plugins = plugin_with("shop", "shop"), plugin_with("door", "door")
    registry = build(*plugins, accounts={"default": ["shop"], "second": []})

    assert registry.find(ailin.scan("door")).handler is None
    assert registry.find(ailin.scan("door", account="second")).handler is not None


@pytest.mark.parametrize("name", ["", "two words", "1st", "a.b", "门店", "x" * 65])
def test_unusable_name_is_refused(name: str, faults: Faults) -> None:
    (fault,) = faults(Plugin(name))

    assert fault.startswith("tests/scenes/test_mounting.py:")
    assert "a plugin cannot be called" in fault


@pytest.mark.parametrize("prefix", ["ord ", "<x>", "订单", "qrscene_"])
def test_unusable_prefix_is_refused(prefix: str, faults: Faults) -> None:
    (fault,) = faults(Plugin("shop", prefix=prefix))

    assert "prefix of plugin 'shop'" in fault


@pytest.mark.parametrize(("name", "prefix"), [(None, ""), (answer, ""), ("shop", None), (["shop"], "")])
def test_name_and_prefix_must_be_text(name: Any, prefix: Any) -> None:
    with pytest.raises(PluginError, match=r"test_mounting.py:\d+: name and prefix of a plugin are text"):
        Plugin(name, prefix=prefix)


def test_account_that_names_no_plugin_is_refused(faults: Faults) -> None:
    (fault,) = faults(Plugin("shop"), accounts={"default": ["shoop"]})

    assert fault == "[accounts.default] plugins: there is no plugin 'shoop': did you mean 'shop'?"


def test_broken_plugin_can_be_left_out(build: Build, ailin: Any) -> None:
    good, broken = plugin_with("good", "x"), plugin_with("broken", "a b")
    broken.scene("y")(answer)

    registry = build(
        good, broken, on_error="skip", accounts={"default": ["good", "broken"]}, configs={"broken": {"a": 1}}
    )

    assert registry.find(ailin.scan("x")).handler is not None
    assert registry.find(ailin.scan("y")).handler is None
    assert [plugin.name for plugin in registry.plugins] == ["good"]
    assert any("scene 'a b': ' ' cannot be in a scene" in fault for fault in registry.skipped)


def test_later_of_two_contending_plugins_is_left_out(build: Build, ailin: Any) -> None:
    first, second = plugin_with("first", "x"), plugin_with("second", "x", refuse)

    registry = build(first, second, on_error="skip")

    handler = registry.find(ailin.scan("x")).handler
    assert handler is not None
    assert handler.name == "first.answer"
    assert len(registry.skipped) == 1


def test_plugin_that_contended_with_a_broken_one_stays(build: Build, ailin: Any) -> None:
    broken, good = plugin_with("broken", "x"), plugin_with("good", "x", refuse)
    broken.scene("a b")(answer)

    registry = build(broken, good, on_error="skip")

    handler = registry.find(ailin.scan("x")).handler
    assert handler is not None
    assert handler.name == "good.refuse"


def test_what_was_skipped_before_is_listed_too(build: Build) -> None:
    registry = build(
        Plugin("good"),
        on_error="skip",
        skipped=["handlers/gone.py:1: gone"],
        accounts={"default": ["good", "gone"]},
    )

    assert registry.skipped == (
        "handlers/gone.py:1: gone",
        "[accounts.default] plugins: there is no plugin 'gone': there are good",
    )


def test_settings_that_name_no_plugin_cannot_be_skipped(faults: Faults) -> None:
    (fault,) = faults(Plugin("good"), on_error="skip", configs={"gone": {}})

    assert "[plugins.gone] belongs to no plugin" in fault


def test_handler_tells_where_it_is_written(build: Build, monkeypatch: Any, tmp_path: Any) -> None:
    plugin = plugin_with("shop", "x")

    inside = build(plugin).routes("default")[0].location
    monkeypatch.chdir(tmp_path)
    outside = build(plugin).routes("default")[0].location

    assert inside == f"tests/scenes/test_mounting.py:{answer.__code__.co_firstlineno}"
    assert outside.endswith(f"/{inside}")
