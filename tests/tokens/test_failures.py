"""When WeChat cannot be reached or refuses: bounded time, plain words, no secrets, and no hammering."""

import logging
import re
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from wxbot import clock
from wxbot.emulator.faults import SILENCE_SECONDS
from wxbot.emulator.rules import Rules, Trouble
from wxbot.emulator.world import World
from wxbot.tokens import Tokens
from wxbot.wechat.api import ApiAccount, ApiClient
from wxbot.wechat.errcodes import (
    AddressNotAllowedError,
    ApiError,
    BlockedError,
    QuotaError,
    UnreachableError,
)

SECRET = "canary-secret-0123456789abcdef"
WRONG_SECRET = "canary-but-wrong"
SCENE = "canary-scene"
PATHS = ["stable_token", "qrcode/create"]
Accounts = Callable[..., ApiAccount]
Clients = Callable[..., ApiClient]


def mint(client: ApiClient) -> str:
    return client.create_qrcode(scene=SCENE, is_permanent=False, expires_in=60).ticket


def everything_in(error: BaseException | None) -> str:
    """Return all that a log or an error tracker could show of an exception and those it came from."""
    shown = []
    while error is not None:
        shown += [repr(error), *traceback.format_exception(error), repr(vars(error))]
        error = error.__cause__ or error.__context__
    return "\n".join(shown)


def private(world: World) -> list[str]:
    return [SECRET, SCENE, *world.tokens._issued]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("fault", ["reset", "half", "html", "failure"])
def test_trouble_ends_in_time_and_shows_no_secret(
    world: World,
    account: Accounts,
    client: Clients,
    caplog: pytest.LogCaptureFixture,
    *,
    fault: str,
    path: str,
) -> None:
    assert_ends_in_time_and_shows_no_secret(world, client(account()), caplog, fault=fault, path=path)


# What is written is the same as for other trouble, and each of them waits for a second.
@pytest.mark.sqlite_only
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("fault", ["hang", "slow"])
def test_silence_ends_in_time_and_shows_no_secret(
    world: World,
    account: Accounts,
    client: Clients,
    caplog: pytest.LogCaptureFixture,
    *,
    fault: str,
    path: str,
) -> None:
    # Only the call that meets silence is given up soon; any other may have to wait for the machine.
    seconds = {"token_seconds" if path == "stable_token" else "seconds": 1.0}
    caller = client(account(), **seconds)
    assert_ends_in_time_and_shows_no_secret(world, caller, caplog, fault=fault, path=path)


def assert_ends_in_time_and_shows_no_secret(
    world: World, caller: ApiClient, caplog: pytest.LogCaptureFixture, *, fault: str, path: str
) -> None:
    """Let a call fail, and look at all that is said about it."""
    caplog.set_level(logging.DEBUG)
    world.trouble = Trouble(api_faults=(f"{path}={fault}",))

    began = clock.monotonic()
    with pytest.raises(UnreachableError) as failed:
        mint(caller)

    assert clock.monotonic() - began < SILENCE_SECONDS - 10
    # Without a token the call itself was not sent.
    assert failed.value.was_sent == (path != "stable_token") and failed.value.call == path
    shown = everything_in(failed.value) + caplog.text
    assert not [secret for secret in private(world) if secret in shown]
    assert path == "stable_token" or len(world.tokens._issued) == 1


