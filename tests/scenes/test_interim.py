"""Handlers that may be slow: what is read first, and what only they may ask for."""

from collections.abc import Callable
from typing import Any

import pytest

from wxbot.scenes.plugin import Plugin
from wxbot.scenes.registry import Registry
from wxbot.wechat.api import ApiClient
from wxbot.wechat.events import Scan
from wxbot.wechat.replies import Article, Image, News, Text, Transfer

Build = Callable[..., Registry]
Faults = Callable[..., tuple[str, ...]]


def answer(event: object) -> str:
    """Answer, some time."""
    return "done"


@pytest.mark.parametrize(
    ("decorate", "happen"),
    [
        (lambda plugin, **given: plugin.scene("x", **given), lambda ailin: ailin.scan("x")),
        (lambda plugin, **given: plugin.text("x", **given), lambda ailin: ailin.text("x")),
        (lambda plugin, **given: plugin.click("x", **given), lambda ailin: ailin.click("x")),
        (lambda plugin, **given: plugin.message("image", **given), lambda ailin: ailin.image()),
    ],
)
def test_event_with_an_interim_reply_is_claimed(
    decorate: Callable[..., Any], happen: Callable[[Any], Any], build: Build, ailin: Any
) -> None:
    slow, quick = Plugin("slow"), Plugin("quick")
    decorate(slow, interim="稍候…")(answer)
    decorate(quick)(answer)

    slowly, quickly = (build(plugin).find(happen(ailin)) for plugin in (slow, quick))

    assert (slowly.interim, slowly.is_claimed) == (Text("稍候…"), True)
    assert (quickly.interim, quickly.is_claimed) == (None, False)


@pytest.mark.parametrize("interim", [Text("t"), Image("m"), News([Article("one")])])
def test_interim_may_be_a_reply(build: Build, ailin: Any, interim: Any) -> None:
    plugin = Plugin("slow")
    plugin.scene("x", interim=interim)(answer)

    assert build(plugin).find(ailin.scan("x")).interim == interim


def test_nobody_has_no_interim(build: Build, ailin: Any) -> None:
    assert build(Plugin("none")).find(ailin.scan("x")).interim is None


@pytest.mark.parametrize(
    ("interim", "reason"),
    [
        (" ", "Text.content must not be blank"),
        (5, "int is none"),
        ([Text("a")], "list is none"),
        (Transfer(), "Transfer is none"),
        (News([Article("one"), Article("two")]), "News with 2 articles"),
    ],
)
def test_unusable_interim_is_refused(interim: Any, reason: str, faults: Faults) -> None:
    plugin = Plugin("slow")
    plugin.scene("x", interim=interim)(answer)

    (fault,) = faults(plugin)

    line = answer.__code__.co_firstlineno
    assert fault.startswith(f"tests/scenes/test_interim.py:{line}: scene 'x': interim= cannot be shown: ")
    assert reason in fault


def test_rules_of_one_function_with_different_interims_are_refused(faults: Faults) -> None:
    plugin = Plugin("slow")
    plugin.scene("x", interim="稍候…")(plugin.scene("y")(answer))

    (fault,) = faults(plugin)

    assert "handler answer: its rules differ in interim=: give all of them the same" in fault


def test_slow_handler_is_given_the_api(build: Build, ailin: Any, run: Any) -> None:
    plugin = Plugin("slow")
    given: list[object] = []

    @plugin.scene("x", interim="稍候…")
    def ask(scan: Scan, wechat: ApiClient) -> str:
        given.append(wechat)
        return "done"

    scan = ailin.scan("x")
    match = build(plugin).find(scan)
    assert match.handler is not None

    assert match.handler.call(scan, match.values, context=run) == "done"
    assert given == [run.wechat()]


@pytest.mark.parametrize(
    "decorate",
    [
        lambda plugin: plugin.scene("x"),
        lambda plugin: plugin.on_follow,
        lambda plugin: plugin.fallback,
        lambda plugin: lambda function: plugin.scene("x", interim="…")(plugin.fallback(function)),
    ],
)
def test_network_call_on_the_answer_path_is_refused(decorate: Callable[..., Any], faults: Faults) -> None:
    plugin = Plugin("quick")

    def ask(event: object, wechat: ApiClient) -> str:
        return "too late"

    decorate(plugin)(ask)

    fault = faults(plugin)[0]

    assert "handler ask: 'wechat' is a network call, and the person waits" in fault
    assert "@plugin.job" in fault


def test_network_call_through_a_provider_is_refused(faults: Faults) -> None:
    plugin = Plugin("quick")
    plugin.provide("nickname")(lambda wechat: "")
    plugin.scene("x")(lambda scan, nickname: "")

    (fault,) = faults(plugin)

    assert "'nickname' is provided with the help of 'wechat', which is a network call" in fault


def test_network_call_in_an_error_handler_is_refused(faults: Faults) -> None:
    plugin = Plugin("slow")
    plugin.scene("x", interim="…")(answer)
    plugin.errorhandler(KeyError)(lambda scan, error, wechat: "")

    (fault,) = faults(plugin)

    assert "'wechat' is a network call, and the person waits: do it in a job" in fault


def test_key_of_a_handler_is_that_of_its_event(faults: Faults) -> None:
    plugin = Plugin("quick")
    plugin.scene("x")(lambda scan, key: "")

    (fault,) = faults(plugin)

    assert "'key' is for jobs and observers: take the key of the event" in fault


@pytest.mark.parametrize("provided", [False, True])
def test_handler_that_defers_is_claimed(provided: bool, build: Build, ailin: Any) -> None:
    plugin = Plugin("orders")
    plugin.provide("enqueue")(lambda defer: defer)
    plugin.scene("x")((lambda scan, enqueue: "") if provided else (lambda scan, defer: ""))

    match = build(plugin).find(ailin.scan("x"))

    assert match.handler is not None
    assert match.is_claimed
