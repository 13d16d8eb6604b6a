"""Jobs: what they are given, what can be deferred, and what is refused before anything runs."""

import functools
import math
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy.orm import Session

from wxbot.errors import PluginError, WxbotError
from wxbot.scenes.background import NotDeferrableError
from wxbot.scenes.plugin import Plugin
from wxbot.scenes.registry import Registry
from wxbot.wechat.api import ApiClient

Build = Callable[..., Registry]
Faults = Callable[..., tuple[str, ...]]


class Shop(BaseModel):
    """A plugin's configuration."""

    name: str = "Corner Shop"


def notify(order_id: str, times: int = 1) -> str:
    """Be a job."""
    return f"{order_id} {times}"


def jobs_of(build: Build, function: Callable[..., object] = notify) -> Registry:
    """Return a registry whose only job is this function."""
    plugin = Plugin("orders")
    plugin.job(function)
    return build(plugin)


def test_job_stays_the_function_it_was(build: Build) -> None:
    plugin = Plugin("orders")

    assert plugin.job(notify) is notify
    assert plugin.job(attempts=3)(test_job_stays_the_function_it_was) is test_job_stays_the_function_it_was


def test_job_is_given_its_values_and_what_it_names(build: Build, run: Any) -> None:
    plugin = Plugin("orders", config=Shop)
    given: dict[str, object] = {}

    @plugin.provide("stock")
    def stock(session: Session, wechat: ApiClient, config: Shop) -> str:
        return f"stock of {config.name} for {wechat.account.name}"

    @plugin.job
    def record(order_id: str, *, stock: str, wechat: ApiClient, key: str, config: Shop, defer: object) -> str:
        given.update(order_id=order_id, stock=stock, wechat=wechat, key=key, config=config, defer=defer)
        return "done"

    job = build(plugin).job("orders.record")
    assert job is not None

    assert job.call({"order_id": "5"}, context=run) == "done"
    assert given == {
        "order_id": "5",
        "stock": "stock of Corner Shop for default",
        "wechat": run.wechat(),
        "key": "the key",
        "config": Shop(),
        "defer": run.defer,
    }


def test_job_may_be_a_coroutine_function(build: Build, run: Any) -> None:
    plugin = Plugin("orders")

    @plugin.job
    async def record(order_id: str) -> str:
        return f"recorded {order_id}"

    job = build(plugin).job("orders.record")

    assert job is not None
    assert job.call({"order_id": "5"}, context=run) == "recorded 5"


def test_job_says_how_it_is_repeated(build: Build) -> None:
    plugin = Plugin("orders")
    plugin.job(notify)
    plugin.job(idempotent=False, attempts=2)(jobs_of)
    registry = build(plugin)

    found = [registry.job(name) for name in ("orders.notify", "orders.jobs_of")]

    assert [(job.is_idempotent, job.attempts) for job in found if job] == [(True, None), (False, 2)]


def test_job_is_found_by_name_and_by_function(build: Build) -> None:
    registry = jobs_of(build)

    job = registry.job("orders.notify")

    assert job is not None
    assert job.location == f"tests/scenes/test_jobs.py:{notify.__code__.co_firstlineno}"
    assert registry.job_name(notify) == "orders.notify"
    assert registry.job("orders.other") is registry.job_name(jobs_of) is None


def test_jobs_of_two_plugins_may_share_a_function_name(build: Build) -> None:
    plugins = [Plugin("first"), Plugin("second")]
    for plugin in plugins:

        @plugin.job
        def send() -> None:
            pass

    registry = build(*plugins)

    assert all(registry.job(name) for name in ("first.send", "second.send"))


class Size(StrEnum):
    """A text of a kind of its own."""

    LARGE = "large"


@pytest.mark.parametrize(
    "value", [None, True, 0, -1.5, "", "汉\x00字", Size.LARGE, [], {}, [1, [2, {"a": None}]], 2**70]
)
def test_values_that_json_holds_are_written_down(build: Build, value: object) -> None:
    deferred = jobs_of(build).deferred(notify, {"order_id": value})

    assert (deferred.name, deferred.arguments) == ("orders.notify", {"order_id": value})


