"""A token that is refused: renewed once, by force only when nothing else helps, and never in a loop."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from wxbot.db.models import access_tokens
from wxbot.emulator.rules import Trouble
from wxbot.emulator.world import World
from wxbot.tokens import FORCES_A_DAY, Tokens
from wxbot.wechat.api import ApiAccount, ApiClient
from wxbot.wechat.errcodes import ApiError, BlockedError, TokenRefusedError

Accounts = Callable[..., ApiAccount]
KEY = "a key for tests, long enough to be used"


def mint(client: ApiClient) -> str:
    return client.create_qrcode(scene="door", is_permanent=False, expires_in=60).ticket


@pytest.mark.parametrize(("kind", "path"), [("stable", "stable_token"), ("classic", "token")])
def test_expired_token_is_renewed_once_and_the_call_repeated_once(
    world: World, account: Accounts, client: Callable[..., ApiClient], *, kind: str, path: str
) -> None:
    one, other = client(account(kind)), client(account(kind))
    mint(one)
    world.tokens.expire_all(world.clock.now())

    assert mint(one) and mint(other)

    assert world.asked == {path: 2, "qrcode/create": 4}


def test_token_that_somebody_renewed_meanwhile_is_not_fetched_again(
    world: World, account: Accounts, tokens: Callable[..., Tokens]
) -> None:
    one, other = (tokens(account()).source("default") for _ in range(2))
    old = one.current()
    world.tokens.expire_all(world.clock.now())

    new = one.refused(old)

    assert other.refused(old) == new != old
    assert world.asked["stable_token"] == 2


def test_stable_token_is_forced_only_when_wechat_gives_the_refused_one_again(
    world: World, account: Accounts, tokens: Callable[..., Tokens]
) -> None:
    source = tokens(account()).source("default")
    old = source.current()

    new = source.refused(old)

    assert new != old
    assert world.asked["stable_token"] == 3


@pytest.mark.parametrize(("kind", "path"), [("stable", "stable_token"), ("classic", "token")])
def test_api_that_refuses_every_token_costs_three_fetches_for_a_thousand_calls(
    world: World, account: Accounts, client: Callable[..., ApiClient], *, kind: str, path: str
) -> None:
    caller = client(account(kind))
    world.trouble = Trouble(api_faults=("*=40001",))

    errors: list[ApiError] = []
    for _ in range(1000):
        with pytest.raises(ApiError) as refused:
            mint(caller)
        errors.append(refused.value)

    assert world.asked[path] <= 3 and world.asked["qrcode/create"] <= 4
    assert [type(error) for error in (errors[0], errors[-1])] == [TokenRefusedError, BlockedError]
    assert "refuses even new access tokens" in str(errors[-1])


def test_refused_tokens_cost_less_and_less_as_time_goes_by(
    world: World, account: Accounts, client: Callable[..., ApiClient], time: Any
) -> None:
    caller = client(account())
    world.trouble = Trouble(api_faults=("*=40001",))

    for _ in range(6 * 30):
        with pytest.raises(ApiError):
            mint(caller)
        time.passes(120)

    # Three in ten minutes, and some more at the beginning.
    assert world.asked["stable_token"] <= 6 * 6 * 3 + 12


def test_api_that_accepts_tokens_again_is_used_again(
    world: World, account: Accounts, client: Callable[..., ApiClient], time: Any
) -> None:
    caller = client(account())
    world.trouble = Trouble(api_faults=("*=40001",))
    for _ in range(3):
        with pytest.raises(ApiError):
            mint(caller)
    world.trouble = Trouble()

    with pytest.raises(BlockedError):
        mint(caller)
    time.passes(61)

    assert mint(caller)


@pytest.mark.parametrize("seconds", [60, 700, 3600, 86400])
def test_clock_that_is_set_back_does_not_lift_the_limits(
    world: World, account: Accounts, client: Callable[..., ApiClient], time: Any, seconds: int
) -> None:
    caller = client(account())
    world.trouble = Trouble(api_faults=("*=40001",))
    with pytest.raises(TokenRefusedError):
        mint(caller)
    fetched = world.asked["stable_token"]

    time.passes(-seconds)
    for _ in range(150):
        with pytest.raises(ApiError):
            mint(caller)
        time.passes(2)

    assert world.asked["stable_token"] - fetched <= 9
    world.trouble = Trouble()
    time.passes(600)
    assert mint(caller)


def test_force_that_lies_ahead_counts_as_one_of_now(
    account: Accounts, tokens: Callable[..., Tokens], engine: Engine, time: Any
) -> None:
    source = tokens(account()).source("default")
    token = source.current()
    forced_at = int(time.now().timestamp()) + 10 * 86400
    with engine.begin() as connection:
        connection.execute(update(access_tokens).values(forced_at=forced_at, forces=1))

    with pytest.raises(TokenRefusedError):
        source.refused(token)
    time.passes(600)

    assert source.current() == token
    assert source.refused(token) != token


def test_forces_of_a_day_are_those_of_a_day_in_china(
    account: Accounts, tokens: Callable[..., Tokens], engine: Engine, time: Any
) -> None:
    time.begins(timedelta(days=1))
    source = tokens(account()).source("default")
    source.current()
    forced = {"forced_at": int(time.now().timestamp()), "forces": FORCES_A_DAY}
    with engine.begin() as connection:
        connection.execute(update(access_tokens).values(**forced))

    time.passes(9 * 3600)
    token = source.current()
    with pytest.raises(TokenRefusedError):
        source.refused(token)

    time.passes(15 * 3600)
    token = source.current()
    assert source.refused(token) != token


def test_stored_token_is_sealed_and_one_that_does_not_open_is_fetched_anew(
    world: World, account: Accounts, tokens: Callable[..., Tokens], engine: Engine
) -> None:
    token = tokens(account()).source("default").current()

    with engine.connect() as connection:
        stored = connection.execute(select(access_tokens.c.token)).scalar_one()
    assert token.encode() not in stored

    newer = "a newer key for tests, long enough to be used"
    assert tokens(account(), keys=(newer, KEY)).source("default").current() == token
    assert world.asked["stable_token"] == 1
    tokens(account(), keys=(newer,)).source("default").current()
    assert world.asked["stable_token"] == 2


def test_lease_left_by_a_clock_that_was_wrong_does_not_hold_anybody_up(
    account: Accounts, tokens: Callable[..., Tokens], engine: Engine, time: Any
) -> None:
    source = tokens(account()).source("default")
    source.current()
    later = int(time.now().timestamp()) + 86400
    values = {"token": None, "lease_until": later, "lease_by": b"x" * 16, "blocked_until": later}
    with engine.begin() as connection:
        connection.execute(update(access_tokens).values(**values))

    assert source.current()
