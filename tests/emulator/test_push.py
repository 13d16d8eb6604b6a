"""Five seconds, three attempts, one event: how a push is delivered and delivered again."""

import socket
import threading
import time as real_time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from flask import Flask, Response, redirect, request

from wxbot.emulator import wire
from wxbot.emulator.clock import Clock
from wxbot.emulator.push import Pusher, PushResponse, over_http
from wxbot.emulator.rules import NEW_FAULT_NOTICE, Rules, Trouble
from wxbot.emulator.threaded import Running
from wxbot.emulator.wire import Sender

MakeSender = Callable[..., Sender]
Write = Callable[..., bytes]
URL = "http://bot.example/wechat"
SCAN = wire.scan("oXXX", 1668926536, scene="vip", ticket="gQT")
DOWN = PushResponse(status=500, body=b"")
HELLO = "<MsgType>text</MsgType><Content>hello</Content>"


@pytest.fixture
def pusher(callback: Any, time: Any) -> Callable[..., Pusher]:
    """Make a pusher to the scripted callback, under the given rules; its slowness takes no time."""

    def make(*, sleep: Callable[[float], None] = lambda _: None, **rules: Any) -> Pusher:
        made = Rules(**rules)

        def post(*sent: Any) -> PushResponse:
            time.seconds += 1
            answer: PushResponse = callback.post(*sent)
            return answer

        return Pusher(
            post=post,
            rules=lambda: made,
            platform_clock=Clock(lambda: time.seconds),
            sleep=sleep,
        )

    return make


@pytest.fixture
def bot() -> Iterator[tuple[Running, list[Any]]]:
    """A callback on a real port that keeps what it received; its path decides how it behaves."""
    app, seen, is_over = Flask("bot"), [], threading.Event()

    @app.route("/<behaviour>", methods=["GET", "POST"])
    def answer(behaviour: str) -> Any:
        seen.append(
            (request.method, list(request.headers), request.query_string.decode(), request.get_data())
        )
        if behaviour == "slow":
            is_over.wait(60)
        if behaviour == "moved":
            return redirect("/good", 308)
        return request.args.get("echostr", "success")

    with Running(app) as running:
        yield running, seen
        is_over.set()


def test_answered_push_is_delivered_once(
    pusher: Callable[..., Pusher], callback: Any, sender: MakeSender, reply: Write
) -> None:
    callback.answers = [reply(HELLO)]

    delivery = pusher().send(SCAN, sender(), url=URL)

    assert len(callback.requests) == 1
    assert delivery.bubble is not None
    assert delivery.bubble.text == "hello"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (TimeoutError(), "timeout"),
        (ConnectionRefusedError(), "refused"),
        (PushResponse(status=500, body=b"oops"), "status"),
        (PushResponse(status=200, body=b"success", seconds=5.01), "timeout"),
    ],
)
def test_failed_push_is_tried_three_times_then_the_notice_comes(
    pusher: Callable[..., Pusher], callback: Any, sender: MakeSender, answer: Any, reason: str
) -> None:
    callback.answers = [answer]

    delivery = pusher().send(SCAN, sender(), url=URL)

    assert [exchange.attempt for exchange in delivery.exchanges] == [1, 2, 3]
    assert {exchange.verdict.reason for exchange in delivery.exchanges} == {reason}
    assert [exchange.verdict.bubble for exchange in delivery.exchanges[:2]] == [None, None]
    assert delivery.bubble is not None
    assert (delivery.bubble.kind, delivery.bubble.text) == ("fault", NEW_FAULT_NOTICE)


def test_retries_carry_the_same_event_under_a_new_signature(
    pusher: Callable[..., Pusher], callback: Any, sender: MakeSender
) -> None:
    callback.answers = [TimeoutError()]

    pusher().send(SCAN, sender(), url=URL)

    queries = [parse_qs(sent.query) for sent in callback.requests]
    assert len({sent.body for sent in callback.requests}) == 1
    assert b"<CreateTime>1668926536</CreateTime>" in callback.requests[0].body
    assert [query["timestamp"] for query in queries] == [["1668926536"], ["1668926537"], ["1668926538"]]
    assert len({query["nonce"][0] for query in queries}) == 3
    assert len({query["signature"][0] for query in queries}) == 3


