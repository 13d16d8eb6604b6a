"""Many claim one token at once, in several processes: one wins. With WXBOT_LONG=1, in 1,000 rounds."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wxbot.bindings.claim import Offer
from wxbot.bindings.claims import Claims

PROGRAM = Path(__file__).with_name("racing.py")
IS_LONG = os.environ.get("WXBOT_LONG") == "1"
ROUNDS = 1000 if IS_LONG else 20
PROCESSES, THREADS, CLAIMS = 4, 8, 500

Race = Callable[..., Counter[str]]


@pytest.fixture
def start_race(url: str) -> Iterator[Callable[..., Race]]:
    """Start the processes; what is returned lets them claim, and tells all outcomes."""
    started: list[subprocess.Popen[str]] = []

    def start(*, is_careless: bool = False) -> Race:
        for number in range(PROCESSES):
            asked = {"database": url, "process": number, "threads": THREADS, "is_careless": is_careless}
            asked["claims"] = CLAIMS // PROCESSES
            started.append(
                subprocess.Popen(
                    [sys.executable, str(PROGRAM), json.dumps(asked)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
        for process in started:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
        return race

    def race(*scenes: str) -> Counter[str]:
        for number, process in enumerate(started):
            assert process.stdin is not None
            process.stdin.write(f"{scenes[number % len(scenes)]}\n")
            process.stdin.flush()
        told = [process.stdout.readline() for process in started if process.stdout is not None]
        return Counter(outcome for line in told for outcome in json.loads(line))

    yield start
    for process in started:
        process.kill()
        process.communicate()


def offer(number: int) -> Offer:
    return Offer(account="default", purpose="order", subject=str(number))


@pytest.mark.timeout(7200 if IS_LONG else 180)
def test_of_500_claims_of_one_token_exactly_one_wins(claims: Claims, start_race: Callable[..., Race]) -> None:
    race = start_race()

    for number in range(ROUNDS):
        made = claims.make(offer(number))
        assert race(made.scene) == {"claimed": 1, "used": CLAIMS - 1}
        assert [step.step for step in claims.steps("default", made.id)] == ["made", "claimed"]


@pytest.mark.timeout(180)
def test_race_shows_a_claim_without_a_condition(claims: Claims, start_race: Callable[..., Race]) -> None:
    race = start_race(is_careless=True)

    assert any(race(claims.make(offer(number)).scene)["claimed"] > 1 for number in range(5))


@pytest.mark.timeout(180)
def test_of_many_codes_for_one_subject_one_is_claimed(
    claims: Claims, start_race: Callable[..., Race]
) -> None:
    race = start_race()

    for number in range(5):
        codes = [claims.make(offer(number)) for _ in range(PROCESSES)]
        outcomes = race(*(code.scene for code in codes))
        each = CLAIMS // PROCESSES
        assert outcomes == {"claimed": 1, "used": each - 1, "held": CLAIMS - each}
        assert claims.held("default", "order", str(number)) is not None
