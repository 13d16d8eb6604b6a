"""What handlers are given by name, and what is refused before anything is answered."""

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy.orm import Session

from wxbot.scenes.inject import Context
from wxbot.scenes.plugin import Plugin
from wxbot.scenes.registry import Registry
from wxbot.wechat.events import Event, Scan, TextMessage

Build = Callable[..., Registry]
Faults = Callable[..., tuple[str, ...]]


class Shop(BaseModel):
    """A plugin's configuration."""

    name: str = "Corner Shop"


def call(registry: Registry, event: Event, run: Context) -> object:
    """Find the handler of an event and call it."""
    match = registry.find(event)
    assert match.handler is not None
    return match.handler.call(event, match.values, context=run)


def test_handler_is_given_what_it_names(build: Build, ailin: Any, run: Context) -> None:
    plugin = Plugin("shop", config=Shop)
    given: dict[str, object] = {}

    @plugin.scene("shop:<int:shop_id>:<door>")
    def enter(
        happened: Scan, door: str, *, session: Session, config: Shop, follower: object, shop_id: int
    ) -> str:
        given.update(event=happened, door=door, session=session, config=config, follower=follower, id=shop_id)
        return "come in"

    scan = ailin.scan("shop:7:back")

    assert call(build(plugin), scan, run) == "come in"
    assert given.pop("event") is scan
    assert isinstance(given.pop("session"), Session)
    assert given == {"door": "back", "config": Shop(), "follower": "the follower", "id": 7}


def test_capture_that_nobody_asks_for_is_left_out(build: Build, ailin: Any, run: Context) -> None:
    plugin = Plugin("shop")
    plugin.scene("shop:<int:shop_id>")(lambda scan: scan.scene)

    assert call(build(plugin), ailin.scan("shop:7"), run) == "shop:7"


def test_first_parameter_may_have_any_name_and_be_positional(build: Build, ailin: Any, run: Context) -> None:
    plugin = Plugin("shop")

    @plugin.scene("<x>")
    def answer(anything: Scan, /, x: str) -> str:
        return x

    assert call(build(plugin), ailin.scan("s"), run) == "s"


def test_parameter_with_default_may_be_missing_in_a_rule(build: Build, ailin: Any, run: Context) -> None:
    plugin = Plugin("shop")

    @plugin.scene("shop")
    @plugin.scene("shop:<int:number>")
    def enter(scan: Scan, number: int = 1) -> str:
        return f"shop {number}"

    registry = build(plugin)

    assert call(registry, ailin.scan("shop"), run) == "shop 1"
    assert call(registry, ailin.scan("shop:8"), run) == "shop 8"


def test_wrapped_function_is_read_through_its_wrapper(build: Build, ailin: Any, run: Context) -> None:
    plugin = Plugin("shop")

    def shout(function: Callable[..., str]) -> Callable[..., str]:
        @functools.wraps(function)
        def louder(*args: Any, **kwargs: Any) -> str:
            return function(*args, **kwargs).upper()

        return louder

    @plugin.scene("say:<word>")
    @shout
    def say(scan: Scan, word: str) -> str:
        return word

    registry = build(plugin)

    assert call(registry, ailin.scan("say:hello"), run) == "HELLO"
    assert registry.routes("default")[0].handler == "shop.say"


def test_coroutine_function_is_a_handler(build: Build, ailin: Any, run: Context) -> None:
    plugin = Plugin("shop")

    @plugin.scene("later")
    async def later(scan: Scan) -> str:
        return "now"

    coroutine: Any = call(build(plugin), ailin.scan("later"), run)

    with pytest.raises(StopIteration, match="now"):
        coroutine.send(None)


def test_providers_share_the_session_of_their_handler(build: Build, ailin: Any, run: Context) -> None:
    plugin = Plugin("shop", config=Shop)

    @plugin.provide("stock")
    def stock(event: Event, session: Session, follower: object, config: Shop) -> tuple[object, ...]:
        return event, session, follower, config

    @plugin.scene("stock")
    def show(scan: Scan, stock: tuple[object, ...], session: Session) -> bool:
        return stock == (scan, session, "the follower", Shop())

    assert call(build(plugin), ailin.scan("stock"), run) is True