def test_retries_of_a_message_keep_its_msg_id(
    pusher: Callable[..., Pusher], callback: Any, sender: MakeSender
) -> None:
    callback.answers = [TimeoutError()]

    pusher().send(wire.text("oXXX", 1668926536, content="hi", msg_id=24000000000000007), sender(), url=URL)

    assert all(b"<MsgId>24000000000000007</MsgId>" in sent.body for sent in callback.requests)


def test_retries_can_keep_their_signature(
    pusher: Callable[..., Pusher], callback: Any, sender: MakeSender
) -> None:
    callback.answers = [TimeoutError()]

    pusher(fresh_retries=False).send(SCAN, sender("safe"), url=URL)

    assert len({(sent.query, sent.body) for sent in callback.requests}) == 1


@pytest.mark.parametrize(
    ("answer", "rules", "slept"),
    [
        (ConnectionRefusedError(), {}, []),
        (ConnectionRefusedError(), {"retry_spacing_seconds": 7}, [7, 7]),
        (PushResponse(status=503, body=b"", seconds=2), {"retry_spacing_seconds": 7}, [5, 5]),
        (PushResponse(status=200, body=b"", seconds=9), {"retry_spacing_seconds": 7}, [2, 2]),
        (PushResponse(status=200, body=b"", seconds=9), {"retry_spacing_seconds": 4}, []),
        (b"success", {"retry_spacing_seconds": 7}, []),
        (b"<html>", {"retry_spacing_seconds": 7}, []),
    ],
)
def test_retries_come_at_their_time(
    pusher: Callable[..., Pusher],
    callback: Any,
    sender: MakeSender,
    slept: list[float],
    *,
    answer: Any,
    rules: dict[str, float],
) -> None:
    callback.answers = [answer]
    sleeps: list[float] = []

    pusher(sleep=sleeps.append, **rules).send(SCAN, sender(), url=URL, repeats=1)

    assert sleeps == pytest.approx(slept, abs=1.5)


def test_retries_are_dated_after_their_wait(
    pusher: Callable[..., Pusher], callback: Any, sender: MakeSender, time: Any
) -> None:
    callback.answers = [PushResponse(status=500, body=b"", seconds=1)]

    def sleep(seconds: float) -> None:
        time.seconds += seconds

    pusher(sleep=sleep, retry_spacing_seconds=5).send(SCAN, sender(), url=URL)

    queries = [parse_qs(sent.query) for sent in callback.requests]
    assert [query["timestamp"] for query in queries] == [["1668926536"], ["1668926541"], ["1668926546"]]


def test_second_attempt_that_succeeds_ends_the_matter(
    pusher: Callable[..., Pusher], callback: Any, sender: MakeSender, reply: Write
) -> None:
    callback.answers = [TimeoutError(), reply(HELLO)]

    delivery = pusher().send(SCAN, sender(), url=URL)

    assert [exchange.verdict.outcome for exchange in delivery.exchanges] == ["failed", "shown"]


def test_broken_answer_brings_the_notice_without_another_try(
    pusher: Callable[..., Pusher], callback: Any, sender: MakeSender
) -> None:
    callback.answers = [b"<html>"]

    delivery = pusher().send(SCAN, sender(), url=URL)

    assert len(delivery.exchanges) == 1
    assert delivery.bubble is not None
    assert delivery.bubble.kind == "fault"


def test_who_has_unfollowed_gets_no_notice(
    pusher: Callable[..., Pusher], callback: Any, sender: MakeSender
) -> None:
    callback.answers = [TimeoutError()]

    delivery = pusher().send(wire.unfollow("oXXX", 1668926536), sender(), url=URL)

    assert len(delivery.exchanges) == 3
    assert delivery.bubble is None


