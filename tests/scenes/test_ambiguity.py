"""What cannot be mounted together: every fault at once, each with both places and a remedy."""

import functools
import inspect
import re
from collections.abc import Callable

import pytest

from wxbot.scenes.plugin import Plugin
from wxbot.scenes.registry import Registry
from wxbot.wechat.events import Event, Scan

Faults = Callable[..., tuple[str, ...]]


def one(event: Event) -> str:
    """Answer."""
    return "one"


def two(event: Event) -> str:
    """Answer differently."""
    return "two"


def place(function: Callable[..., object]) -> str:
    """Return where a function of this file begins."""
    return f"{inspect.getsourcefile(function)}:{function.__code__.co_firstlineno}"


def plugin_with(
    name: str, *rules: object, function: Callable[..., object] = one, **options: object
) -> Plugin:
    """Return a plugin that answers these scenes."""
    plugin = Plugin(name)
    for rule in rules:
        plugin.scene(rule, **options)(function)
    return plugin


@pytest.mark.parametrize(
    ("left", "right", "remedy"),
    [
        ("vip", "vip", "both answer scene 'vip'"),
        (1001, "1001", "both answer scene '1001'"),
        (range(1, 10), range(9, 20), "blocks '9-19' and '1-9' overlap"),
        (range(1, 100), range(5, 6), "overlap"),
        (range(5, 6), range(1, 100), "overlap"),
        ("shop:<int:a>", "shop:<int:b>", "begin alike and then capture alike"),
        ("shop:<a>", "shop:<b>:<int:c>", "begin alike and then capture alike"),
        ("<signed:a>", "<signed:b>", "begin alike"),
    ],
)
def test_two_rules_for_one_scene_are_refused(
    left: object, right: object, remedy: str, faults: Faults
) -> None:
    (fault,) = faults(plugin_with("a", left), plugin_with("b", right, function=two))

    assert fault.count("tests/scenes/test_ambiguity.py:") == 2
    assert place(one).endswith(re.findall(r"test_ambiguity\.py:\d+", fault)[1])
    assert place(two).endswith(re.findall(r"test_ambiguity\.py:\d+", fault)[0])
    assert remedy in fault


@pytest.mark.parametrize("rule", ["vip", range(1, 9), "shop:<a>"])
@pytest.mark.parametrize(("left", "right"), [(None, "scan"), ("follow", None), ("scan", "scan")])
def test_kinds_of_scan_that_intersect_are_refused(
    rule: object, left: str | None, right: str | None, faults: Faults
) -> None:
    found = faults(plugin_with("a", rule, when=left), plugin_with("b", rule, function=two, when=right))

    assert len(found) == 1


@pytest.mark.parametrize("rule", ["vip", range(1, 9), "shop:<a>"])
def test_kinds_of_scan_that_differ_live_together(rule: object, build: Callable[..., Registry]) -> None:
    registry = build(plugin_with("a", rule, when="follow"), plugin_with("b", rule, function=two, when="scan"))

    assert [route.when for route in registry.routes("default")] == ["follow", "scan"]


def test_different_ranks_are_no_contradiction(build: Callable[..., Registry]) -> None:
    build(plugin_with("a", 5, "5<a>", "<int:a>", "<a>", "<signed:a>", range(1, 9)))


@pytest.mark.parametrize(
    ("decorate", "words"),
    [
        (lambda plugin: plugin.text("帮助"), "text '帮助'"),
        (lambda plugin: plugin.text(re.compile("a+")), "text 'a+'"),
        (lambda plugin: plugin.click("KEY"), "click 'KEY'"),
        (lambda plugin: plugin.message("image"), "message 'image'"),
        (lambda plugin: plugin.on_follow, "both answer follow:"),
        (lambda plugin: plugin.on_unfollow, "both answer unfollow:"),
        (lambda plugin: plugin.fallback, "both are the fallback of the account"),
    ],
)
def test_two_handlers_for_the_same_are_refused(
    decorate: Callable[[Plugin], Callable[..., object]], words: str, faults: Faults
) -> None:
    left, right = Plugin("a"), Plugin("b")
    decorate(left)(one)
    decorate(right)(two)

    (fault,) = faults(left, right)

    assert words in fault
    assert fault.count("test_ambiguity.py:") == 2


def test_event_names_are_the_same_in_any_case(faults: Faults) -> None:
    plugin = Plugin("a")
    plugin.event("VIEW")(one)
    plugin.event("view")(two)

    (fault,) = faults(plugin)

    assert "both answer event 'view'" in fault


def test_two_fallbacks_of_one_prefix_are_refused(faults: Faults) -> None:
    left, right = Plugin("a", prefix="x:"), Plugin("b", prefix="x:")
    left.fallback(one)
    right.fallback(two)

    (fault,) = faults(left, right)

    assert "fallback of prefix 'x:'" in fault


def test_two_error_handlers_for_one_class_are_refused(faults: Faults) -> None:
    plugin = Plugin("a")
    plugin.errorhandler(KeyError)(lambda event, error: "one")
    plugin.errorhandler(KeyError)(lambda event, error: "two")

    (fault,) = faults(plugin)

    assert "both handle KeyError in plugin 'a'" in fault


def test_two_plugins_of_one_name_are_refused(faults: Faults) -> None:
    (fault,) = faults(Plugin("a"), Plugin("a"))

    assert "both plugins are called 'a'" in fault
    assert fault.count("test_ambiguity.py:") == 2


