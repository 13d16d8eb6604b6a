"""Tokens and numbers of linking when many try at the same moment: one binding, five tries."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine

from wxbot.bindings.bindings import Bindings, Bound, Policy
from wxbot.bindings.claim import Claim, Offer
from wxbot.bindings.claims import Claims
from wxbot.bindings.linking import PAGE_DIGITS, TRIES, Confirming, Linking, TakenError, number_of

AILIN = "oAilinAilinAilinAilinAilinAi"
THREADS = 8


@pytest.fixture
def bindings(engine: Engine) -> Bindings:
    """Return bindings that allow a person any number of users, so that only the token is in the way."""
    return Bindings(engine, Policy.MANY_USERS)


@pytest.fixture
def linking(engine: Engine, claims: Claims, bindings: Bindings) -> Linking:
    """Return the linking of the database."""
    return Linking(engine, claims, bindings)


def scanned(claims: Claims) -> Claim:
    """Return a claim to link that Ailin has scanned."""
    claim = claims.make(Offer(account="default", purpose="link", subject="u1"))
    claims.claim("default", claim.scene, AILIN)
    return claim


def test_a_token_binds_one_of_many(linking: Linking, bindings: Bindings) -> None:
    for _ in range(5):
        token = linking.offer("default", AILIN)

        def bind(number: int, token: str = token) -> Bound | None:
            return linking.bind(token, f"{token[:8]}-{number}", is_allowed=lambda _: True)

        with ThreadPoolExecutor(THREADS) as threads:
            bound = [each for each in threads.map(bind, range(THREADS)) if each is not None]

        assert len(bound) == 1
    assert len(bindings.of_person("default", AILIN)) == 5


def test_a_token_outlives_a_user_who_is_taken(linking: Linking, bindings: Bindings) -> None:
    bindings.bind("default", "u1", "oBo")
    token = linking.offer("default", AILIN)

    with pytest.raises(TakenError):
        linking.bind(token, "u1", is_allowed=lambda _: True)

    assert linking.bind(token, "u2", is_allowed=lambda _: True) is not None


def test_five_numbers_are_looked_at_however_many_come_at_once(
    linking: Linking, claims: Claims, bindings: Bindings
) -> None:
    claim = scanned(claims)
    right = int(number_of(claim.id, AILIN, digits=PAGE_DIGITS))
    wrong = [str(100_000 + (right - 100_000 + step) % 900_000) for step in range(1, 25)]

    with ThreadPoolExecutor(THREADS) as threads:
        said = list(threads.map(lambda number: linking.confirm("default", claim.id, number), wrong))

    assert said.count(Confirming.WRONG) == TRIES - 1
    assert said.count(Confirming.ENDED) == len(wrong) - TRIES + 1
    assert linking.confirm("default", claim.id, str(right)) is Confirming.ENDED
    assert bindings.of_person("default", AILIN) == []


def test_the_right_number_binds_once(linking: Linking, claims: Claims, bindings: Bindings) -> None:
    claim = scanned(claims)
    right = number_of(claim.id, AILIN, digits=PAGE_DIGITS)

    with ThreadPoolExecutor(THREADS) as threads:
        said = list(threads.map(lambda _: linking.confirm("default", claim.id, right), range(TRIES)))

    assert sorted(said) == [Confirming.DONE, *[Confirming.ENDED] * (TRIES - 1)]
    assert [each.site_user for each in bindings.of_person("default", AILIN)] == ["u1"]


@pytest.mark.sqlite_only
def test_numbers_are_spread_over_all_there_are() -> None:
    numbers = {number_of(bytes([number]) * 16, AILIN, digits=PAGE_DIGITS) for number in range(200)}

    assert len(numbers) > 195
    assert all(len(each) == PAGE_DIGITS and each[0] != "0" for each in numbers)
