"""Webhooks are made, changed and removed; their secrets are shown once, change over, and stay sealed."""

import pytest
from sqlalchemy import select, text

from tests.webhooks.conftest import ANYWHERE, KEY, Post
from tests.webhooks.receiver import Receiver
from wxbot.db.business import webhook_attempts, webhook_deliveries, webhooks
from wxbot.webhooks.addresses import AddressRefusedError, Rules
from wxbot.webhooks.store import Webhooks
from wxbot.webhooks.webhook import KINDS, MOST_WEBHOOKS, Draft, WebhookError

SITE = "https://shop.example.com/hooks"


def test_webhook_is_found_as_it_was_made(post: Post) -> None:
    draft = Draft(url=SITE, kinds=("scan", "follow"), account="shop", description="店铺", made_by="key1")

    made = post.hooks.webhooks.add(draft).webhook

    assert post.hooks.webhooks.find(made.id) == made
    assert (made.url, made.kinds, made.account) == (SITE, ("scan", "follow"), "shop")
    assert (made.description, made.made_by, made.is_active) == ("店铺", "key1", True)
    assert post.hooks.webhooks.find("wh_000000000000") is None


def test_secret_is_nowhere_in_the_database(post: Post) -> None:
    made = post.add(SITE)
    rotated = post.hooks.webhooks.rotate(made.webhook.id)
    assert rotated is not None

    with post.engine.connect() as connection:
        row = connection.execute(select(webhooks)).one()
        kept = b" ".join(each if isinstance(each, bytes) else str(each).encode() for each in row)
    for secret in (made.secret, rotated.secret):
        assert secret.removeprefix("whsec_").encode() not in kept
    # And it opens for no other webhook.
    other = post.add(SITE).webhook
    with post.engine.begin() as connection:
        connection.execute(webhooks.update().where(webhooks.c.id == other.id).values(secret=row.secret))
    assert post.hooks.webhooks.keys_of(other.id) == []


@pytest.mark.parametrize(
    "draft",
    [
        {"kinds": ()},
        {"kinds": ("everything",)},
        {"kinds": ("test",)},
        {"description": "x" * 65},
        {"description": "a\nb"},
    ],
)
def test_draft_that_cannot_be_kept_is_refused(draft: dict[str, object]) -> None:
    with pytest.raises(WebhookError):
        Draft(url=SITE, **draft)  # type: ignore[arg-type]


def test_url_is_checked_when_it_is_made_and_changed(post: Post) -> None:
    strict = Webhooks(post.engine, keys=[KEY], rules=Rules())
    with pytest.raises(AddressRefusedError, match="https"):
        strict.add(Draft(url="http://shop.example.com/"))
    made = strict.add(Draft(url="https://SHOP.example.com:443/a")).webhook
    assert made.url == "https://shop.example.com/a"

    with pytest.raises(AddressRefusedError, match="public"):
        strict.change(made.id, url="https://192.168.0.1/")

    assert strict.find(made.id) == made


def test_what_is_given_is_changed(post: Post) -> None:
    made = post.add(SITE).webhook

    changed = post.hooks.webhooks.change(made.id, kinds=["scan"], description="new")
    moved = post.hooks.webhooks.change(made.id, url="https://shop.example.com/2")

    assert changed is not None and (changed.kinds, changed.description, changed.url) == (
        ("scan",),
        "new",
        SITE,
    )
    assert moved is not None and (moved.kinds, moved.url) == (("scan",), "https://shop.example.com/2")
    assert post.hooks.webhooks.change(made.id) == moved
    with pytest.raises(WebhookError):
        post.hooks.webhooks.change(made.id, kinds=["nothing"])
    assert post.hooks.webhooks.change("wh_000000000000", description="x") is None


def test_change_counts_at_once_in_this_process(post: Post, site: Receiver) -> None:
    assert post.publish("scan") == []
    made = post.add(site.url, "scan").webhook
    assert len(post.publish("scan")) == 1
    post.hooks.webhooks.disable(made.id, "holidays")
    assert post.publish("scan") == []
    post.hooks.webhooks.enable(made.id)
    assert len(post.publish("scan")) == 1
    post.hooks.webhooks.remove(made.id)
    assert post.publish("scan") == []


