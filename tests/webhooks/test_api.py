"""A site makes its webhooks over the API, reads their log, and never those of others."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

from tests.services import fresh_database_url
from tests.webhooks.receiver import Receiver, say
from wxbot.api.keys import Keys
from wxbot.api.models import webhooks as models
from wxbot.testing import Wx
from wxbot.webhooks import store
from wxbot.webhooks.webhook import KINDS, LONGEST_DESCRIPTION, LONGEST_URL

# Short enough as it stands, and not as it is kept: each of these letters is nine characters there.
LONG_WHEN_WRITTEN = f"https://shop.example.com/{'店' * 200}"


class Bot(Wx):
    """A bot, and a site with a key for its API."""

    key = ""

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        """Send a request to a path below /api/v1/webhooks."""
        sent = {"Authorization": f"Bearer {self.key}", **headers}
        with self.app.test_client() as client:
            return client.open(f"/api/v1/webhooks{path}", method=method, json=body, headers=sent)

    def make(self, url: str, **body: Any) -> Any:
        """Make a webhook and return the answer."""
        answer = self.ask("POST", "", {"url": url, **body})
        assert answer.status_code == 201, answer.text
        return answer.json

    def use_key(self, **limits: Any) -> None:
        """Take a new key."""
        self.key = Keys(self.bot.engine).create("site", **limits).text


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    """Return a bot with two accounts, and a key for both."""
    second = {"appid": "wx0000000000000002", "token": "anothertokenfortests", "mode": "plain"}
    overrides = {"accounts": {"second": second}, "webhooks": {"allow_private": True}}
    bot = Bot(tmp_path, plugins=[], overrides=overrides, database_url=fresh_database_url(tmp_path))
    bot.use_key()
    yield bot
    bot.close()


def test_site_makes_a_webhook_and_is_told(bot: Bot, site: Receiver) -> None:
    made = bot.make(site.url, kinds=["follow", "follow"], description="店铺")

    bot.user("bo", follows=False).scan("door")
    bot.work()

    assert site.requests[0].opened(made["secret"])["type"] == "follow"
    assert (made["kinds"], made["account"], made["description"]) == (["follow"], None, "店铺")
    assert made["disabled_at"] is None and made["made_by"] and made["created_at"].endswith("Z")
    listed, one = bot.ask("GET", "").json, bot.ask("GET", f"/{made['id']}").json
    assert listed == {"items": [{key: value for key, value in made.items() if key != "secret"}]}
    assert one is not None and one["deliveries"] == {"waiting": 0, "delivered": 1, "dead": 0}
    assert one["delivered_at"].endswith("Z") and "secret" not in one


def test_same_request_makes_one_webhook(bot: Bot, site: Receiver) -> None:
    body = {"url": site.url}

    first = bot.ask("POST", "", body, **{"Idempotency-Key": "a"})
    again = bot.ask("POST", "", body, **{"Idempotency-Key": "a"})

    assert first.json == again.json and len(bot.bot.hooks.webhooks.all()) == 1
    assert first.json is not None
    secret = first.json["secret"].removeprefix("whsec_").encode()
    with bot.session() as session:
        kept = session.execute(text("SELECT body FROM idempotent_requests")).scalar_one()
    assert secret not in bytes(kept)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": "https://shop.example.com/", "kinds": []},
        {"url": "https://shop.example.com/", "kinds": ["everything"]},
        {"url": "https://shop.example.com/", "kinds": ["test"]},
        {"url": "https://shop.example.com/", "description": "x" * 65},
        {"url": "https://shop.example.com/", "description": "a\nb"},
        {"url": "https://shop.example.com/", "secret": "mine"},
        {"url": "https://shop .example.com/"},
        {"url": "gopher://shop.example.com/"},
        {"url": "https://" + "x" * 1024},
    ],
    ids=range(10),
)
def test_webhook_that_cannot_be_is_refused(bot: Bot, body: Any) -> None:
    answer = bot.ask("POST", "", body)

    assert answer.status_code == 422 and answer.mimetype == "application/problem+json"
    assert bot.bot.hooks.webhooks.all() == []


@pytest.mark.parametrize(
    "url",
    ["https://user@shop.example.com/", "https://127.1/", "https://shop..example.com/", LONG_WHEN_WRITTEN],
)
def test_address_where_webhooks_must_not_go_is_refused(bot: Bot, url: str) -> None:
    made = bot.make("https://shop.example.com/")

    answers = [bot.ask("POST", "", {"url": url}), bot.ask("PATCH", f"/{made['id']}", {"url": url})]

    assert [each.status_code for each in answers] == [409, 409]
    assert [each.json and each.json["code"] for each in answers] == ["webhook_refused"] * 2
    assert bot.bot.hooks.webhooks.all()[0].url == "https://shop.example.com/"


def test_site_changes_switches_and_removes(bot: Bot, site: Receiver) -> None:
    made = bot.make("http://127.0.0.1:1/old")
    path = f"/{made['id']}"

    changed = bot.ask("PATCH", path, {"url": site.url, "kinds": ["scan"]}).json
    disabled = bot.ask("POST", f"{path}/disable").json
    enabled = bot.ask("POST", f"{path}/enable").json
    removed = bot.ask("DELETE", path)

    assert changed is not None and (changed["url"], changed["kinds"]) == (site.url, ["scan"])
    assert disabled is not None and disabled["disabled_because"] == "disabled over the API"
    assert enabled is not None and enabled["disabled_at"] is None
    assert (removed.status_code, removed.data) == (204, b"")
    assert bot.ask("DELETE", path).status_code == 404
    assert bot.ask("PATCH", path, {}).status_code == 404


def test_site_changes_over_to_a_new_secret(bot: Bot, site: Receiver) -> None:
    made = bot.make(site.url)

    rotated = bot.ask("POST", f"/{made['id']}/rotate", {"overlap_seconds": 60}).json
    bot.ask("POST", f"/{made['id']}/test")
    bot.work()

    assert rotated is not None and rotated["secret"] != made["secret"]
    assert rotated["old_secret_until"].endswith("Z")
    [request] = site.requests
    assert request.opened(made["secret"]) == request.opened(rotated["secret"])
    assert bot.ask("POST", f"/{made['id']}/rotate", {"overlap_seconds": 10**9}).status_code == 422


def test_test_goes_out_once(bot: Bot, site: Receiver) -> None:
    made = bot.make(site.url, kinds=["scan"])
    site.usual = say(410)

    answer = bot.ask("POST", f"/{made['id']}/test")
    bot.work()

    assert answer.status_code == 202 and answer.json is not None
    log = bot.ask("GET", f"/{made['id']}/deliveries/{answer.json['delivery']}").json
    assert log is not None and (log["kind"], log["state"], log["attempts"]) == ("test", "dead", 1)
    assert [(each["status"], each["detail"]) for each in log["log"]] == [(410, "answered 410")]
    said = site.requests[0].opened(made["secret"])
    assert said["type"] == "test" and said["data"] == {"account": "default", "webhook": made["id"]}
    # A test says nothing about what the site wants.
    assert bot.bot.hooks.webhooks.all()[0].is_active


def test_log_is_read_in_pages_and_sent_again(bot: Bot, site: Receiver) -> None:
    made = bot.make(site.url, kinds=["scan"])
    ailin = bot.user("ailin")
    site.script.append(say(503, head="Retry-After: 3600\r\n"))
    for scene in "abcde":
        ailin.scan(scene)
    bot.work()

    path = f"/{made['id']}/deliveries"
    first = bot.ask("GET", f"{path}?limit=3").json
    assert first is not None
    second = bot.ask("GET", f"{path}?limit=3&after={first['next']}").json
    waiting = bot.ask("GET", f"{path}?state=waiting").json
    assert second is not None and waiting is not None
    items = [*first["items"], *second["items"]]
    [failed] = waiting["items"]
    again = bot.ask("POST", f"{path}/{failed['id']}/resend")
    bot.work()

    assert len({each["id"] for each in items}) == 5 and second["next"] is None
    assert {each["person"] for each in items} != {None} and {each["kind"] for each in items} == {"scan"}
    assert again.status_code == 202
    after = bot.ask("GET", f"{path}/{failed['id']}").json
    assert after is not None and after["state"] == "delivered"
    assert [each["status"] for each in after["log"]] == [503, 200]
    assert after["message_id"] == f"msg_{failed['id']}" == site.requests[-1].id
    assert ailin.openid not in str(items) + str(after)
    assert bot.ask("GET", f"{path}?after=nonsense").status_code == 404


def test_delivery_under_way_cannot_be_sent_again(bot: Bot, site: Receiver) -> None:
    made = bot.make(site.url, kinds=["scan"])
    bot.user("ailin").scan("door")
    bot.bot.ledger.claim(bot.bot.ledger.take_due(1, grace_seconds=0)[0])  # who hears of it
    answer = bot.ask("POST", f"/{made['id']}/test").json
    assert answer is not None
    bot.bot.ledger.claim(bytes.fromhex(answer["delivery"]))

    again = bot.ask("POST", f"/{made['id']}/deliveries/{answer['delivery']}/resend")

    assert (again.status_code, again.json and again.json["code"]) == (409, "delivery_under_way")


def test_nothing_is_sent_again_to_what_is_disabled(bot: Bot, site: Receiver) -> None:
    made = bot.make(site.url)
    answer = bot.ask("POST", f"/{made['id']}/test").json
    assert answer is not None
    bot.ask("POST", f"/{made['id']}/disable")

    again = bot.ask("POST", f"/{made['id']}/deliveries/{answer['delivery']}/resend")

    assert (again.status_code, again.json and again.json["code"]) == (409, "webhook_refused")


def test_key_that_may_not_is_refused(bot: Bot, site: Receiver) -> None:
    made = bot.make(site.url)
    bot.use_key(scopes=["webhooks:read"])

    assert bot.ask("GET", f"/{made['id']}").status_code == 200
    assert bot.ask("POST", "", {"url": site.url}).status_code == 403
    assert bot.ask("POST", f"/{made['id']}/rotate", {}).status_code == 403
    assert bot.ask("DELETE", f"/{made['id']}").status_code == 403
    bot.use_key(scopes=["claims:read"])
    assert bot.ask("GET", "").status_code == 403


def test_webhooks_of_others_do_not_exist(bot: Bot, site: Receiver) -> None:
    everybody, other = bot.make(site.url), bot.make(site.url, account="second")
    test = bot.ask("POST", f"/{other['id']}/test").json
    assert test is not None
    bot.use_key(accounts=["default"])
    mine = bot.make(site.url)

    assert mine["account"] == "default"
    listed = bot.ask("GET", "").json
    assert listed is not None and [each["id"] for each in listed["items"]] == [mine["id"]]
    assert bot.ask("POST", "", {"url": site.url, "account": "second"}).status_code == 404
    nobody = "/wh_000000000000"
    delivery = f"/deliveries/{test['delivery']}"
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"description": "x"}),
        ("POST", "/rotate", {}),
        ("POST", "/disable", None),
        ("POST", "/enable", None),
        ("POST", "/test", None),
        ("GET", "/deliveries", None),
        ("GET", delivery, None),
        ("POST", f"{delivery}/resend", None),
        ("DELETE", "", None),
    ):
        answers = [bot.ask(method, f"/{id}{path}", body) for id in (everybody["id"], other["id"])]
        unknown = bot.ask(method, f"{nobody}{path}", body)
        assert [(each.status_code, each.data) for each in answers] == [(404, unknown.data)] * 2, path
    # Nor can a delivery of others be had through a webhook of one's own.
    assert bot.ask("GET", f"/{mine['id']}{delivery}").status_code == 404
    assert bot.ask("POST", f"/{mine['id']}{delivery}/resend").status_code == 404
    assert len(bot.bot.hooks.webhooks.all()) == 3


def test_description_says_what_the_code_does() -> None:
    assert tuple(models.WebhookKind) == KINDS
    assert (models.LONGEST_URL, models.LONGEST_DESCRIPTION) == (LONGEST_URL, LONGEST_DESCRIPTION)
    assert models.OVERLAP_SECONDS == store.OVERLAP_SECONDS
    assert models.LONGEST_OVERLAP_SECONDS == store.LONGEST_OVERLAP_SECONDS
