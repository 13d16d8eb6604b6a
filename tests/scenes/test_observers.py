"""Observers: told of every scan of their accounts, and given what they name."""

from collections.abc import Callable
from typing import Any

import pytest

from wxbot.scenes.plugin import Plugin
from wxbot.scenes.registry import Registry
from wxbot.wechat.api import ApiClient
from wxbot.wechat.events import Scan

Build = Callable[..., Registry]
Faults = Callable[..., tuple[str, ...]]


def test_observer_is_given_the_scan_and_what_it_names(build: Build, ailin: Any, run: Any) -> None:
    plugin = Plugin("counts")
    given: dict[str, object] = {}

    @plugin.provide("shop")
    def shop(event: Scan) -> str:
        return event.scene.partition(":")[2]

    @plugin.on_scan
    def count(scan: Scan, shop: str, follower: object, wechat: ApiClient, key: str, defer: object) -> str:
        given.update(scan=scan, shop=shop, follower=follower, wechat=wechat, key=key, defer=defer)
        return "counted"

    (observer,) = build(plugin).observers("default")
    scan = ailin.scan("shop:7")

    assert observer.call(scan, context=run) == "counted"
    assert given == {
        "scan": scan,
        "shop": "7",
        "follower": "the follower",
        "wechat": run.wechat(),
        "key": "the key",
        "defer": run.defer,
    }


def test_observer_may_be_a_coroutine_function(build: Build, ailin: Any, run: Any) -> None:
    plugin = Plugin("counts")

    @plugin.on_scan
    async def count(scan: Scan) -> str:
        return scan.scene

    (observer,) = build(plugin).observers("default")

    assert observer.call(ailin.scan("x"), context=run) == "x"


def test_account_has_the_observers_of_its_own_plugins(build: Build) -> None:
    first, second = Plugin("first"), Plugin("second")
    for plugin in (first, second):

        @plugin.on_scan
        def count(scan: Scan) -> None:
            pass

        @plugin.on_scan
        def tell(scan: Scan) -> None:
            pass

    registry = build(first, second, accounts={"default": [], "branch": ["second"]})

    names = {account: [each.name for each in registry.observers(account)] for account in registry.accounts}

    assert names == {
        "default": ["first.count", "first.tell", "second.count", "second.tell"],
        "branch": ["second.count", "second.tell"],
    }
    assert registry.observers("nobody's") == ()


def test_observer_answers_nothing(build: Build, ailin: Any) -> None:
    plugin = Plugin("counts")
    observed = plugin.on_scan(test_observer_answers_nothing)
    assert observed is test_observer_answers_nothing
    plugin = Plugin("counts")

    @plugin.on_scan
    def count(scan: Scan, session: object) -> str:
        return "an answer that nobody reads"

    match = build(plugin).find(ailin.scan("x"))

    assert (match.handler, match.fallbacks, match.is_claimed) == (None, (), False)


def no_scan() -> None:
    """Take no scan."""


def misspelt(scan: Scan, sesion: object) -> None:
    """Ask for what there is not."""


def session_first(session: object) -> None:
    """Forget that the scan comes first."""


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (no_scan, "its first parameter is the event: add what is missing"),
        (misspelt, "nothing is called 'sesion'"),
        (session_first, "cannot be 'session': put a parameter in front of it"),
    ],
)
def test_observer_that_cannot_be_filled_is_refused(
    function: Callable[..., object], reason: str, faults: Faults
) -> None:
    plugin = Plugin("counts")
    plugin.on_scan(function)

    (fault,) = faults(plugin)

    line = function.__code__.co_firstlineno
    assert fault.startswith(f"tests/scenes/test_observers.py:{line}: observer {function.__name__}: ")
    assert reason in fault


def test_two_observers_of_one_name_are_refused(faults: Faults) -> None:
    plugin = Plugin("counts")
    for _ in range(2):

        @plugin.on_scan
        def count(scan: Scan) -> None:
            pass

    (fault,) = faults(plugin)

    assert "both observers are called 'counts.count'" in fault
