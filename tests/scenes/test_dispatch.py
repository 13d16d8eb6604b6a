"""From what a handler returns to an outcome; and jobs, whose errors belong to their worker."""

import logging
import os
import re
from collections.abc import Callable
from typing import Any

import pytest

from wxbot.errors import WxbotError
from wxbot.outcome import Status
from wxbot.scenes.dispatch import AccountTexts, Dispatcher, Texts, current_registry
from wxbot.scenes.handler import PASS
from wxbot.scenes.plugin import Plugin
from wxbot.scenes.registry import Registry
from wxbot.wechat.events import Event, Scan
from wxbot.wechat.replies import ACK, Text, Transfer

Build = Callable[..., Registry]


@pytest.fixture
def dispatcher(build: Build) -> Callable[..., Dispatcher]:
    """Return what makes a dispatcher for plugins."""
    texts = AccountTexts(
        fallback=Text("fallback"), interim=Text("interim"), recorded=Text("recorded"), welcome=Text("welcome")
    )
    return lambda *plugins: Dispatcher(build(*plugins), Texts({"default": texts}))


def answering(value: object) -> Plugin:
    """Return a plugin that returns this value for the scene `x`, for clicks and when somebody unfollows."""
    plugin = Plugin("shop")

    def answer(event: object) -> object:
        return value

    for decorate in (plugin.scene("x"), plugin.event("seen"), plugin.on_unfollow):
        decorate(answer)
    return plugin


def dispatch(dispatcher: Dispatcher, event: Any, run: Any) -> Any:
    """Return the outcome of an event."""
    return dispatcher.dispatch(event, dispatcher.find(event), run)


def test_list_is_an_answer_and_what_follows_it(dispatcher: Any, ailin: Any, run: Any) -> None:
    bot = dispatcher(answering(["first", "second", Text("third")]))

    outcome = dispatch(bot, ailin.scan("x"), run)

    assert (outcome.status, outcome.reply) == (Status.HANDLED, Text("first"))
    assert outcome.more == (Text("second"), Text("third"))


def test_what_cannot_be_sent_is_left_out_and_logged(
    dispatcher: Any, ailin: Any, run: Any, caplog: pytest.LogCaptureFixture
) -> None:
    bot = dispatcher(answering(["first", " ", Transfer(), "fourth"]))

    with caplog.at_level(logging.WARNING):
        outcome = dispatch(bot, ailin.scan("x"), run)

    assert (outcome.reply, outcome.more) == (Text("first"), (Text("fourth"),))
    logged = [record.getMessage() for record in caplog.records]
    assert all(text.startswith("handler shop.answer (tests/scenes/test_dispatch.py:") for text in logged)
    assert [text.partition("left out ")[2][:20] for text in logged] == [
        "item 2: Text.content",
        "item 3: a Transfer c",
    ]


@pytest.mark.parametrize("value", [[], [" ", "second"], [None, "second"], [["first"]]])
def test_list_without_an_answer_is_no_reply(value: object, dispatcher: Any, ailin: Any, run: Any) -> None:
    outcome = dispatch(dispatcher(answering(value)), ailin.scan("x"), run)

    assert (outcome.status, outcome.reply, outcome.more) == (Status.FAILED, Text("fallback"), ())