def test_provider_is_called_only_for_those_who_ask(build: Build, ailin: Any, run: Context) -> None:
    plugin = Plugin("shop")
    calls = []

    @plugin.provide("stock")
    def stock() -> int:
        calls.append("made")
        return 5

    plugin.scene("with")(lambda scan, stock: stock)

    @plugin.text("without")
    def without(message: TextMessage) -> str:
        return "nothing"

    registry = build(plugin)

    assert call(registry, ailin.text("without"), run) == "nothing"
    assert calls == []
    assert call(registry, ailin.scan("with"), run) == 5


@pytest.mark.parametrize("name", ["session", "stock"])
def test_handler_with_a_session_is_claimed(name: str, build: Build, ailin: Any) -> None:
    plugin, light = Plugin("shop"), Plugin("light")
    plugin.provide("stock")(lambda session: 5)
    handler = {"session": lambda scan, session: "", "stock": lambda scan, stock: ""}[name]
    plugin.scene("claimed")(handler)
    light.scene("light")(lambda scan, follower: "")
    registry = build(plugin, light)

    claimed, free = registry.find(ailin.scan("claimed")), registry.find(ailin.scan("light"))

    assert claimed.is_claimed
    assert not free.is_claimed


def test_event_is_claimed_for_the_sake_of_a_fallback_or_an_error_handler(build: Build, ailin: Any) -> None:
    fallback, rescue = Plugin("fallback", prefix="f:"), Plugin("rescue", prefix="r:")
    fallback.scene("x")(lambda scan: "")

    @fallback.fallback
    def rest(scan: Scan, session: Session) -> str:
        return ""

    rescue.scene("x")(lambda scan: "")
    rescue.errorhandler(KeyError)(lambda scan, error, session: "")
    registry = build(fallback, rescue)

    assert registry.find(ailin.scan("f:x")).is_claimed
    assert registry.find(ailin.scan("r:x")).is_claimed
    assert not registry.find(ailin.scan("r:y")).is_claimed


def nothing() -> str:
    """Take no event."""
    return ""


def catch_all(*args: object) -> str:
    """Take anything."""
    return ""


def keywords(scan: Scan, **kwargs: object) -> str:
    """Take anything by name."""
    return ""


def star(scan: Scan, *more: object) -> str:
    """Take anything more."""
    return ""


def only_keyword(*, scan: Scan) -> str:
    """Take the event by name."""
    return ""


def only_positional(scan: Scan, session: Session, /) -> str:
    """Take the session by position."""
    return ""


def misspelt(scan: Scan, sesion: Session) -> str:
    """Ask for what there is not."""
    return ""


def misspelt_with_default(scan: Scan, sesion: Session | None = None) -> str:
    """Ask for what there is not, in vain."""
    return ""


def without_model(scan: Scan, config: Shop) -> str:
    """Ask for a configuration that the plugin does not have."""
    return ""


def event_forgotten(session: Session) -> str:
    """Forget that the event comes first."""
    return ""


def yielding(scan: Scan) -> Iterator[str]:
    """Yield a reply."""
    yield ""


async def yielding_later(scan: Scan) -> AsyncIterator[str]:
    """Yield a reply, some time."""
    yield ""


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (nothing, "its first parameter is the event"),
        (catch_all, "its first parameter is the event"),
        (keywords, "**kwargs cannot be filled by name"),
        (star, "*more cannot be filled by name"),
        (only_keyword, "its first parameter is the event"),
        (only_positional, "session cannot be filled by name"),
        (misspelt, "nothing is called 'sesion'"),
        (misspelt_with_default, "nothing is called 'sesion'"),
        (without_model, "its plugin has none"),
        (event_forgotten, "cannot be 'session'"),
        (yielding, "it yields"),
        (yielding_later, "it yields"),
    ],
)
def test_handler_that_cannot_be_filled_is_refused(
    function: Callable[..., object], reason: str, faults: Faults
) -> None:
    plugin = Plugin("shop")
    plugin.scene("x")(function)

    (fault,) = faults(plugin)

    assert fault.startswith(f"tests/scenes/test_injection.py:{function.__code__.co_firstlineno}: ")
    assert function.__name__ in fault
    assert reason in fault