def test_repeats_follow_an_answer_and_are_compared_with_it(
    pusher: Callable[..., Pusher], callback: Any, sender: MakeSender, reply: Write
) -> None:
    other = reply("<MsgType>text</MsgType><Content>other</Content>")
    callback.answers = [reply(HELLO), reply(HELLO), other]

    once = pusher().send(SCAN, sender(), url=URL, repeats=1)
    twice = pusher().send(SCAN, sender(), url=URL, repeats=1)

    assert [exchange.is_repeat for exchange in once.exchanges] == [False, True]
    assert once.repeats_agree()
    assert twice.repeats_agree()
    callback.answers = [reply(HELLO), other]
    assert not pusher().send(SCAN, sender(), url=URL, repeats=1).repeats_agree()


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        pytest.param(b"success", b"success", True, id="acknowledged"),
        pytest.param(b"success", DOWN, False, id="then-failed"),
        pytest.param(DOWN, DOWN, False, id="failed"),
        pytest.param(DOWN, b"success", False, id="failed-at-first"),
        pytest.param(b"<html>", b"<html>", True, id="broken"),
        pytest.param(b"<html>", b"success", False, id="broken-at-first"),
        pytest.param(b"success", b"<html>", False, id="then-broken"),
        pytest.param(b"success", TimeoutError(), False, id="then-late"),
    ],
)
def test_repeat_is_the_same_when_the_platform_makes_the_same_of_it(
    pusher: Callable[..., Pusher],
    callback: Any,
    sender: MakeSender,
    *,
    first: Any,
    second: Any,
    is_same: bool,
) -> None:
    pushing, attempts = pusher(), 3 if first is DOWN else 1
    callback.answers = [*[first] * attempts, second]

    delivery = pushing.send(SCAN, sender(), url=URL, repeats=1)

    assert delivery.repeats_agree() is is_same


def test_lost_answer_is_a_failure_although_the_bot_answered(
    pusher: Callable[..., Pusher], callback: Any, sender: MakeSender, reply: Write
) -> None:
    callback.answers = [reply(HELLO)]

    exchanges = list(pusher().attempts(SCAN, sender(), url=URL, trouble=Trouble(lost_answers=1)))

    assert [exchange.verdict.reason for exchange in exchanges] == ["lost", ""]
    assert "hello" in exchanges[0].reply_xml


def test_slow_network_adds_to_the_time_of_the_answer(
    pusher: Callable[..., Pusher], sender: MakeSender
) -> None:
    fine = list(pusher().attempts(SCAN, sender(), url=URL, trouble=Trouble(slow_seconds=4)))
    late = list(pusher().attempts(SCAN, sender(), url=URL, trouble=Trouble(slow_seconds=6)))

    assert [exchange.verdict.outcome for exchange in fine] == ["nothing"]
    assert [exchange.verdict.reason for exchange in late] == ["timeout"] * 3


def test_push_over_http_has_the_recorded_headers(bot: Any, sender: MakeSender) -> None:
    running, seen = bot

    delivery = Pusher().send(SCAN, sender(), url=f"{running.url}/good?shop=1")

    method, headers, query, body = seen[0]
    assert method == "POST"
    assert sorted(headers) == [
        ("Accept", "*/*"),
        ("Connection", "close"),
        ("Content-Length", str(len(body))),
        ("Content-Type", "text/xml"),
        ("Host", running.url.removeprefix("http://")),
        ("Pragma", "no-cache"),
        ("User-Agent", "Mozilla/4.0"),
    ]
    assert query.startswith("shop=1&signature=")
    assert body == wire.document(SCAN, "gh_xxx").encode()
    assert delivery.exchanges[0].status == 200


