"""Who guesses finds nothing, reads the same as everybody, and is noticed."""

import logging
import os
import random
import secrets
import string
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, event

from wxbot import metrics
from wxbot.bindings.claim import Claiming, Offer, Outcome, is_scene
from wxbot.bindings.claims import Claims
from wxbot.bindings.misses import ALERT_AFTER, MOST_PEOPLE, WINDOW_SECONDS, Misses

GUESSES = 1_000_000 if os.environ.get("WXBOT_LONG") == "1" else 3_000
ALPHABET = string.ascii_letters + string.digits + "-_"


def guesses(genuine: list[str]) -> list[Callable[[int], str]]:
    """Return the ways of guessing: by chance, by number, near what exists."""
    dice = random.Random(1)

    def near(number: int) -> str:
        text = genuine[number % len(genuine)]
        at = dice.randrange(text.index(":") + 1, len(text))
        return text[:at] + dice.choice(ALPHABET.replace(text[at], "")) + text[at + 1 :]

    return [
        lambda _: f"order:{secrets.token_urlsafe(16)}",
        lambda number: f"order:{number:022d}",
        str,
        lambda number: f"order:{number}",
        near,
    ]


def alerts() -> float:
    """Return how many alerts are counted."""
    [line] = [
        line
        for line in metrics.exposition().decode().splitlines()
        if line.startswith("wxbot_claim_guessers_total ")
    ]
    return float(line.split()[1])


@pytest.mark.timeout(20_000)
def test_guesses_never_hit_and_all_answers_are_alike(claims: Claims) -> None:
    day = 86_400  # a million guesses take longer than a claim usually lives
    genuine = [
        claims.make(
            Offer(account="default", purpose="order", subject=str(number), lifetime_seconds=day)
        ).scene
        for number in range(50)
    ]
    ways = guesses(genuine)

    answers = {
        (result.outcome, result.claim)
        for number in range(GUESSES)
        for result in [claims.claim("default", ways[number % len(ways)](number), f"o-{number % 500}")]
    }

    assert answers == {(Outcome.UNKNOWN, None)}
    assert claims.claim("default", genuine[0], "o-ailin").outcome is Outcome.CLAIMED


def test_what_is_no_good_differs_in_its_outcome_only(claims: Claims, expire: Callable[..., None]) -> None:
    used, late, cancelled, released = (
        claims.make(Offer(account="default", purpose="order", subject=str(number))) for number in range(4)
    )
    claims.claim("default", used.scene, "o-bo")
    expire(late.id)
    claims.cancel("default", cancelled.id)
    claims.claim("default", released.scene, "o-ailin")
    claims.release("default", released.id)
    scenes = [used.scene, late.scene, cancelled.scene, released.scene, used.scene[:-1] + "?", "x"]

    results = [claims.claim("default", scene, "o-ailin") for scene in scenes]

    assert all(result == Claiming(outcome=result.outcome) and result.outcome.is_miss for result in results)
    assert not Outcome.HELD.is_miss and not Outcome.CLAIMED.is_miss and not Outcome.AGAIN.is_miss


def test_guesses_write_nothing(claims: Claims, engine: Engine) -> None:
    written: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: written.append(given[2]))

    claims.claim("default", f"order:{secrets.token_urlsafe(16)}", "o-ailin")

    assert [statement.split()[0] for statement in written] == ["SELECT"]


@pytest.mark.sqlite_only
@given(st.text())
def test_any_text_may_be_asked_for(text: str) -> None:
    assert not is_scene(text) or text.isascii()


@pytest.mark.parametrize("scene", ["", "\x00", "order:\ud800", "order:" + "x" * 5000, "订单:42", "order:a\n"])
def test_texts_that_no_database_takes_are_unknown(claims: Claims, scene: str) -> None:
    assert claims.claim("default", scene, "o-ailin").outcome is Outcome.UNKNOWN
    assert claims.find_scene("default", scene) is None


def test_twentieth_miss_of_a_person_is_told_without_the_openid(
    claims: Claims, caplog: pytest.LogCaptureFixture
) -> None:
    openid = "oAilinAilinAilinAilinAilin12"
    before = alerts()

    with caplog.at_level(logging.INFO):
        for number in range(ALERT_AFTER):
            assert "in vain" not in caplog.text
            claims.claim("default", str(number), openid)

    assert "in vain" in caplog.text and openid not in caplog.text
    assert alerts() == before + 1


@pytest.mark.sqlite_only
def test_misses_are_of_one_person_within_an_hour() -> None:
    now = 0.0
    misses = Misses(monotonic=lambda: now)

    assert not any(misses.note(person) for person in [b"a" * 16, b"b" * 16] * (ALERT_AFTER - 1))
    now = WINDOW_SECONDS
    assert not any(misses.note(b"a" * 16) for _ in range(ALERT_AFTER - 1))
    assert misses.note(b"a" * 16)
    assert sum(misses.note(b"a" * 16) for _ in range(ALERT_AFTER * 2)) == 2


@pytest.mark.sqlite_only
def test_misses_of_ever_so_many_people_are_bounded() -> None:
    misses = Misses()

    for number in range(MOST_PEOPLE + 50):
        misses.note(number.to_bytes(16, "big"))

    assert len(misses) == MOST_PEOPLE