def test_list_of_an_error_handler_counts_too(dispatcher: Any, ailin: Any, run: Any) -> None:
    plugin = Plugin("shop")

    @plugin.scene("x")
    def fail(scan: Scan) -> str:
        raise LookupError

    plugin.errorhandler(LookupError)(lambda scan, error: ["sorry", "and more"])

    outcome = dispatch(dispatcher(plugin), ailin.scan("x"), run)

    assert (outcome.reply, outcome.more) == (Text("sorry"), (Text("and more"),))


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (LookupError, ""),
        (KeyError, ""),
        (ValueError, "shop.fail: ValueError"),
        (Exception, "shop.fail: Exception"),
    ],
)
def test_what_only_a_handler_for_everything_takes_has_failed(
    error: type[Exception],
    detail: str,
    dispatcher: Any,
    ailin: Any,
    run: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    plugin = Plugin("shop")

    @plugin.scene("x")
    def fail(scan: Scan) -> str:
        raise error

    plugin.errorhandler(LookupError)(lambda scan, error: "sorry")
    plugin.errorhandler(Exception)(lambda scan, error: ["sorry", "and more"])

    outcome = dispatch(dispatcher(plugin), ailin.scan("x"), run)

    assert (outcome.reply, outcome.handler) == (Text("sorry"), "shop.fail")
    assert (outcome.status, outcome.detail) == (Status.FAILED if detail else Status.HANDLED, detail)
    assert outcome.more == ((Text("and more"),) if detail else ())
    assert ("Traceback" in caplog.text) == bool(detail)


def test_fallback_whose_error_a_handler_for_everything_takes_has_failed(
    dispatcher: Any, ailin: Any, run: Any
) -> None:
    plugin = Plugin("shop", prefix="s:")

    @plugin.fallback
    def fail(scan: Scan) -> str:
        raise ValueError

    plugin.errorhandler(Exception)(lambda scan, error: "sorry")

    outcome = dispatch(dispatcher(plugin), ailin.scan("s:x"), run)

    assert (outcome.status, outcome.reply) == (Status.FAILED, Text("sorry"))
    assert outcome.detail == "shop.fail: ValueError"


def test_event_that_waits_for_nothing_may_be_answered_by_a_list(
    dispatcher: Any, ailin: Any, run: Any
) -> None:
    bot = dispatcher(answering(["first", "second"]))

    seen, left = (dispatch(bot, event, run) for event in (ailin.unknown("seen"), ailin.unfollow()))

    assert (seen.reply, seen.more) == (Text("first"), (Text("second"),))
    assert (left.reply, left.more) == (ACK, ())


def test_handler_defers_what_its_run_enqueues(dispatcher: Any, ailin: Any, run: Any) -> None:
    plugin = Plugin("shop")

    @plugin.job
    def notify(order_id: str) -> None:
        pass

    @plugin.scene("x")
    def order(scan: Scan, defer: Any) -> str:
        defer(notify, order_id="5")
        return "ordered"

    outcome = dispatch(dispatcher(plugin), ailin.scan("x"), run)

    assert outcome.reply == Text("ordered")
    assert run.deferred == [("notify", {"order_id": "5"})]


def test_job_runs_with_its_registry_at_hand(dispatcher: Any, run: Any) -> None:
    plugin = Plugin("shop")
    scenes: list[str] = []
    plugin.scene("order:<int:number>")(lambda scan: "")

    @plugin.job
    def notify(number: int) -> None:
        scenes.append(current_registry.get().scene_for("shop.<lambda>", number=number))

    bot = dispatcher(plugin)
    job = bot.registry.job("shop.notify")

    bot.run_job(job, {"number": 5}, context=run)

    assert scenes == ["order:5"]
    assert bot.runs["shop.notify"] == 1


def test_observer_runs_with_its_scan(dispatcher: Any, ailin: Any, run: Any) -> None:
    plugin = Plugin("shop")
    seen: list[str] = []

    @plugin.on_scan
    def count(scan: Scan) -> None:
        seen.append(scan.scene)

    bot = dispatcher(plugin)
    (observer,) = bot.registry.observers("default")

    bot.run_observer(observer, ailin.scan("x"), context=run)

    assert seen == ["x"]
    assert bot.runs["shop.count"] == 1


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_job_cannot_end_its_worker(error: type[BaseException], dispatcher: Any, run: Any) -> None:
    plugin = Plugin("shop")

    @plugin.job
    def leave() -> None:
        raise error

    bot = dispatcher(plugin)

    with pytest.raises(WxbotError, match=f"shop.leave ended with {error.__name__}"):
        bot.run_job(bot.registry.job("shop.leave"), {}, context=run)


def test_error_of_a_job_is_its_workers(dispatcher: Any, run: Any) -> None:
    plugin = Plugin("shop")

    @plugin.job
    def fail() -> None:
        raise LookupError("gone")

    bot = dispatcher(plugin)

    with pytest.raises(LookupError, match="gone"):
        bot.run_job(bot.registry.job("shop.fail"), {}, context=run)


@pytest.mark.parametrize(
    ("ahead", "told"),
    [
        (PASS, (Status.HANDLED, Text("exactly"), "codes.exactly")),
        ("mine", (Status.HANDLED, Text("mine"), "codes.ahead")),
        (None, (Status.FAILED, Text("fallback"), "codes.ahead")),
    ],
    ids=["passes", "answers", "fails"],
)
def test_only_who_passes_leaves_a_text_to_others(
    ahead: object, told: tuple[Status, Text, str], dispatcher: Any, ailin: Any, run: Any
) -> None:
    plugin = Plugin("codes")

    @plugin.text("42", is_ahead=True)
    def first(event: Event) -> object:
        return ahead

    first.__name__ = "ahead"

    @plugin.text("42")
    def exactly(event: Event) -> str:
        return "exactly"

    bot = dispatcher(plugin)

    outcome = dispatch(bot, ailin.text("42"), run)

    assert (outcome.status, outcome.reply, outcome.handler) == told
    assert bot.runs["codes.exactly"] == (ahead is PASS)


def test_a_text_that_all_pass_gets_the_fallback(dispatcher: Any, ailin: Any, run: Any) -> None:
    plugin = Plugin("codes")
    plugin.text("42", is_ahead=True)(answer_pass)

    outcome = dispatch(dispatcher(plugin), ailin.text("42"), run)

    assert (outcome.status, outcome.reply) == (Status.UNMATCHED, Text("fallback"))


@pytest.mark.parametrize(
    ("decorate", "happen"),
    [
        (lambda plugin: plugin.text("42"), lambda ailin: ailin.text("42")),
        (lambda plugin: plugin.message("text"), lambda ailin: ailin.text("42")),
        (lambda plugin: plugin.click("KEY"), lambda ailin: ailin.click("KEY")),
        (lambda plugin: plugin.scene("x"), lambda ailin: ailin.scan("x")),
        (lambda plugin: plugin.fallback, lambda ailin: ailin.scan("x")),
    ],
    ids=["text", "any text", "click", "scan", "fallback"],
)
def test_who_is_not_ahead_cannot_pass(
    decorate: Callable[[Plugin], Callable[..., object]],
    happen: Callable[[Any], Event],
    dispatcher: Any,
    ailin: Any,
    run: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    plugin = Plugin("codes")
    decorate(plugin)(answer_pass)
    plugin.text(re.compile("4."), is_ahead=True)(answer_pass)

    outcome = dispatch(dispatcher(plugin), happen(ailin), run)

    assert (outcome.status, outcome.reply) == (Status.FAILED, Text("fallback"))
    assert outcome.detail == "codes.answer_pass: PASS is for @plugin.text(..., is_ahead=True) alone"
    (line,) = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert line.startswith("handler codes.answer_pass (tests/scenes/test_dispatch.py:")
    assert line.endswith(" gave no reply: PASS is for @plugin.text(..., is_ahead=True) alone")


def answer_pass(event: Event) -> object:
    """Leave an event to others."""
    return PASS


def test_no_part_of_an_openid_is_left_where_an_error_is_clipped(
    dispatcher: Any, ailin: Any, run: Any, caplog: pytest.LogCaptureFixture
) -> None:
    plugin = Plugin("shop")

    @plugin.scene("x")
    def fail(scan: Scan) -> str:
        raise RuntimeError("x" * 295 + scan.openid)

    scan = ailin.scan("x")
    dispatch(dispatcher(plugin), scan, run)

    shown = caplog.text.partition("RuntimeError: ")[2].split()[0]
    assert shown == "x" * 295 + "<openid>"[:5]


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("fails", [True, False])
def test_process_that_a_handler_forks_ends_with_it(
    dispatcher: Any, ailin: Any, run: Any, fails: bool
) -> None:
    plugin, process, children = Plugin("shop"), os.getpid(), set()

    @plugin.scene("x")
    def fork(scan: Scan) -> str:
        children.add(os.fork())
        if fails:
            raise LookupError
        return "answer"

    outcome = dispatch(dispatcher(plugin), ailin.scan("x"), run)
    if os.getpid() != process:
        os._exit(1)

    assert outcome.reply == Text("fallback" if fails else "answer")
    assert [os.waitpid(child, 0)[1] for child in children] == [0]