def test_what_is_written_down_does_not_change_with_its_source(build: Build) -> None:
    order = {"lines": ["pen"]}

    deferred = jobs_of(build).deferred(notify, {"order_id": order})
    order["lines"].append("ink")

    assert deferred.arguments == {"order_id": {"lines": ["pen"]}}
    assert "pen" not in repr(deferred)


def endless() -> list[object]:
    """Return a list that contains itself."""
    items: list[object] = []
    items.append(items)
    return items


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 11, 1, tzinfo=UTC),
        b"bytes",
        (1, 2),
        [(1,)],
        {1: "one"},
        {"a", "b"},
        math.nan,
        math.inf,
        "\ud800",
        object(),
        notify,
        endless(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_value_that_json_cannot_hold_is_refused_at_the_call(build: Build, value: object) -> None:
    with pytest.raises(NotDeferrableError) as refused:
        jobs_of(build).deferred(notify, {"order_id": value})

    assert isinstance(refused.value, TypeError) and isinstance(refused.value, WxbotError)
    assert str(refused.value).startswith("job orders.notify (tests/scenes/test_jobs.py:")
    assert f"was given a {type(value).__name__} as 'order_id' that JSON cannot hold" in str(refused.value)


def test_refusal_tells_no_values(build: Build) -> None:
    with pytest.raises(NotDeferrableError) as refused:
        jobs_of(build).deferred(notify, {"order_id": ("openid-of-ailin",)})

    assert "ailin" not in str(refused.value)


def test_more_than_a_job_may_carry_is_refused(build: Build) -> None:
    registry = jobs_of(build)
    registry.deferred(notify, {"order_id": "x" * 16_000})

    with pytest.raises(NotDeferrableError, match="more than 16 KB: keep it elsewhere"):
        registry.deferred(notify, {"order_id": "汉" * 6_000})


@pytest.mark.parametrize(
    ("arguments", "given"),
    [({}, "nothing"), ({"order": "5"}, "order"), ({"order_id": "5", "key": "k"}, "order_id, key")],
)
def test_values_that_do_not_fit_are_refused_at_the_call(
    build: Build, arguments: dict[str, object], given: str
) -> None:
    with pytest.raises(NotDeferrableError, match=rf"takes order_id, times, and was given {given}:"):
        jobs_of(build).deferred(notify, arguments)


def test_value_that_wxbot_fills_in_cannot_be_handed_over(build: Build) -> None:
    def send(order_id: str, key: str) -> None:
        pass

    with pytest.raises(NotDeferrableError, match="takes order_id, and was given order_id, key"):
        jobs_of(build, send).deferred(send, {"order_id": "5", "key": "k"})


@pytest.mark.parametrize("stranger", [jobs_of, functools.partial(notify), "notify", None])
def test_what_is_no_job_cannot_be_deferred(build: Build, stranger: Any) -> None:
    name = getattr(stranger, "__qualname__", type(stranger).__name__)

    with pytest.raises(NotDeferrableError, match=f"{name} is no job of a mounted plugin: put @plugin.job"):
        jobs_of(build).deferred(stranger, {})


def with_event(event: object) -> None:
    """Ask for what has gone by."""


def with_follower(order_id: str, follower: object) -> None:
    """Ask for who has gone by."""


def with_account(account: str) -> None:
    """Name a value like something of ours."""


def with_late_scan(scanned: object) -> None:
    """Ask for what needs the event."""


def without_model(config: Shop) -> None:
    """Ask for a configuration that the plugin does not have."""


def catch_all(**values: object) -> None:
    """Take anything."""


def positional(order_id: str, /) -> None:
    """Take a value by position."""


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (with_event, "'event' is not known to a job, which runs later"),
        (with_follower, "'follower' is not known to a job"),
        (with_account, "'account' cannot be the name of a value"),
        (with_late_scan, "'scanned' is provided with the help of 'event', which is not known to a job"),
        (without_model, "its plugin has none"),
        (catch_all, "**values cannot be filled by name"),
        (positional, "order_id cannot be filled by name"),
    ],
)
def test_job_that_cannot_be_filled_is_refused(
    function: Callable[..., object], reason: str, faults: Faults
) -> None:
    plugin = Plugin("orders")
    plugin.provide("scanned")(lambda event: event)
    plugin.job(function)

    (fault,) = faults(plugin)

    line = function.__code__.co_firstlineno
    assert fault.startswith(f"tests/scenes/test_jobs.py:{line}: job {function.__name__}: ")
    assert reason in fault


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"idempotent": "no"}, "idempotent is True or False, not 'no'"),
        ({"attempts": 0}, "attempts is a number from 1, or left out, not 0"),
        ({"attempts": True}, "attempts is a number from 1, or left out, not True"),
        ({"attempts": 1.5}, "attempts is a number from 1, or left out, not 1.5"),
    ],
)
def test_unusable_option_is_refused(options: dict[str, Any], reason: str, faults: Faults) -> None:
    plugin = Plugin("orders")
    plugin.job(**options)(notify)

    (fault,) = faults(plugin)

    assert reason in fault