@pytest.mark.parametrize("function", [functools.partial(keywords), object(), "text", print, int])
def test_what_is_no_named_function_is_refused(function: Any, faults: Faults) -> None:
    plugin = Plugin("shop")
    plugin.scene("x")(function)

    assert all(fault.startswith("tests/scenes/test_injection.py:") for fault in faults(plugin))


@pytest.mark.parametrize(
    "name", ["session", "follower", "config", "defer", "wechat", "key", "channel", "account"]
)
def test_capture_with_a_taken_name_is_refused(name: str, faults: Faults) -> None:
    plugin = Plugin("shop")
    plugin.scene(f"x:<{name}>")(lambda scan: "")

    (fault,) = faults(plugin)

    assert f"{name!r} is captured, but the name is taken" in fault


def test_capture_named_like_a_provided_value_is_refused(faults: Faults) -> None:
    plugin = Plugin("shop")
    plugin.provide("stock")(lambda: 5)
    plugin.scene("x:<stock>")(lambda scan, stock: "")

    (fault,) = faults(plugin)

    assert "'stock' is captured, but the name is taken" in fault


def test_capture_missing_in_one_rule_of_a_stack_is_refused(faults: Faults) -> None:
    plugin = Plugin("shop")

    @plugin.scene("shop")
    @plugin.scene("shop:<int:number>")
    def enter(scan: Scan, number: int) -> str:
        return f"shop {number}"

    (fault,) = faults(plugin)

    assert "'number' is not captured by its scene 'shop': give the parameter a default" in fault


def test_error_handler_needs_event_and_error(faults: Faults) -> None:
    plugin = Plugin("shop")
    plugin.errorhandler(KeyError)(lambda scan: "")

    (fault,) = faults(plugin)

    assert "its first parameters are the event and the error" in fault


@pytest.mark.parametrize(
    ("name", "function", "reason"),
    [
        ("session", lambda: 5, "'session' cannot be provided"),
        ("two words", lambda: 5, "'two words' cannot be provided"),
        ("defer", lambda: 5, "'defer' cannot be provided"),
        ("stock", lambda scan: 5, "nothing is called 'scan'"),
        ("stock", lambda config: 5, "its plugin has none"),
        ("stock", lambda *args: 5, "*args cannot be filled"),
        ("stock", yielding, "it yields"),
        ("stock", test_coroutine_function_is_a_handler, "nothing is called 'build'"),
    ],
)
def test_unusable_provider_is_refused(
    name: str, function: Callable[..., object], reason: str, faults: Faults
) -> None:
    plugin = Plugin("shop")
    plugin.provide(name)(function)

    assert any(reason in fault for fault in faults(plugin))


def test_value_named_like_the_event_of_a_handler_is_told(faults: Faults) -> None:
    plugin = Plugin("shop")
    plugin.provide("scan")(lambda: 5)
    plugin.scene("vip")(lambda scan: "")

    (fault,) = faults(plugin)

    assert "its first parameter is the event, and its plugin provides 'scan': rename one of them" in fault


def test_async_provider_is_refused(faults: Faults) -> None:
    plugin = Plugin("shop")

    @plugin.provide("stock")
    async def stock() -> int:
        return 5

    (fault,) = faults(plugin)

    assert "a provider cannot be async" in fault


def test_value_provided_twice_is_refused(faults: Faults) -> None:
    plugin = Plugin("shop")
    plugin.provide("stock")(lambda: 5)
    plugin.provide("stock")(lambda: 6)

    (fault,) = faults(plugin)

    assert "'stock' is provided at tests/scenes/test_injection.py:" in fault