def test_answer_after_the_limit_counts_as_none(bot: Any, sender: MakeSender) -> None:
    running, seen = bot
    pusher = Pusher(rules=lambda: Rules(timeout_seconds=0.15))

    delivery = pusher.send(SCAN, sender(), url=f"{running.url}/slow")

    give_up_at = real_time.monotonic() + 60
    while len(seen) < 3 and real_time.monotonic() < give_up_at:
        real_time.sleep(0.01)  # nobody has waited until the bot had read what was sent
    assert len(seen) == 3
    assert [exchange.status for exchange in delivery.exchanges] == [None, None, None]
    assert {exchange.verdict.reason for exchange in delivery.exchanges} == {"timeout"}
    assert all(0.15 <= exchange.seconds < 10 for exchange in delivery.exchanges)


def test_redirect_is_not_followed(bot: Any, sender: MakeSender) -> None:
    running, seen = bot

    delivery = Pusher().send(SCAN, sender(), url=f"{running.url}/moved")

    assert len(seen) == 3
    assert delivery.exchanges[0].verdict.detail == "308"


def test_closed_port_is_refused(sender: MakeSender) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/wechat"

        delivery = Pusher().send(SCAN, sender(), url=url)

    assert {exchange.verdict.reason for exchange in delivery.exchanges} == {"refused"}


def test_verification_asks_with_nineteen_digits(bot: Any, sender: MakeSender) -> None:
    running, seen = bot

    result = Pusher().verify(sender("safe"), url=f"{running.url}/good")

    method, _, query, body = seen[0]
    echostr = parse_qs(query)["echostr"][0]
    assert (method, body) == ("GET", b"")
    assert (len(echostr), echostr.isdecimal()) == (19, True)
    assert set(parse_qs(query)) == {"signature", "echostr", "timestamp", "nonce"}
    assert result.is_verified


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"success", "echostr"),
        (b"", "echostr"),
        (PushResponse(status=403, body=b"forbidden\n"), "status"),
        (PushResponse(status=200, body=b"", seconds=6), "timeout"),
        (TimeoutError(), "timeout"),
        (ConnectionError(), "refused"),
    ],
)
def test_verification_names_what_is_wrong(
    callback: Any, sender: MakeSender, answer: Any, reason: str
) -> None:
    callback.answers = [answer]

    result = Pusher(post=callback.post).verify(sender(), url=URL)

    assert (result.is_verified, result.reason) == (False, reason)


def test_endless_answer_is_given_up(sender: MakeSender) -> None:
    app = Flask("endless")

    @app.post("/wechat")
    def endless() -> Any:
        return b"x" * (1 << 21)

    with Running(app) as running, pytest.raises(ConnectionError, match="does not end"):
        over_http(5.0)(f"{running.url}/wechat", "a=b", b"<xml/>", {})


@pytest.mark.parametrize("whole", ["x" * (1 << 21), ""], ids=["endless", "short"])
def test_answer_that_is_cut_off_came_from_somewhere(sender: MakeSender, whole: str) -> None:
    app = Flask("broken")

    @app.route("/wechat", methods=["GET", "POST"])
    def broken() -> Response:
        request.get_data()  # what is left of it would reset the connection
        return Response(iter([whole or "<xml>"]), headers={} if whole else {"Content-Length": "60"})

    with Running(app) as running:
        pushed = Pusher(rules=lambda: Rules(attempts=1)).send(SCAN, sender(), url=f"{running.url}/wechat")
        verified = Pusher().verify(sender(), url=f"{running.url}/wechat")

    assert [each.verdict.reason for each in pushed.exchanges] == ["cut_off"]
    assert (verified.is_verified, verified.reason) == (False, "cut_off")


@pytest.mark.parametrize("host", ["a..b", f"{'a' * 64}.example"])
def test_name_that_no_host_can_have_cannot_be_reached(sender: MakeSender, host: str) -> None:
    verified = Pusher().verify(sender(), url=f"http://{host}/wechat")

    assert (verified.is_verified, verified.reason) == (False, "refused")
