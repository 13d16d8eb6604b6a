"""Who answers what is no scan: texts, menu keys, events, messages, follows; fallbacks and errors."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from wxbot.scenes.handler import PASS
from wxbot.scenes.plugin import Plugin
from wxbot.scenes.registry import Registry
from wxbot.wechat.events import Event
from wxbot.wechat.replies import Text

Build = Callable[..., Registry]
Faults = Callable[..., tuple[str, ...]]


def named(name: str, *captures: str) -> Callable[..., str]:
    """Return a handler of this name."""

    def handler(event: Event) -> str:
        return name

    handler.__name__ = name
    return handler


def who(registry: Registry, event: Event) -> str | None:
    """Return the function that answers an event."""
    handler = registry.find(event).handler
    return handler.name.partition(".")[2] if handler else None


def everything() -> Plugin:
    """Return a plugin that answers one thing of each kind."""
    plugin = Plugin("all")
    plugin.text("帮助")(named("help"))
    plugin.text(re.compile("帮.*"))(named("nearly"))
    plugin.text(re.compile(r"(?i)order (?P<number>\d+)( (?P<note>.+))?"))(named("order"))
    plugin.message("text")(named("any_text"))
    plugin.message("image")(named("picture"))
    plugin.click("KEY")(named("key"))
    plugin.event("CLICK")(named("any_key"))
    plugin.event("View_Of_The_Moon")(named("moon"))
    plugin.on_follow(named("follow"))
    plugin.on_unfollow(named("unfollow"))
    return plugin


@pytest.mark.parametrize(
    ("content", "function"),
    [
        ("帮助", "help"),
        ("  帮助\n", "help"),
        ("帮忙", "nearly"),
        ("请帮忙", "any_text"),
        ("ORDER 5", "order"),
        ("order 5 x", "order"),
        ("my order 5", "any_text"),
        ("", "any_text"),
    ],
)
def test_text_is_answered_exactly_first_and_then_by_pattern(
    content: str, function: str, build: Build, ailin: Any
) -> None:
    assert who(build(everything()), ailin.text(content)) == function


def test_patterns_are_tried_in_their_order(build: Build, ailin: Any) -> None:
    first, second = Plugin("first"), Plugin("second")
    first.text(re.compile("a.*"))(named("wide"))
    second.text(re.compile("ab"))(named("narrow"))

    assert who(build(first, second), ailin.text("ab")) == "wide"
    assert who(build(second, first), ailin.text("ab")) == "narrow"


def test_named_groups_are_captured(build: Build, ailin: Any, run: Any) -> None:
    plugin = Plugin("orders")

    @plugin.text(re.compile(r"order (?P<number>\d+)(?: (?P<note>\w+))?"))
    def order(event: Event, number: str, note: str | None) -> str:
        return f"{number} {note}"

    message = ailin.text("order 5")
    match = build(plugin).find(message)

    assert match.handler is not None
    assert match.handler.call(message, match.values, context=run) == "5 None"


@pytest.mark.parametrize(
    ("happen", "function"),
    [
        (lambda ailin: ailin.image(), "picture"),
        (lambda ailin: ailin.click("KEY"), "key"),
        (lambda ailin: ailin.click("key"), "any_key"),
        (lambda ailin: ailin.unknown("view_of_the_MOON"), "moon"),
        (lambda ailin: ailin.unknown("sun"), None),
        (lambda ailin: ailin.follow(), "follow"),
        (lambda ailin: ailin.unfollow(), "unfollow"),
    ],
)
def test_other_events_are_answered_by_kind(
    happen: Callable[[Any], Event], function: str | None, build: Build, ailin: Any
) -> None:
    assert who(build(everything()), happen(ailin)) == function


@pytest.mark.parametrize("happen", ["follow", "unfollow", "image"])
def test_event_that_nobody_answers_has_no_handler(happen: str, build: Build, ailin: Any) -> None:
    match = build(Plugin("empty")).find(getattr(ailin, happen)())

    assert (match.handler, match.values, match.fallbacks, match.is_claimed) == (None, {}, (), False)


def test_event_of_an_account_that_is_not_configured_has_no_handler(build: Build, ailin: Any) -> None:
    assert build(everything()).find(ailin.scan("x", account="gone")).handler is None


@pytest.mark.parametrize(
    ("decorate", "reason"),
    [
        (lambda plugin: plugin.text(""), "this needs a text"),
        (lambda plugin: plugin.text(" \u3000"), "this needs a text"),
        (lambda plugin: plugin.text(" help"), "space around a text is dropped"),
        (lambda plugin: plugin.text(re.compile(b"help")), "this needs a text"),
        (lambda plugin: plugin.text(5), "5 was given"),
        (lambda plugin: plugin.click(""), "the key of a menu item"),
        (lambda plugin: plugin.event(None), "WeChat's name of an event"),
        (lambda plugin: plugin.event("SCAN"), "use @plugin.scene"),
        (lambda plugin: plugin.event("subscribe"), "use @plugin.on_follow"),
        (lambda plugin: plugin.event("Unsubscribe"), "use @plugin.on_unfollow"),
        (lambda plugin: plugin.message("event"), "use one of text, image, voice"),
        (lambda plugin: plugin.message(["text"]), "use one of text, image, voice"),
        (lambda plugin: plugin.errorhandler(KeyboardInterrupt), "a class of exceptions"),
        (lambda plugin: plugin.errorhandler(KeyError()), "a class of exceptions"),
        (lambda plugin: plugin.scene("x", when="always"), 'when is "follow", "scan" or left out'),
    ],
)
def test_unusable_decorator_is_refused_with_its_place(
    decorate: Callable[[Any], Callable[..., object]], reason: str, faults: Faults
) -> None:
    plugin = Plugin("shop")
    decorate(plugin)(named("handler"))

    (fault,) = faults(plugin)

    assert fault.startswith("tests/scenes/test_answers.py:")
    assert reason in fault


@pytest.mark.parametrize(
    ("decorator", "reason"),
    [
        ("scene", 'scene: the rule is missing: write @plugin.scene("...")'),
        ("text", "text: this needs a text, or a pattern made with re.compile, and "),
        ("click", "click: this needs the key of a menu item, and "),
        ("event", "event: this needs WeChat's name of an event, and "),
        ("message", "message: the decorator was used without parentheses: use one of text, image"),
        ("errorhandler", "error: an error handler is for a class of exceptions, and the decorator was"),
        ("provide", 'provider: the name is missing: write @plugin.provide("...")'),
    ],
)
def test_decorator_without_parentheses_is_refused_with_its_place(
    decorator: str, reason: str, faults: Faults
) -> None:
    plugin: Any = Plugin("shop")

    def function() -> str:
        return "never"

    assert getattr(plugin, decorator)(function) is function  # what Python makes of a bare @plugin.scene
    (fault,) = faults(plugin)

    place = f"tests/scenes/test_answers.py:{function.__code__.co_firstlineno}"
    assert fault.startswith(f"{place}: {reason}")
    assert " at 0x" not in fault


def fallbacks_of(registry: Registry, event: Event) -> list[str]:
    """Return the names of the fallbacks behind an event."""
    return [handler.name for handler in registry.find(event).fallbacks]


def plugin_with_fallback(name: str, prefix: str = "") -> Plugin:
    """Return a plugin that only has a fallback."""
    plugin = Plugin(name, prefix=prefix)
    plugin.fallback(named("fallback"))
    return plugin


@pytest.mark.parametrize(
    ("scene", "expected"),
    [
        ("ord:5", ["orders.fallback", "account.fallback"]),
        ("ord:", ["orders.fallback", "account.fallback"]),
        ("ord:vip:5", ["vips.fallback", "account.fallback"]),
        ("ord", ["account.fallback"]),
        ("", ["account.fallback"]),
    ],
)
def test_fallback_of_the_longest_prefix_comes_before_the_accounts(
    scene: str, expected: list[str], build: Build, ailin: Any
) -> None:
    registry = build(
        plugin_with_fallback("account"),
        plugin_with_fallback("orders", "ord:"),
        plugin_with_fallback("vips", "ord:vip:"),
    )

    assert fallbacks_of(registry, ailin.scan(scene)) == expected


def test_fallbacks_stand_behind_a_handler_too(build: Build, ailin: Any) -> None:
    orders = plugin_with_fallback("orders", "ord:")
    orders.scene("5")(named("five"))
    registry = build(orders)

    assert who(registry, ailin.scan("ord:5")) == "five"
    assert fallbacks_of(registry, ailin.scan("ord:5")) == ["orders.fallback"]
    assert fallbacks_of(registry, ailin.text("ord:5")) == []


def test_handler_is_not_its_own_fallback(build: Build, ailin: Any) -> None:
    plugin = Plugin("shop")
    both = named("both")
    plugin.scene("x")(both)
    plugin.fallback(both)

    assert fallbacks_of(build(plugin), ailin.scan("x")) == []


class OrderGone(LookupError):
    """A plugin's own error."""


