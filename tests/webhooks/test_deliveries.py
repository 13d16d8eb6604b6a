"""The log of deliveries: read in pages, sent again, forgotten."""

import pytest
from sqlalchemy import delete, select, update

from tests.webhooks.conftest import Post
from tests.webhooks.receiver import Receiver, say
from wxbot.db.business import webhook_deliveries
from wxbot.db.models import jobs
from wxbot.webhooks.webhook import WebhookError


def test_log_is_read_in_pages(post: Post, site: Receiver) -> None:
    webhook, other = post.add(site.url).webhook, post.add(site.url).webhook
    for number in range(7):
        post.publish(number=number)
    with post.engine.begin() as connection:  # in two seconds, so that ids decide within one
        some = connection.execute(select(webhook_deliveries.c.id).limit(4)).scalars().all()
        table = webhook_deliveries
        connection.execute(update(table).where(table.c.id.in_(some)).values(created_at=1))

    pages, after = [], None
    while True:
        page = post.hooks.deliveries.page(webhook.id, after=after, limit=3)
        pages.append(page.deliveries)
        after = page.after
        if after is None:
            break

    ids = [each.id for page in pages for each in page]
    assert [len(page) for page in pages] == [3, 3, 1]
    assert len(set(ids)) == 7
    assert [each.created_at for page in pages for each in page] == sorted(
        (each.created_at for page in pages for each in page), reverse=True
    )
    assert {each.webhook for page in pages for each in page} == {webhook.id}
    assert len(post.hooks.deliveries.page(other.id, limit=7).deliveries) == 7
    assert post.hooks.deliveries.page(other.id, limit=7).after is None


def test_log_is_asked_for_one_state(post: Post, site: Receiver) -> None:
    webhook = post.add(site.url).webhook
    site.script.append(say(410))
    post.publish()
    post.work()
    post.hooks.webhooks.enable(webhook.id)
    post.publish()
    post.work()
    post.publish()

    found = {
        state: len(post.hooks.deliveries.page(webhook.id, state=state).deliveries)
        for state in ("waiting", "delivered", "dead")
    }

    assert found == {"waiting": 1, "delivered": 1, "dead": 1}
    tally = post.hooks.deliveries.tally(webhook.id)
    assert tally.counts == found and tally.delivered_at is not None


def test_delivery_is_found_by_the_beginning_of_its_id(post: Post, site: Receiver) -> None:
    post.add(site.url)
    [id] = post.publish()

    assert [each.id for each in post.hooks.deliveries.starting_with(id.hex()[:8])] == [id]
    assert post.hooks.deliveries.starting_with("00000000") == []


@pytest.mark.parametrize("keeps_job", [True, False], ids=["job is there", "job is forgotten"])
@pytest.mark.parametrize("status", [200, 410])
def test_delivery_is_sent_again_under_its_id(
    post: Post, site: Receiver, status: int, keeps_job: bool
) -> None:
    made = post.add(site.url)
    site.script.append(say(status))
    [id] = post.publish()
    post.work()
    post.hooks.webhooks.enable(made.webhook.id)
    if not keeps_job:
        with post.engine.begin() as connection:
            connection.execute(delete(jobs))

    assert post.hooks.deliveries.resend(id)
    again = post.delivery(id)
    post.work()

    assert (again.state, again.attempts, again.finished_at) == ("waiting", 0, None)
    assert post.delivery(id).state == "delivered"
    assert [each.status for each in post.attempts(id)] == [status, 200]
    assert [request.id for request in site.requests] == [f"msg_{id.hex()}"] * 2
    assert site.requests[0].body == site.requests[1].body
    assert site.requests[1].opened(made.secret)


def test_delivery_that_waits_is_sent_at_once(post: Post, site: Receiver) -> None:
    post.add(site.url)
    site.script.append(say(503, head="Retry-After: 3600\r\n"))
    [id] = post.publish()
    post.work()

    assert post.hooks.deliveries.resend(id)
    post.work()

    assert post.delivery(id).state == "delivered"


def test_delivery_under_way_is_not_sent_twice(post: Post, site: Receiver) -> None:
    post.add(site.url)
    [id] = post.publish()
    post.ledger.claim(id)

    assert not post.hooks.deliveries.resend(id)
    assert not post.hooks.deliveries.resend(b"x" * 16)


def test_nothing_is_sent_again_to_what_is_disabled(post: Post, site: Receiver) -> None:
    webhook = post.add(site.url).webhook
    [id] = post.publish()
    post.hooks.webhooks.disable(webhook.id, "x")
    post.work()

    for again in (
        lambda: post.hooks.deliveries.resend(id),
        lambda: post.hooks.deliveries.resend_dead(webhook.id),
    ):
        with pytest.raises(WebhookError, match="is disabled: enable it first"):
            again()

    assert post.delivery(id).state == "dead" and not site.requests


def test_everything_that_was_given_up_is_sent_again(post: Post, site: Receiver) -> None:
    webhook, other = post.add(site.url).webhook, post.add(site.url).webhook
    ids = [post.publish()[0] for _ in range(3)]
    post.hooks.webhooks.disable(webhook.id, "x")
    post.hooks.webhooks.disable(other.id, "x")
    post.work()
    assert {each.state for each in post.deliveries()} == {"dead"}
    post.hooks.webhooks.enable(webhook.id)

    assert post.hooks.deliveries.resend_dead(webhook.id) == 3
    post.work()

    assert len(site.requests) == 3 and len(ids) == 3
    states = {each.webhook: each.state for each in post.deliveries()}
    assert states == {webhook.id: "delivered", other.id: "dead"}


def test_what_is_finished_is_forgotten_in_time(post: Post, site: Receiver) -> None:
    post.add(site.url)
    [old] = post.publish()
    post.work()
    [waiting] = post.publish()
    post.shift(webhook_deliveries, created_at=-31 * 86_400)
    [new] = post.publish()
    post.ledger.claim(new)

    assert post.hooks.deliveries.forget_old(30) == 1
    assert post.hooks.deliveries.forget_old(30) == 0

    assert {each.id for each in post.deliveries()} == {waiting, new}
    assert post.attempts(old) == []
