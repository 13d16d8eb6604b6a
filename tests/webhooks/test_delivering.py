"""What happened reaches the site: signed, surely, at least once, whatever the site does."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from sqlalchemy import Engine, update

from tests.webhooks import receiver
from tests.webhooks.conftest import Post
from tests.webhooks.receiver import Receiver, say
from wxbot.db.business import webhook_attempts, webhook_deliveries
from wxbot.db.models import jobs
from wxbot.webhooks.deliveries import revive
from wxbot.webhooks.delivering import DELAYS_SECONDS, LONGEST_SECONDS, MOST_ATTEMPTS, delay_after
from wxbot.webhooks.publishing import News


def test_site_gets_what_its_library_verifies(post: Post, site: Receiver) -> None:
    made = post.add(site.url, "follow")

    [id] = post.publish("follow", number=7)
    post.work()

    [request] = site.requests
    said = request.opened(made.secret)
    assert (said["type"], said["data"]) == ("follow", {"account": "default", "number": 7})
    assert said["timestamp"].endswith("Z") and len(said["timestamp"]) == 20
    assert request.line == "POST /hooks?shop=1 HTTP/1.1"
    assert request.id == f"msg_{id.hex()}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("wxbot/")
    assert request.headers["host"] == f"127.0.0.1:{site.port}"
    delivery = post.delivery(id)
    assert (delivery.state, delivery.attempts) == ("delivered", 1)
    assert post.job(id).state == "done"
    assert [(each.number, each.status, each.detail) for each in post.attempts(id)] == [(1, 200, None)]


def test_signature_covers_the_bytes_that_are_sent(post: Post, site: Receiver) -> None:
    made = post.add(site.url)

    post.publish("message", number="漢字 \U0001f600 \\ \u2028 \ud800")
    post.work()

    [request] = site.requests
    assert request.opened(made.secret)["data"]["number"] == "漢字 \U0001f600 \\ \u2028 \ud800"
    assert request.body.isascii()
    with pytest.raises(Exception, match="No matching signature"):
        receiver.Request(request.line, request.headers, request.body + b" ").opened(made.secret)


def test_nothing_is_written_when_nobody_wants_it(post: Post, site: Receiver) -> None:
    post.add(site.url, "follow")
    post.add(site.url, "scan", account="other")
    disabled = post.add(site.url, "scan").webhook
    post.hooks.webhooks.disable(disabled.id, "holidays")

    assert post.publish("scan") == []
    assert post.deliveries() == [] and post.work() == 0


def test_everybody_who_wants_it_is_told(post: Post, start_site: Callable[..., Receiver]) -> None:
    all_accounts, one_account, other = start_site(), start_site(), start_site()
    secrets = [post.add(all_accounts.url).secret, post.add(one_account.url, account="shop").secret]
    post.add(other.url, account="default")

    post.publish("scan", account="shop")
    post.work()

    for each, secret in zip((all_accounts, one_account), secrets, strict=True):
        assert [request.opened(secret)["type"] for request in each.requests] == ["scan"]
    assert other.requests == []


def test_same_key_is_told_once(post: Post, site: Receiver) -> None:
    post.add(site.url)

    first = post.publish("scan", key=b"event")
    again = post.publish("scan", key=b"event")
    other = post.publish("follow", key=b"event")
    post.work()

    assert len(first) == len(other) == 1 and again == []
    assert len(site.requests) == 2


def test_nothing_is_told_that_was_rolled_back(post: Post, site: Receiver) -> None:
    post.add(site.url)

    with post.engine.connect() as connection:
        post.hooks.publisher.tell(connection, News(account="default", kind="scan", data={}))
        connection.rollback()

    assert post.deliveries() == [] and post.work() == 0


@pytest.mark.parametrize(
    ("act", "status", "detail"),
    [
        (say(500), 500, "answered 500"),
        (say(404), 404, "answered 404"),
        (say(302, head="Location: /elsewhere\r\n"), 302, "redirects are not followed"),
        (say(199), 199, "answered 199"),
        (receiver.hang, None, "no answer within"),
        (receiver.drip_head, None, "no answer within"),
        (receiver.leave, None, "the connection broke"),
        (receiver.babble, None, "not HTTP"),
        (receiver.boast, None, "not HTTP"),
    ],
    ids=["500", "404", "302", "199", "hangs", "drips", "hangs up", "babbles", "boasts"],
)
def test_failure_is_logged_and_tried_again(
    post: Post, site: Receiver, act: receiver.Act, status: int | None, detail: str
) -> None:
    made = post.add(site.url)
    site.script.append(act)
    is_silent = act in (receiver.hang, receiver.drip_head)
    first_post = Post(post.engine, answer_seconds=0.6) if is_silent else post

    [id] = post.publish()
    first_post.work()
    failed = post.delivery(id)
    site.wait_for(1)
    post.hasten()
    post.work()

    assert (failed.state, failed.attempts) == ("waiting", 1)
    first, second = post.attempts(id)
    assert (first.status, second.status) == (status, 200)
    assert detail in (first.detail or "")
    assert post.delivery(id).state == "delivered"
    # The same message, signed anew.
    assert len({request.id for request in site.requests}) == 1
    assert len({request.body for request in site.requests}) == 1
    assert all(request.opened(made.secret) for request in site.requests)


@pytest.mark.parametrize("act", [receiver.talk, receiver.break_off, say(204, body=b"")])
def test_status_is_the_answer_whatever_comes_behind_it(
    engine: Engine, site: Receiver, act: receiver.Act
) -> None:
    assert_delivered_at_once(Post(engine, answer_seconds=5), site, act)


# What is written is the same as for the others; what drips is read to the end of the five seconds.
@pytest.mark.sqlite_only
def test_status_is_the_answer_though_its_body_drips(engine: Engine, site: Receiver) -> None:
    assert_delivered_at_once(Post(engine, answer_seconds=5), site, receiver.drip_body)


def assert_delivered_at_once(post: Post, site: Receiver, act: receiver.Act) -> None:
    """Let a site answer so, and see that it is asked once."""
    post.add(site.url)
    site.script.append(act)

    [id] = post.publish()
    post.work()

    assert post.delivery(id).state == "delivered"
    assert len(site.requests) == 1


@dataclass(frozen=True)
class Pause:
    """How long it is to the next attempt: counted from after the last one, and from before its end."""

    most: int
    least: int


def pause_of(post: Post, id: bytes) -> Pause:
    """Return the pause that follows an attempt; the seconds of a machine that stood still are in neither.

    What was left of it when somebody looked is not more than it, and what lies between the two attempts
    on record is not less.
    """
    job = post.job(id)
    return Pause(most=job.due_in, least=job.run_at - post.attempts(id)[-1].at)


def test_site_that_is_not_there_is_tried_again(post: Post, start_site: Callable[..., Receiver]) -> None:
    gone = start_site()
    gone.close()
    post.add(gone.url)

    [id] = post.publish()
    post.work()

    assert [each.detail for each in post.attempts(id)] == ["the connection was refused"]
    pause = pause_of(post, id)
    assert pause.least > 0 and pause.most <= 6


def test_attempts_follow_the_table_and_end(post: Post, site: Receiver) -> None:
    post.add(site.url)
    site.usual = say(500)

    [id] = post.publish()
    pauses = []
    for _ in range(MOST_ATTEMPTS - 1):
        post.work()
        pauses.append(pause_of(post, id))
        post.hasten()
    post.work()

    for pause, delay in zip(pauses, DELAYS_SECONDS, strict=True):
        assert delay * 0.8 - 2 <= pause.least and pause.most <= delay * 1.2 + 1
    delivery = post.delivery(id)
    assert (delivery.state, delivery.attempts, len(site.requests)) == ("dead", MOST_ATTEMPTS, MOST_ATTEMPTS)
    assert post.job(id).state == "done" and delivery.finished_at is not None
    assert 2.5 * 86_400 < sum(DELAYS_SECONDS) < 3 * 86_400


def test_pauses_are_never_the_same() -> None:
    assert delay_after(3, chance=lambda: 0.0) == pytest.approx(96)
    assert delay_after(3, chance=lambda: 1.0) == pytest.approx(144)
    assert delay_after(99, chance=lambda: 0.5) == DELAYS_SECONDS[-1]


@pytest.mark.parametrize(
    ("status", "head", "least", "most"),
    [
        (429, "Retry-After: 100\r\n", 98, 100),
        (503, "Retry-After: 100\r\n", 98, 100),
        (503, "Retry-After: 999999999999\r\n", 6 * 3600 - 2, 6 * 3600),
        (503, "Retry-After: Fri, 01 Jan 2100 00:00:00 GMT\r\n", 6 * 3600 - 2, 6 * 3600),
        (503, "Retry-After: Fri, 01 Jan 1999 00:00:00 GMT\r\n", 2, 6),
        (503, "Retry-After: soon\r\n", 2, 6),
        (503, "Retry-After: Mon, 01 Jan 99999999999 00:00:00 GMT\r\n", 2, 6),
        (503, "Retry-After: -5\r\n", 2, 6),
        (503, "Retry-After: 1\r\n", 2, 6),
        (500, "Retry-After: 100\r\n", 2, 6),
    ],
)
def test_site_may_ask_for_time_within_bounds(
    post: Post, site: Receiver, status: int, head: str, least: int, most: int
) -> None:
    post.add(site.url)
    site.usual = say(status, head=head)

    [id] = post.publish()
    post.work()

    pause = pause_of(post, id)
    assert least <= pause.least and pause.most <= most
    assert post.delivery(id).attempts == 1, "the answer is on record"


def test_410_disables_the_webhook(post: Post, site: Receiver) -> None:
    webhook = post.add(site.url).webhook
    site.usual = say(410)

    first, second = post.publish(), post.publish()
    post.work()

    found = post.hooks.webhooks.find(webhook.id)
    assert found is not None and not found.is_active and "410" in (found.disabled_because or "")
    assert len(site.requests) == 1
    assert [post.delivery(id).state for id in first + second] == ["dead", "dead"]
    assert post.publish() == []


def test_webhook_that_fails_for_days_is_disabled(post: Post, site: Receiver) -> None:
    webhook = post.add(site.url).webhook
    site.usual = say(500)
    [old] = post.publish()
    post.work()
    post.hooks.webhooks.disable(webhook.id, "holidays")
    post.hasten()
    post.work()
    post.hooks.webhooks.enable(webhook.id)
    post.shift(webhook_attempts, at=-5 * 86_400 - 60)
    [id] = post.publish()

    states = []
    for _ in range(MOST_ATTEMPTS):
        post.hasten()
        post.work()
        found = post.hooks.webhooks.find(webhook.id)
        states.append(found is not None and found.is_active)

    assert states[0] and not states[-1]
    found = post.hooks.webhooks.find(webhook.id)
    assert found is not None and "5 days" in (found.disabled_because or "")
    assert {post.delivery(each).state for each in (old, id)} == {"dead"}


def test_delivery_is_given_up_after_the_promised_time_however_few_attempts_it_had(
    post: Post, site: Receiver
) -> None:
    webhook = post.add(site.url).webhook
    site.usual = say(500)
    [id] = post.publish()
    post.work()
    post.shift(webhook_attempts, at=60 - LONGEST_SECONDS)
    post.hasten()
    post.work()
    in_time = post.delivery(id).state
    post.shift(webhook_attempts, at=-LONGEST_SECONDS)
    post.hasten()
    post.work()
    given_up = post.delivery(id)
    post.hooks.deliveries.resend(id)
    post.work()

    assert (in_time, given_up.state, given_up.attempts) == ("waiting", "dead", 3)
    assert (post.delivery(id).state, post.delivery(id).attempts) == ("waiting", 1), "it begins anew"
    found = post.hooks.webhooks.find(webhook.id)
    assert found is not None and found.is_active


def test_silent_webhook_is_disabled_although_no_delivery_has_had_many_attempts(
    post: Post, site: Receiver
) -> None:
    webhook = post.add(site.url).webhook
    site.usual = say(500)
    [tried] = post.publish()
    post.work()
    post.shift(webhook_attempts, at=-LONGEST_SECONDS)
    [young] = post.publish()
    pace = post.hooks.delivering.pace
    for _ in range(3):
        pace.leave(webhook.id, seconds=3 + pace.enter(webhook.id), is_delivered=False)
    asked = len(site.requests)

    post.hasten()
    post.work()
    first = post.hooks.webhooks.find(webhook.id)
    states = [post.delivery(each).state for each in (tried, young)]
    post.hooks.deliveries.resend(tried)
    with post.engine.begin() as connection:  # as it was before
        connection.execute(update(webhook_deliveries).values(state="waiting", attempts=1))
    post.shift(webhook_attempts, at=-5 * 86_400)
    post.hasten()
    post.work()

    assert (states, len(site.requests)) == (["dead", "waiting"], asked)
    last = post.hooks.webhooks.find(webhook.id)
    assert first is not None and first.is_active and last is not None and not last.is_active
    assert "silent for too long" in (post.attempts(tried)[-1].detail or "")


def test_webhook_that_answers_now_and_then_is_not_disabled(post: Post, site: Receiver) -> None:
    webhook = post.add(site.url).webhook
    site.usual = say(500)
    post.publish()
    post.work()
    post.shift(webhook_attempts, at=-6 * 86_400)
    site.script.append(say(200))
    [good] = post.publish()
    post.work()
    for _ in range(MOST_ATTEMPTS):
        post.hasten()
        post.work()

    found = post.hooks.webhooks.find(webhook.id)
    assert post.delivery(good).state == "delivered"
    assert found is not None and found.is_active


def test_attempt_whose_worker_was_lost_is_logged_and_made_again(post: Post, site: Receiver) -> None:
    post.add(site.url)
    [id] = post.publish()
    assert post.ledger.claim(id) is not None  # by a worker that is killed now
    post.shift(jobs, lease_until=-60)

    post.work()

    assert [each.status for each in post.attempts(id)] == [None, 200]
    assert "the worker was lost" in (post.attempts(id)[0].detail or "")
    assert (post.delivery(id).state, post.delivery(id).attempts) == ("delivered", 2)


def test_delivery_whose_workers_are_always_lost_is_given_up(post: Post, site: Receiver) -> None:
    post.add(site.url)
    [id] = post.publish()
    for _ in range(25):
        post.ledger.claim(id)
        post.shift(jobs, lease_until=-60)

    post.work()

    assert site.requests == []
    assert (post.job(id).state, post.delivery(id).state) == ("dead", "dead")


def test_delivery_of_a_webhook_that_is_disabled_or_gone_is_put_aside(post: Post, site: Receiver) -> None:
    disabled, removed = post.add(site.url).webhook, post.add(site.url).webhook
    ids = post.publish()
    post.hooks.webhooks.disable(disabled.id, "holidays")
    post.hooks.webhooks.remove(removed.id)

    post.work()

    assert site.requests == []
    [left] = [delivery for delivery in post.deliveries() if delivery.id in ids]
    assert (left.webhook, left.state) == (disabled.id, "dead")
    assert "disabled" in (post.attempts(left.id)[0].detail or "")


def test_secret_that_cannot_be_opened_is_told_of(post: Post, site: Receiver) -> None:
    webhook = post.add(site.url).webhook
    other = Post(post.engine, key="another secret key, which nobody has told about the first")
    [id] = post.publish()

    other.work()
    rotated = other.hooks.webhooks.rotate(webhook.id)
    other.hasten()
    other.work()

    assert "cannot be opened" in (other.attempts(id)[0].detail or "")
    assert rotated is not None and len(site.requests) == 1
    assert json.dumps(site.requests[0].opened(rotated.secret))


def test_replay_of_the_job_of_a_delivery_that_was_given_up_sends_it(post: Post, site: Receiver) -> None:
    post.add(site.url)
    [id] = post.publish()
    for _ in range(20):
        assert post.ledger.claim(id) is not None
        post.shift(jobs, lease_until=-1)
    post.work()
    assert (post.delivery(id).state, post.job(id).state) == ("dead", "dead")

    assert post.ledger.replay(id, also=revive)
    again = post.delivery(id)
    post.work()

    assert (again.state, again.attempts, again.finished_at) == ("waiting", 0, None)
    assert (post.delivery(id).state, post.job(id).state, len(site.requests)) == ("delivered", "done", 1)
    assert not post.ledger.replay(id, also=revive)


def test_nothing_is_lost_on_a_site_that_does_what_it_likes(post: Post, site: Receiver) -> None:
    made = post.add(site.url)
    moods: list[receiver.Act] = [
        say(200),
        say(500),
        receiver.leave,
        receiver.babble,
        receiver.boast,
        receiver.break_off,
        say(429, head="Retry-After: 1\r\n"),
        say(302, head="Location: /elsewhere\r\n"),
        receiver.talk,
    ]
    chance = random.Random(7)
    site.script.extend(chance.choice(moods) for _ in range(120))
    ids = [id for number in range(60) for id in post.publish(number=number)]

    rounds = 0
    while {each.state for each in post.deliveries()} != {"delivered"} and rounds < MOST_ATTEMPTS:
        post.work()
        post.hasten()
        rounds += 1

    assert {post.delivery(id).state for id in ids} == {"delivered"}
    assert {request.opened(made.secret)["data"]["number"] for request in site.requests} == set(range(60))
    assert {request.id for request in site.requests} == {f"msg_{id.hex()}" for id in ids}
    # Every request is in the log, and nothing else is.
    assert sum(len(post.attempts(id)) for id in ids) == len(site.requests) > 100


def test_younger_message_overtakes_one_that_is_tried_again(post: Post, site: Receiver) -> None:
    made = post.add(site.url)
    site.script.append(say(500))
    post.publish(number=1)
    post.work()

    post.publish(number=2)
    post.work()
    post.hasten()
    post.work()

    assert [request.opened(made.secret)["data"]["number"] for request in site.requests] == [1, 2, 1]
