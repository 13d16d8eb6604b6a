"""The client in front of a bot that is served: every resource, every kind of refusal, and no secret told."""

import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, request

from tests.services import free_port, fresh_database_url
from wxbot import Plugin
from wxbot.api.keys import Keys
from wxbot.bindings.bindings import Bindings
from wxbot.client import (
    ChangedChannel,
    Client,
    ClientError,
    ConflictError,
    NotAllowedError,
    NotFoundError,
    RefusedError,
    UnavailableError,
    UnreachableError,
    WantedChannel,
)
from wxbot.client import calls as calls_module
from wxbot.emulator.rules import Trouble
from wxbot.emulator.threaded import Running
from wxbot.followers import person
from wxbot.testing import Wx

plugin = Plugin("shop")


@plugin.scene("door")
def door(scan: object) -> str:
    """Answer."""
    return "欢迎"


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Wx]:
    """Return a bot whose WeChat is emulated."""
    bot = Wx(tmp_path, plugins=[plugin], database_url=fresh_database_url(tmp_path))
    yield bot
    bot.close()


@pytest.fixture
def url(bot: Wx) -> Iterator[str]:
    """Serve it, and return its address."""
    with Running(bot.app) as running:
        yield running.url


@pytest.fixture
def key(bot: Wx) -> str:
    """Return a key."""
    return Keys(bot.bot.engine).create("site").text


@pytest.fixture
def client(url: str, key: str) -> Iterator[Client]:
    """Return a client with this key."""
    with Client(url, key) as client:
        yield client


def test_site_makes_a_claim_and_learns_who_scanned_it(bot: Wx, client: Client) -> None:
    claim = client.claims.make("order", "42", data={"total": "¥ 12"})
    ailin = bot.user("ailin")
    bot.bot.claims.claim("default", claim.scene or "", ailin.openid)

    seen = client.claims.find(claim.id)

    assert claim.code is not None and claim.code.url.startswith("http")
    assert (seen.state, seen.person, seen.data) == (
        "claimed",
        person("default", ailin.openid).hex(),
        {"total": "¥ 12"},
    )
    assert client.claims.confirm(claim.id).state == "confirmed"
    assert client.claims.release(claim.id).state == "released"
    assert client.claims.steps(claim.id)[0].step == "made"
    assert [each.id for each in client.claims.all(purpose="order", subject="42")] == [claim.id]
    assert client.claims.cancel(client.claims.make("order", "43").id).state == "cancelled"


@pytest.mark.parametrize("streams", [4, 0], ids=["stream", "polling"])
def test_claim_is_watched_until_its_end(
    bot: Wx, client: Client, monkeypatch: pytest.MonkeyPatch, streams: int
) -> None:
    monkeypatch.setattr("wxbot.client.resources._POLL_SECONDS", 0.1)
    bot.app.extensions["wxbot.streams"].allow(streams)
    claim = client.claims.make("login", "browser")

    seen: list[str] = []
    for each in client.claims.watch(claim.id, seconds=60):
        seen.append(each.state.value)
        if seen == ["open"]:
            bot.bot.claims.claim("default", claim.scene or "", "ailin")
        elif seen == ["open", "claimed"]:
            bot.bot.claims.confirm("default", bytes.fromhex(claim.id))

    assert seen == ["open", "claimed", "confirmed"]


@pytest.mark.parametrize("streams", [4, 0], ids=["stream", "polling"])
def test_watching_ends_in_time(bot: Wx, client: Client, streams: int) -> None:
    bot.app.extensions["wxbot.streams"].allow(streams)
    claim = client.claims.make("login", "browser")
    began = time.monotonic()

    seen = [each.state.value for each in client.claims.watch(claim.id, seconds=1)]

    assert seen == ["open"] and time.monotonic() - began < 8


def test_watching_ends_in_time_after_a_change(bot: Wx, client: Client) -> None:
    claim = client.claims.make("login", "browser")
    began = time.monotonic()

    seen = []
    for each in client.claims.watch(claim.id, seconds=5):
        seen.append(each.state.value)
        if seen == ["open"]:
            time.sleep(3)
            bot.bot.claims.claim("default", claim.scene or "", "ailin")

    assert seen == ["open", "claimed"] and time.monotonic() - began < 7