def test_error_goes_to_the_handler_of_its_most_specific_class(build: Build, ailin: Any, run: Any) -> None:
    plugin, stranger = Plugin("orders"), Plugin("stranger")
    plugin.scene("x")(named("fails"))
    plugin.errorhandler(Exception)(lambda event, error: "something")
    plugin.errorhandler(LookupError)(lambda event, error, follower: f"{error} {follower}")
    stranger.scene("y")(named("fails"))
    registry = build(plugin, stranger)
    scan, error = ailin.scan("x"), OrderGone("gone")
    failed = registry.find(scan).handler
    assert failed is not None

    rescue = registry.error_handlers(failed, error)

    assert rescue is not None
    assert rescue.call(scan, {}, context=run, error=error) == "gone the follower"
    general = registry.error_handlers(failed, ValueError())
    assert general is not None
    assert general.call(scan, {}, context=run, error=ValueError()) == "something"
    other = registry.find(ailin.scan("y")).handler
    assert other is not None
    assert registry.error_handlers(other, error) is None


def test_routes_show_all_that_is_answered(build: Build) -> None:
    plugin = everything()
    plugin.scene(range(1, 5))(named("block"))
    plugin.scene("vip", when="scan")(named("vip"))
    plugin.fallback(named("rest"))
    registry = build(plugin)

    routes = registry.routes("default")

    assert [(each.kind, each.rule, each.when) for each in routes[:3]] == [
        ("exact", "vip", "scan"),
        ("block", "1-4", None),
        ("fallback", "", None),
    ]
    assert {(each.kind, each.rule) for each in routes[3:]} >= {
        ("text", "帮助"),
        ("text", "帮.*"),
        ("click", "KEY"),
        ("event", "view_of_the_moon"),
        ("message", "image"),
        ("follow", ""),
    }
    assert {each.plugin for each in routes} == {"all"}
    assert routes[0].location.startswith("tests/scenes/test_answers.py:")
    assert registry.clicks("default") == ["KEY"]