def test_two_jobs_of_one_name_are_refused(faults: Faults) -> None:
    plugin = Plugin("orders")

    def make() -> Callable[..., None]:
        def send() -> None:
            pass

        return send

    plugin.job(make())
    plugin.job(make())

    (fault,) = faults(plugin)

    assert fault.count("tests/scenes/test_jobs.py:") == 2
    assert "both jobs are called 'orders.send': rename one of them" in fault


def test_one_function_as_a_job_of_two_plugins_is_refused(faults: Faults) -> None:
    first, second = Plugin("first"), Plugin("second")
    first.job(notify)
    second.job(notify)

    (fault,) = faults(first, second)

    assert "the function is first.notify and second.notify: remove one of the lines" in fault


@pytest.mark.parametrize("function", [lambda: None, functools.partial(notify), "text", 5])
def test_job_without_a_name_is_refused(function: Any, faults: Faults) -> None:
    plugin = Plugin("orders")
    plugin.job(function)

    (fault,) = faults(plugin)

    assert fault.endswith("job: it has no name: write a function (def)")


def test_name_that_no_row_has_room_for_is_refused(faults: Faults) -> None:
    plugin = Plugin("o" * 64)

    def send() -> None:
        pass

    send.__name__ = "s" * 64
    plugin.job(send)

    (fault,) = faults(plugin)

    assert "is longer than 128 characters: choose a shorter one" in fault


@pytest.mark.parametrize("name", ["wxbot", "channels"])
def test_name_of_our_own_jobs_and_answers_is_taken(faults: Faults, name: str) -> None:
    (fault,) = faults(Plugin(name))

    assert f"the name {name!r} is taken: call the plugin something else" in fault


def test_broken_job_leaves_its_plugin_out(build: Build) -> None:
    broken, whole = Plugin("broken"), Plugin("whole")
    broken.job(with_event)
    broken.on_scan(lambda scan: None)
    whole.job(notify)

    registry = build(broken, whole, on_error="skip")

    assert [plugin.name for plugin in registry.plugins] == ["whole"]
    assert registry.job("broken.with_event") is None
    assert registry.job_name(notify) == "whole.notify"


def test_job_comes_too_late_for_a_mounted_plugin(build: Build) -> None:
    plugin = Plugin("orders")
    build(plugin)

    with pytest.raises(PluginError, match="too late for plugin 'orders'"):
        plugin.job(notify)


def test_jobs_and_observers_are_listed_behind_the_answers(build: Build) -> None:
    orders, other = Plugin("orders"), Plugin("other")
    orders.scene("x")(lambda scan: "")
    orders.job(notify)

    @orders.on_scan
    def count(scan: object) -> None:
        pass

    other.job(jobs_of)
    registry = build(orders, other, accounts={"default": ["orders"], "second": []})

    listed = registry.background("default")

    assert [(each.kind, each.rule, each.handler) for each in listed] == [
        ("observer", "", "orders.count"),
        ("job", "order_id, times", "orders.notify"),
    ]
    assert [each.handler for each in registry.background("second")][-1] == "other.jobs_of"
    assert len(registry.routes("default")) == 1