def test_watching_what_is_not_there_is_refused(client: Client) -> None:
    with pytest.raises(NotFoundError):
        list(client.claims.watch("0" * 32, seconds=5))


def test_codes_are_minted_found_and_listed(client: Client) -> None:
    text, number = client.codes.mint("door/2".replace("/", ":")), client.codes.mint(7, expires_in=None)

    assert client.codes.find("door:2") == text and text.expires_at is not None
    assert number.is_permanent and client.codes.find(7, is_permanent=True) == number
    assert {code.scene for code in client.codes.all()} == {"door:2", "7"}
    with pytest.raises(NotFoundError):
        client.codes.find("a/b?c")


def test_bindings_followers_events_and_messages(bot: Wx, client: Client) -> None:
    ailin = bot.user("ailin", follows=False)
    ailin.scan("door")
    who = person("default", ailin.openid).hex()
    Bindings(bot.bot.engine).bind("default", "user-1", ailin.openid)

    (follower,) = client.followers.all(state="new")
    (event,) = client.events.all(person=who)
    message = client.messages.send("您好", person=who)
    bot.work()

    assert client.followers.find(who) == follower and follower.openid == ailin.openid
    assert client.events.find(event.id) == event and event.scene == "door"
    assert client.messages.find(message.id).state == "sent"
    assert [each.text for each in ailin.messages] == ["您好"]
    assert [each.site_user for each in client.bindings.all(person=who)] == ["user-1"]
    assert [each.ended_by for each in client.bindings.end("user-1")] == ["site"]
    with pytest.raises(ValueError, match="to whom"):
        client.messages.send("您好")


def test_tokens_and_codes_that_are_not_good_are_not_found(client: Client) -> None:
    with pytest.raises(NotFoundError) as token:
        client.bindings.bind("a token that nobody made", "user-1")
    with pytest.raises(NotFoundError) as code:
        client.logins.exchange("a code that nobody made", "a browser")

    assert (token.value.code, code.value.code) == ("no_token", "no_login")


def test_channels_are_made_changed_and_archived(client: Client) -> None:
    made = client.channels.make(
        WantedChannel(name="shop-1", scene="ch:1", reply={"type": "text", "content": "欢迎"}, group="东")
    )

    changed = client.channels.change("shop-1", ChangedChannel(title="一号店", group=None))

    assert (made.scene, made.group) == ("ch:1", "东")
    assert (changed.title, changed.group, changed.reply) == ("一号店", None, made.reply)
    assert client.channels.code("shop-1").url.startswith("http")
    assert [each.name for each in client.channels.all()] == ["shop-1"]
    assert client.channels.archive("shop-1").state == "archived"
    assert client.channels.restore("shop-1").state == client.channels.find("shop-1").state == "live"
    with pytest.raises(ConflictError):
        client.channels.make(WantedChannel(name="shop-1"))


def test_webhooks_are_made_and_removed(client: Client) -> None:
    made = client.webhooks.make("https://shop.example.com/wxbot", kinds=["scan", "claim.claimed"])

    assert made.secret and [each.value for each in made.kinds] == ["scan", "claim.claimed"]
    assert len(client.webhooks.test(made.id)) == 32
    assert [each.id for each in client.webhooks.all()] == [made.id]
    client.webhooks.remove(made.id)
    assert client.webhooks.all() == []
    with pytest.raises(NotFoundError):
        client.webhooks.remove(made.id)