def test_routes_stand_in_the_order_in_which_they_are_asked(build: Build, ailin: Any) -> None:
    chat = Plugin("chat")
    chat.event("CLICK")(named("any_tap"))
    chat.click("KEY")(named("tap"))
    chat.message("text")(named("anything_else"))
    chat.text(re.compile("1.*"))(named("ones"))
    chat.text("12")(named("exactly"))
    chat.fallback(named("nobody"))
    orders = Plugin("orders", prefix="order:")
    orders.fallback(named("no_order"))
    old = Plugin("old", prefix="order:old:")
    old.fallback(named("no_old_order"))
    login = Plugin("login")
    login.text(re.compile(r"\d{2,6}"), is_ahead=True)(named("numbers"))
    registry = build(chat, orders, old, login)

    routes = registry.routes("default")

    assert [(each.handler, each.when) for each in routes] == [
        ("old.no_old_order", None),
        ("orders.no_order", None),
        ("chat.nobody", None),
        ("login.numbers", "ahead"),
        ("chat.exactly", None),
        ("chat.ones", None),
        ("chat.anything_else", None),
        ("chat.tap", None),
        ("chat.any_tap", None),
    ]
    asked = [each.name for each, _ in registry.find(ailin.text("12")).asked]
    assert asked == ["login.numbers", "chat.exactly"]
    found = registry.find(ailin.scan("order:old:7"))
    assert [each.name for each in found.fallbacks] == ["old.no_old_order", "chat.nobody"]


def passing(ahead_count: int = 0) -> Plugin:
    """Return a plugin with so many handlers that are asked about six digits ahead of the others."""
    plugin = Plugin("codes")
    for number in range(ahead_count):
        ahead = named(f"ahead_{number}")
        plugin.text(re.compile(rf"(?:{number}|\d){{6}}"), is_ahead=True)(ahead)

    @plugin.text("123456")
    def exactly(event: Event) -> str:
        return "exactly"

    @plugin.message("text")
    def anything(event: Event) -> str:
        return "anything"

    return plugin


@pytest.mark.parametrize(
    ("ahead_count", "text", "asked"),
    [
        (0, "123456", ["exactly"]),
        (1, "123456", ["ahead_0", "exactly"]),
        (2, "654321", ["ahead_0", "ahead_1", "anything"]),
        (1, "hello", ["anything"]),
    ],
    ids=["nobody ahead", "before an exact text", "two before any text", "not of that kind"],
)
def test_handlers_ahead_are_asked_before_the_one_that_answers(
    ahead_count: int, text: str, asked: list[str], build: Build, ailin: Any
) -> None:
    match = build(passing(ahead_count)).find(ailin.text(text))

    assert [each.name for each, _ in match.asked] == [f"codes.{name}" for name in asked]
    assert match.name == f"codes.{asked[-1]}"


def test_an_exact_text_can_be_ahead(build: Build, ailin: Any) -> None:
    plugin = Plugin("other")

    @plugin.text("1+1", is_ahead=True)
    def sum_up(event: Event) -> str:
        return "2"

    registry = build(passing(), plugin)

    assert registry.find(ailin.text("1+1")).asked[0][0].name == "other.sum_up"
    assert registry.find(ailin.text("11")).name == "codes.anything"


def test_who_comes_after_one_ahead_may_be_slow(build: Build, ailin: Any) -> None:
    plugin = Plugin("slow")

    @plugin.text("report", interim="wait")
    def report(event: Event, session: Any) -> str:
        return "done"

    @plugin.text("report", is_ahead=True)
    def not_now(event: Event) -> object:
        return PASS

    match = build(plugin).find(ailin.text("report"))

    assert (match.interim, match.is_claimed, match.name) == (Text("wait"), True, "slow.report")