def test_two_functions_of_one_name_are_refused(faults: Faults) -> None:
    plugin = Plugin("a")

    @plugin.scene("left")
    def same(scan: Scan) -> str:
        return "left"

    @plugin.scene("right")
    def same(scan: Scan) -> str:  # noqa: F811
        return "right"

    (fault,) = faults(plugin)

    assert "both functions are called 'a.same'" in fault


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (lambda plugin: plugin.text("slow"), lambda plugin: plugin.text("quick")),
        (lambda plugin: plugin.text(re.compile("a+")), lambda plugin: plugin.message("image")),
        (lambda plugin: plugin.text("12", is_ahead=True), lambda plugin: plugin.click("KEY")),
        (lambda plugin: plugin.scene("door"), lambda plugin: plugin.text("door")),
        (lambda plugin: plugin.on_follow, lambda plugin: plugin.event("VIEW")),
        (lambda plugin: plugin.fallback, lambda plugin: plugin.scene("door")),
    ],
    ids=["texts", "pattern and message", "ahead and click", "scene and text", "follow and event", "fallback"],
)
def test_functions_that_would_share_a_breaker_are_refused(
    left: Callable[[Plugin], Callable[..., object]],
    right: Callable[[Plugin], Callable[..., object]],
    faults: Faults,
) -> None:
    plugin = Plugin("a")

    def same(event: Event) -> str:
        return "left"

    first = left(plugin)(same)

    def same(event: Event) -> str:  # type: ignore[no-redef]
        return "right"

    right(plugin)(same)

    (fault,) = faults(plugin)

    assert first is not same
    assert "both functions are called 'a.same': rename one of them" in fault
    assert fault.count("tests/scenes/test_ambiguity.py:") == 2


def test_functions_of_one_line_are_told_apart_by_their_rules(faults: Faults) -> None:
    plugin = Plugin("a")

    def reply(word: str) -> Callable[[Event], str]:
        def answer(event: Event) -> str:
            return word

        return answer

    for word in ("hours", "price", "way"):
        plugin.text(word)(reply(word))

    (fault,) = faults(plugin)

    assert "text 'hours' and text 'price' have two functions, both called 'a.answer'" in fault
    assert "function.__name__" in fault
    assert fault.count("tests/scenes/test_ambiguity.py:") == 1


def test_decorator_between_two_rules_is_told(faults: Faults) -> None:
    plugin = Plugin("a")

    def logged(function: Callable[[Event], str]) -> Callable[[Event], str]:
        @functools.wraps(function)
        def inner(event: Event) -> str:
            return function(event)

        return inner

    @plugin.text("vip")
    @logged
    @plugin.scene("vip")
    def vip(event: Event) -> str:
        return "very important"

    (fault,) = faults(plugin)

    assert "scene 'vip' and text 'vip'" in fault
    assert "put both rules above the decorator" in fault


class Shop(Plugin):
    """A plugin that answers with a method of its own."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.scene(name)(self.answer)
        self.text(name)(self.answer)

    def answer(self, event: Event) -> str:
        """Say whose answer it is."""
        return self.name


def test_one_method_may_answer_many_things(build: Callable[..., Registry]) -> None:
    registry = build(Shop("left"), Shop("right"))

    handlers = sorted(route.handler for route in registry.routes("default"))
    assert handlers == ["left.answer"] * 2 + ["right.answer"] * 2


def test_methods_of_two_objects_are_two_functions(faults: Faults) -> None:
    plugin, left, right = Plugin("a"), Shop("left"), Shop("right")
    plugin.scene("left")(left.answer)
    plugin.scene("right")(right.answer)

    (fault,) = faults(plugin)

    assert "scene 'left' and scene 'right' have two functions, both called 'a.answer'" in fault


def test_one_function_may_answer_many_things(build: Callable[..., Registry]) -> None:
    plugin = plugin_with("a", "left", "right")
    plugin.text("left")(one)
    plugin.text(re.compile("l+"), is_ahead=True)(one)
    plugin.click("LEFT")(one)
    plugin.fallback(one)
    plugin.errorhandler(KeyError)(lambda event, error: "trouble")

    assert {route.handler for route in build(plugin).routes("default")} == {"a.one"}


def test_same_function_name_in_two_plugins_is_fine(build: Callable[..., Registry]) -> None:
    registry = build(plugin_with("a", "left"), plugin_with("b", "right"))

    assert [route.handler for route in registry.routes("default")] == ["a.one", "b.one"]


def test_contradiction_needs_one_account(build: Callable[..., Registry]) -> None:
    plugins = plugin_with("a", "vip"), plugin_with("b", "vip", function=two)

    registry = build(*plugins, accounts={"default": ["a"], "second": ["b"]})

    assert [route.handler for route in registry.routes("second")] == ["b.two"]


def test_fault_of_two_accounts_is_told_once(faults: Faults) -> None:
    plugins = plugin_with("a", "vip"), plugin_with("b", "vip", function=two)

    assert len(faults(*plugins, accounts={"default": [], "second": []})) == 1


def test_all_faults_are_told_at_once(faults: Faults) -> None:
    broken = plugin_with("a", "shop 7", "qrscene_x", range(0, 5))
    unknown = plugin_with("b", "x", function=lambda scan, nonsense: nonsense)
    clashing = plugin_with("c", "y"), plugin_with("d", "y", function=two)

    found = faults(
        broken, unknown, *clashing, configs={"e": {}}, accounts={"default": ["a", "b", "c", "d", "f"]}
    )

    for words in (
        "' ' cannot",
        "qrscene_",
        "range(0, 5)",
        "nonsense",
        "scene 'y'",
        "[plugins.e]",
        "plugin 'f'",
    ):
        assert any(words in fault for fault in found), words
    assert len(found) == 7
