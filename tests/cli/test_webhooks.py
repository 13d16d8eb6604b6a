"""`wxbot webhooks`: made, tried, rotated, switched, and what came of what was told."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from tests.webhooks.receiver import Receiver, say
from wxbot.cli import cli
from wxbot.db.engine import open_engine


@pytest.fixture
def site() -> Iterator[Receiver]:
    """Return a site on this machine."""
    site = Receiver()
    yield site
    site.close()


@pytest.fixture
def database(configured: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URL of the database of a project whose webhooks may go to this machine."""
    monkeypatch.chdir(configured.folder)
    monkeypatch.setenv("WXBOT_WEBHOOKS__ALLOW_PRIVATE", "true")
    return f"sqlite:///{configured.folder}/var/wxbot.db"


def webhooks(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["webhooks", *arguments])


def made(site: Receiver, *arguments: str) -> Any:
    result = webhooks("add", site.url, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_secret_is_shown_once(database: str, site: Receiver) -> None:
    result = webhooks("add", site.url, "--kind", "scan", "--description", "shop")

    [secret] = result.stdout.split()
    listed, table = json.loads(webhooks("list", "--json").stdout), webhooks("list").stdout
    shown = webhooks("show", listed[0]["id"]).stdout
    assert secret.startswith("whsec_") and "not shown again" in result.stderr
    assert (listed[0]["kinds"], listed[0]["url"], listed[0]["waiting"]) == (["scan"], site.url, 0)
    assert "shop" in table and "active" in table and site.url in shown
    assert secret not in str(listed) + table + shown


def test_list_of_nothing_says_how_to_begin(database: str) -> None:
    assert "wxbot webhooks add URL" in webhooks("list").stdout
    assert json.loads(webhooks("list", "--json").stdout) == []


def test_test_is_sent_and_verified(database: str, site: Receiver) -> None:
    webhook = made(site, "--kind", "scan")

    result = webhooks("test", webhook["id"])

    assert result.exit_code == 0 and "answered 200" in result.stdout
    [request] = site.requests
    assert request.opened(webhook["secret"])["type"] == "test"
    [delivery] = json.loads(webhooks("deliveries", webhook["id"], "--json").stdout)
    assert (delivery["state"], delivery["last_status"]) == ("delivered", 200)
    assert f"msg_{delivery['delivery']}" == request.id
    with open_engine(database).connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM jobs")).scalar_one() == 0


def test_test_that_fails_says_why(database: str, site: Receiver) -> None:
    webhook = made(site)
    site.usual = say(302, head="Location: /elsewhere\r\n")

    result, as_json = webhooks("test", webhook["id"]), webhooks("test", webhook["id"], "--json")

    assert result.exit_code == as_json.exit_code == 1
    assert "redirects are not followed" in result.stderr
    assert json.loads(as_json.stdout)["status"] == 302
    table = webhooks("deliveries", webhook["id"]).stdout
    assert "redirects are not followed" in table and "dead" in table


def test_secret_is_changed_over(database: str, site: Receiver) -> None:
    webhook = made(site)

    new = webhooks("rotate", webhook["id"], "--overlap-hours", "1").stdout.strip()
    webhooks("test", webhook["id"])
    newest = json.loads(webhooks("rotate", webhook["id"], "--overlap-hours", "0", "--json").stdout)
    webhooks("test", webhook["id"])

    during, after = site.requests
    assert during.opened(new) == during.opened(webhook["secret"])
    assert after.opened(newest["secret"]) and newest["old_secret_until"] is None
    with pytest.raises(Exception, match="No matching signature"):
        after.opened(new)


def test_webhook_is_changed_switched_and_removed(database: str, site: Receiver) -> None:
    webhook = made(site)
    id = webhook["id"]

    changed = json.loads(webhooks("change", id, "--kind", "follow", "--description", "new", "--json").stdout)
    disabled = webhooks("disable", id, "--because", "holidays")
    shown = json.loads(webhooks("show", id, "--json").stdout)
    enabled = webhooks("enable", id)
    kept = CliRunner().invoke(cli, ["webhooks", "remove", id], input="n\n")
    removed = webhooks("remove", id, "--yes")

    assert (changed["kinds"], changed["description"], changed["url"]) == (["follow"], "new", site.url)
    assert shown["disabled_because"] == "holidays" and "told nothing" in disabled.stdout
    assert enabled.exit_code == 0 and kept.exit_code == 1 and removed.exit_code == 0
    assert json.loads(webhooks("list", "--json").stdout) == []


def test_nothing_is_sent_again_to_what_is_disabled(database: str, site: Receiver) -> None:
    webhook = made(site)
    webhooks("disable", webhook["id"])

    refused = webhooks("resend", webhook["id"], "--dead")

    assert refused.exit_code == 1 and "is disabled: enable it first" in refused.stderr


def test_what_was_given_up_is_sent_again(database: str, site: Receiver) -> None:
    webhook = made(site)
    site.usual = say(500)
    webhooks("test", webhook["id"])
    [delivery] = json.loads(webhooks("deliveries", webhook["id"], "--state", "dead", "--json").stdout)

    by_name = webhooks("resend", webhook["id"], f"msg_{delivery['delivery'][:8]}")
    waiting = json.loads(webhooks("deliveries", webhook["id"], "--json").stdout)[0]["state"]
    all_dead = webhooks("resend", webhook["id"], "--dead", "--json")

    assert by_name.exit_code == 0 and waiting == "waiting"
    assert json.loads(all_dead.stdout) == {"id": webhook["id"], "resent": 0}
    with open_engine(database).connect() as connection:
        row = connection.execute(text("SELECT name, state, dispatched_at FROM jobs")).one()
    assert tuple(row) == ("wxbot.webhook", "waiting", None)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["add", "ftp://shop.example.com/"], 1, "a webhook's URL is https://"),
        (["add", "https://shop.example.com/", "--kind", "everything"], 1, "there is no 'everything'"),
        (["add", "https://shop.example.com/", "--account", "other"], 2, "there is no 'other'"),
        (["show", "wh_000000000000"], 1, "there is no webhook"),
        (["test", "wh_000000000000"], 1, "there is no webhook"),
        (["rotate", "wh_000000000000"], 1, "there is no webhook"),
        (["change", "wh_000000000000"], 1, "there is no webhook"),
        (["disable", "wh_000000000000"], 1, "there is no webhook"),
        (["enable", "wh_000000000000"], 1, "there is no webhook"),
        (["remove", "wh_000000000000", "--yes"], 1, "there is no webhook"),
        (["deliveries", "wh_000000000000"], 1, "there is no webhook"),
        (["resend", "wh_000000000000", "--dead"], 1, "there is no webhook"),
        (["resend", "wh_000000000000"], 2, "name the deliveries, or say --dead"),
    ],
)
def test_mistake_is_named(database: str, arguments: list[str], code: int, words: str) -> None:
    result = webhooks(*arguments)

    assert result.exit_code == code
    assert words in result.stderr and "Traceback" not in result.output


def test_private_address_is_refused_unless_allowed(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WXBOT_WEBHOOKS__ALLOW_PRIVATE")

    result = webhooks("add", "https://127.0.0.1:8443/")

    assert result.exit_code == 1 and "public address" in result.stderr