def test_lists_go_on_over_pages(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wxbot.client.resources._PAGE", 2)
    for number in range(5):
        client.codes.mint(number + 1)

    assert {code.scene for code in client.codes.all()} == {"1", "2", "3", "4", "5"}


def test_same_key_of_ones_own_is_carried_out_once(client: Client) -> None:
    claims = [client.claims.make("order", "42", once="order-42") for _ in range(3)]

    assert len({claim.id for claim in claims}) == 1
    with pytest.raises(ConflictError) as refused:
        client.claims.make("order", "43", once="order-42")
    assert refused.value.code == "idempotency_mismatch"


def test_refusals_are_errors_with_code_and_detail(bot: Wx, client: Client, url: str) -> None:
    claim = client.claims.make("order", "42")
    reader = Client(url, Keys(bot.bot.engine).create("reader", scopes=["claims:read"]).text)

    with pytest.raises(NotFoundError) as missing:
        client.claims.find("0" * 32)
    with pytest.raises(ConflictError) as too_early:
        client.claims.confirm(claim.id)
    with pytest.raises(NotAllowedError) as forbidden:
        reader.claims.cancel(claim.id)
    with pytest.raises(NotAllowedError) as unknown:
        Client(url, "wxb_nothing").claims.find(claim.id)
    with pytest.raises(RefusedError) as wrong:
        client.claims.make("Order", "42")

    assert (missing.value.code, too_early.value.code) == ("not_found", "claim_state")
    assert "open" in too_early.value.detail
    assert (forbidden.value.code, unknown.value.code) == ("scope", "no_key")
    assert wrong.value.fields.keys() == {"purpose"} and "purpose" in str(wrong.value)
    reader.close()


def test_what_wechat_refuses_for_now_says_when_to_try_again(bot: Wx, client: Client) -> None:
    bot.world.trouble = Trouble(api_faults=("qrcode/create=45009",))

    with pytest.raises(UnavailableError) as refused:
        client.codes.mint("door")

    assert refused.value.code == "quota" and (refused.value.retry_after or 0) > 60


class Flaky:
    """Something that fails a few times before it answers."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.keys: list[str | None] = []
        self.app = Flask("flaky")
        self.app.add_url_rule("/api/v1/<path:_>", view_func=self.answer, methods=["GET", "POST", "DELETE"])

    def answer(self, _: str) -> Response:
        """Return the next answer."""
        self.keys.append(request.headers.get("Idempotency-Key"))
        status, body, headers = self.answers.pop(0)
        return Response(body, status=status, headers=headers)


CODE = (
    '{"account": "default", "scene": "a", "is_integer": false, "is_permanent": false, "ticket": "t", '
    '"url": "u", "created_at": "2026-01-01T00:00:00Z", "expires_at": null}'
)
PROBLEM = '{"status": 503, "code": "try_again", "detail": "later"}'
BUSY = (503, PROBLEM, {"Content-Type": "application/problem+json", "Retry-After": "0"})
LOST = (502, "<html>bad gateway</html>", {"Content-Type": "text/html"})
WELL = (200, CODE, {"Content-Type": "application/json"})


@pytest.fixture
def serve() -> Iterator[Any]:
    """Return what serves answers to a client."""
    with_end: list[Any] = []

    def serve(*answers: Any) -> tuple[Flaky, Client]:
        flaky = Flaky(*answers)
        running = Running(flaky.app)
        with_end.append(running)
        client = Client(running.__enter__().url, "wxb_a_secret")
        with_end.append(client)
        return flaky, client

    yield serve
    for each in reversed(with_end):
        each.__exit__(None, None, None)


def test_call_is_repeated_with_the_same_key(serve: Any) -> None:
    flaky, client = serve(BUSY, BUSY, WELL)

    assert client.codes.mint("a").scene == "a"

    assert len(flaky.keys) == 3 and len(set(flaky.keys)) == 1 and flaky.keys[0]


def test_two_calls_have_two_keys(serve: Any) -> None:
    flaky, client = serve(WELL, WELL)

    client.codes.mint("a")
    client.codes.mint("a")

    assert len(set(flaky.keys)) == 2


def test_removal_whose_answer_was_lost_has_succeeded(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls_module, "_PAUSE_SECONDS", 0.01)
    kind = {"Content-Type": "application/problem+json"}
    gone = (404, '{"status": 404, "code": "not_found", "detail": "no"}', kind)
    _, client = serve(LOST, gone, gone, BUSY, gone)

    client.webhooks.remove("0123456789abcdef")

    for _ in ("never was there", "was told to wait, and nothing was done"):
        with pytest.raises(NotFoundError):
            client.webhooks.remove("0123456789abcdef")


def test_repeating_comes_to_an_end(serve: Any) -> None:
    flaky, client = serve(*[BUSY] * 5)

    with pytest.raises(UnavailableError):
        client.codes.mint("a")

    assert len(flaky.keys) == calls_module.TRIES


def test_call_that_still_runs_is_no_conflict(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls_module, "_PAUSE_SECONDS", 0)
    problem = '{"status": 409, "code": "idempotency_running", "detail": "wait"}'
    running = (409, problem, {"Content-Type": "application/problem+json", "Retry-After": "0"})
    _, client = serve(LOST, running, running)

    with pytest.raises(UnavailableError, match="idempotency_running"):
        client.codes.mint("a")


@pytest.mark.parametrize(
    "answer",
    [
        (200, "<html>login</html>", {"Content-Type": "text/html"}),
        (200, "[]", {"Content-Type": "application/json"}),
        (200, '{"scene": "a"}', {"Content-Type": "application/json"}),
        (200, '{"sce', {"Content-Type": "application/json"}),
        (302, "", {"Location": "http://127.0.0.1:9/steal"}),
        (502, "<html>bad gateway</html>", {"Content-Type": "text/html"}),
        (500, "[]", {"Content-Type": "application/problem+json"}),
    ],
    ids=["page", "list", "other", "half", "redirect", "proxy", "odd"],
)
def test_what_is_no_answer_of_a_bot_is_an_error(
    serve: Any, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    monkeypatch.setattr(calls_module, "_PAUSE_SECONDS", 0)
    _, client = serve(*[answer] * 3)

    with pytest.raises(UnreachableError):
        client.codes.find("a")


def test_bot_out_of_reach_is_an_error_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls_module, "_PAUSE_SECONDS", 0)
    client = Client(f"http://127.0.0.1:{free_port()}", "wxb_a_secret", timeout=1)

    with pytest.raises(UnreachableError):
        client.claims.make("order", "42")


def test_secret_is_told_to_nobody(
    monkeypatch: pytest.MonkeyPatch, serve: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(calls_module, "_PAUSE_SECONDS", 0)
    caplog.set_level("DEBUG")
    _, client = serve(*[(403, PROBLEM, {"Content-Type": "application/problem+json"})] * 2)
    # Not as they stand here: a traceback quotes the line.
    said, openid = "您" + "好", "o-of-" + "somebody"
    told = [repr(client), str(client), repr(vars(client))]
    away = Client(f"http://127.0.0.1:{free_port()}", "wxb_a_secret", timeout=1)

    for each in (client, away):
        with pytest.raises(ClientError) as failed:
            each.messages.send(said, openid=openid)
        told.append("".join(traceback.format_exception(failed.value)))

    for text in (*told, caplog.text):
        assert not any(secret in text for secret in ("wxb_a_secret", openid, said))


def test_key_read_from_a_file_may_end_with_the_line(bot: Wx, url: str, key: str) -> None:
    with Client(url, f"{key}\r\n") as client:
        assert client.codes.mint("door").scene == "door"


@pytest.mark.parametrize("rest", ["\nX-More: 1", " more", "中", "é"])
def test_key_that_cannot_be_sent_is_refused_and_not_told(rest: str) -> None:
    with pytest.raises(ValueError, match="no API key") as failed:
        Client("http://127.0.0.1:9", "wxb_a_" + "secret" + rest)

    assert "wxb_a_secret" not in "".join(traceback.format_exception(failed.value))


@pytest.mark.parametrize("address", ["bot.example.com", "127.0.0.1:8000", "//bot.example.com", "https:/bot"])
def test_address_without_its_scheme_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="https://"):
        Client(address, "wxb_a_secret")


def test_data_that_is_no_json_is_the_callers_mistake(serve: Any) -> None:
    flaky, client = serve()

    with pytest.raises(ValueError, match="JSON"):
        client.claims.make("order", "42", data={"amount": float("nan")})
    assert flaky.keys == []


def test_netrc_does_not_take_the_place_of_the_key(
    bot: Wx, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))

    assert client.codes.mint("door").scene == "door"