def test_both_secrets_sign_until_the_change_is_over(post: Post, site: Receiver) -> None:
    old = post.add(site.url)

    new = post.hooks.webhooks.rotate(old.webhook.id, overlap_seconds=3600)
    assert new is not None
    post.publish()
    post.work()
    post.shift(webhooks, old_until=-1)
    post.publish()
    post.work()

    during, after = site.requests
    assert during.opened(old.secret) and during.opened(new.secret)
    assert len(during.headers["webhook-signature"].split(" ")) == 2
    assert after.opened(new.secret)
    with pytest.raises(Exception, match="No matching signature"):
        after.opened(old.secret)


def test_secret_that_was_stolen_ends_at_once(post: Post, site: Receiver) -> None:
    old = post.add(site.url)

    new = post.hooks.webhooks.rotate(old.webhook.id, overlap_seconds=0)
    post.publish()
    post.work()

    assert new is not None and site.requests[0].opened(new.secret)
    with pytest.raises(Exception, match="No matching signature"):
        site.requests[0].opened(old.secret)
    with pytest.raises(WebhookError):
        post.hooks.webhooks.rotate(old.webhook.id, overlap_seconds=10**6)
    assert post.hooks.webhooks.rotate("wh_000000000000") is None


def test_secret_survives_a_change_of_the_secret_key(post: Post, site: Receiver) -> None:
    made = post.add(site.url)
    key = "a newer secret key that is only good enough for tests"

    later = Webhooks(post.engine, keys=[key, KEY], rules=ANYWHERE)

    assert later.keys_of(made.webhook.id) == [made.secret]


def test_others_webhooks_do_not_exist(post: Post) -> None:
    mine, other, everybody = (post.add(SITE, account=each).webhook for each in ("mine", "other", None))
    hooks = post.hooks.webhooks

    assert hooks.all(["mine"]) == [mine]
    assert len(hooks.all()) == 3
    for each in (other, everybody):
        assert hooks.find(each.id, ["mine"]) is None
        assert hooks.change(each.id, description="x", accounts=["mine"]) is None
        assert hooks.rotate(each.id, accounts=["mine"]) is None
        assert hooks.disable(each.id, "x", accounts=["mine"]) is None
        assert hooks.enable(each.id, accounts=["mine"]) is None
        assert not hooks.remove(each.id, accounts=["mine"])
        assert hooks.find(each.id) == each


def test_first_reason_of_being_disabled_stays(post: Post) -> None:
    made = post.add(SITE).webhook

    post.hooks.webhooks.disable(made.id, "first")
    again = post.hooks.webhooks.disable(made.id, "second")
    enabled = post.hooks.webhooks.enable(made.id)

    assert again is not None and again.disabled_because == "first"
    assert enabled is not None and enabled.is_active and enabled.disabled_because is None
    assert post.hooks.webhooks.disable("wh_000000000000", "x") is None


def test_removed_webhook_leaves_nothing(post: Post, site: Receiver) -> None:
    made, other = post.add(site.url).webhook, post.add(site.url).webhook
    for _ in range(3):
        post.publish()
    post.work()

    assert post.hooks.webhooks.remove(made.id)
    assert not post.hooks.webhooks.remove(made.id)

    with post.engine.connect() as connection:
        left = set(connection.execute(select(webhook_deliveries.c.webhook)).scalars())
        attempts = connection.execute(text("SELECT count(*) FROM webhook_attempts")).scalar_one()
    assert (left, attempts) == ({other.id}, 3)


def test_there_are_only_so_many(post: Post) -> None:
    with post.engine.begin() as connection:
        row = {"url": SITE, "kinds": "[]", "secret": b"", "description": "", "made_by": "", "created_at": 1}
        rows = [{**row, "id": f"wh_{number}"} for number in range(MOST_WEBHOOKS)]
        connection.execute(webhooks.insert(), rows)

    with pytest.raises(WebhookError, match="remove one"):
        post.add(SITE)


def test_made_in_a_transaction_that_is_rolled_back_there_is_none(post: Post) -> None:
    with post.engine.connect() as connection:
        post.hooks.webhooks.add(Draft(url=SITE), within=connection)
        connection.rollback()

    assert post.hooks.webhooks.all() == []


def test_kinds_are_what_the_docs_name() -> None:
    assert len(KINDS) == len(set(KINDS)) == 12
    assert webhook_attempts.c.detail.type.length == 255  # type: ignore[attr-defined]