@pytest.mark.parametrize("kind", ["stable", "classic"])
def test_wrong_secret_is_told_and_not_shown(
    world: World, account: Accounts, client: Clients, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    caplog.set_level(logging.DEBUG)
    caller = client(account(kind, secret=WRONG_SECRET))

    with pytest.raises(ApiError, match="the AppSecret is wrong") as refused:
        mint(caller)

    assert refused.value.errcode == 40125
    assert WRONG_SECRET not in everything_in(refused.value) + caplog.text + repr(caller.account)


def test_missing_secret_is_told_without_a_call(world: World, account: Accounts, client: Clients) -> None:
    with pytest.raises(ApiError, match=r"set `secret` of \[accounts.default\]"):
        mint(client(account(secret="")))

    assert not world.asked


def test_server_that_is_not_there_was_sent_nothing(client: Clients) -> None:
    nowhere = ApiAccount(name="default", appid="wx0", secret=SECRET, api_base="http://127.0.0.1:9")

    with pytest.raises(UnreachableError, match="cannot be reached") as failed:
        mint(client(nowhere))

    assert not failed.value.was_sent
    assert SECRET not in everything_in(failed.value)


@pytest.mark.parametrize("kind", ["stable", "classic"])
def test_address_to_whitelist_is_named_also_while_nobody_asks(
    world: World, account: Accounts, client: Clients, kind: str
) -> None:
    world.rules = Rules(ip_whitelist=("203.0.113.9",))
    caller = client(account(kind))

    with pytest.raises(AddressNotAllowedError, match=r"127\.0\.0\.1 .*whitelist") as refused:
        mint(caller)
    with pytest.raises(BlockedError, match=r"127\.0\.0\.1 .*whitelist"):
        mint(caller)

    assert refused.value.address == "127.0.0.1"
    assert world.asked.total() == 1


def test_used_up_token_quota_says_when_it_ends_and_stops_the_fetching(
    world: World, account: Accounts, client: Clients, time: Any
) -> None:
    time.begins(timedelta(days=1))
    world.rules = Rules(token_calls_a_day=0)
    caller = client(account("classic"))

    with pytest.raises(QuotaError, match=r"begin anew at \d{4}-\d\d-\d\d 16:00:00 UTC") as refused:
        mint(caller)
    for _ in range(50):
        with pytest.raises(BlockedError, match="begin anew at"):
            mint(caller)

    assert timedelta() < refused.value.ends_at - time.now() <= timedelta(days=1)
    assert world.asked["token"] == 1


def test_used_up_calls_say_when_they_begin_anew(
    world: World, account: Accounts, client: Clients, time: Any
) -> None:
    time.begins(timedelta(minutes=1))
    world.rules = Rules(code_calls_a_minute=0)

    with pytest.raises(QuotaError, match="of this minute are used up") as refused:
        mint(client(account()))

    assert isinstance(refused.value.ends_at, datetime)
    assert timedelta() <= refused.value.ends_at - time.now() <= timedelta(minutes=1)


@pytest.mark.parametrize(("errcode", "pause"), [(45009, 600), (45011, 60)])
def test_used_up_calls_are_not_made_until_they_may_work_again(
    world: World, account: Accounts, client: Clients, time: Any, *, errcode: int, pause: int
) -> None:
    caller = client(account())
    world.trouble = Trouble(api_faults=(f"qrcode/create={errcode}",))
    for _ in range(20):
        with pytest.raises(QuotaError, match="begin anew at"):
            mint(caller)
    world.trouble = Trouble()
    made = world.asked["qrcode/create"]
    time.passes(pause)

    assert mint(caller)
    # The minute may have ended between two of the calls.
    assert made == 1 or (errcode, made) == (45011, 2)


def test_used_up_calls_are_made_again_when_a_clock_that_was_ahead_is_set_right(
    world: World, account: Accounts, client: Clients, time: Any
) -> None:
    caller = client(account())
    time.passes(2 * 86_400)
    world.trouble = Trouble(api_faults=("qrcode/create=45009",))
    with pytest.raises(QuotaError):
        mint(caller)
    world.trouble = Trouble()

    time.passes(-2 * 86_400)

    assert mint(caller)


def test_token_endpoint_that_keeps_failing_is_asked_less_and_less(
    world: World, account: Accounts, tokens: Callable[..., Tokens], time: Any
) -> None:
    source = tokens(account()).source("default")
    world.trouble = Trouble(api_faults=("stable_token=failure",))

    for _ in range(600):
        with pytest.raises(ApiError) as failed:
            source.current()
        time.passes(1)

    assert world.asked["stable_token"] <= 10
    assert re.search(r"HTTP 500", str(failed.value))
    world.trouble = Trouble()
    time.passes(300)
    assert source.current()
