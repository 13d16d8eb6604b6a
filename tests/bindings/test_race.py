"""Many claim one token at once, in several processes: one wins. With WXBOT_LONG=1, in 1,000 rounds."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.services import fresh_database_url
from wxbot.bindings.claim import Offer
from wxbot.bindings.claims import Claims
from wxbot.db.engine import open_engine

PROGRAM = Path(__file__).with_name("racing.py")
IS_LONG = os.environ.get("WXBOT_LONG") == "1"
ROUNDS = 1000 if IS_LONG else 10
PROCESSES, THREADS, CLAIMS = 4, 8, 500

Race = Callable[..., Counter[str]]


@pytest.fixture(scope="module")
def url(store: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a database of each store: starting the processes takes longer than their races."""
    return fresh_database_url(tmp_path_factory.mktemp("race"))


@pytest.fixture(scope="module")
def engine(url: str) -> Iterator[Engine]:
    """Return an engine on it."""
    engine = open_engine(url, connections=8)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def processes(url: str) -> Iterator[list[subprocess.Popen[str]]]:
    """Start the processes that claim."""
    started: list[subprocess.Popen[str]] = []
    for number in range(PROCESSES):
        asked = {"database": url, "process": number, "threads": THREADS, "claims": CLAIMS // PROCESSES}
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
    yield started
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def race(processes: list[subprocess.Popen[str]]) -> Race:
    """Return what lets the processes claim, and tells all outcomes."""

    def race(*scenes: str, is_careless: bool = False) -> Counter[str]:
        for number, process in enumerate(processes):
            asked = {"scene": scenes[number % len(scenes)], "is_careless": is_careless}
            assert process.stdin is not None
            process.stdin.write(f"{json.dumps(asked)}\n")
            process.stdin.flush()
        told = [process.stdout.readline() for process in processes if process.stdout is not None]
        return Counter(outcome for line in told for outcome in json.loads(line))

    return race


def offer(number: int, *, purpose: str = "order") -> Offer:
    return Offer(account="default", purpose=purpose, subject=str(number))


@pytest.mark.timeout(7200 if IS_LONG else 180)
def test_of_500_claims_of_one_token_exactly_one_wins(claims: Claims, race: Race) -> None:
    for number in range(ROUNDS):
        made = claims.make(offer(number))
        assert race(made.scene) == {"claimed": 1, "used": CLAIMS - 1}
        assert [step.step for step in claims.steps("default", made.id)] == ["made", "claimed"]


@pytest.mark.timeout(180)
def test_race_shows_a_claim_without_a_condition(claims: Claims, race: Race) -> None:
    made = (claims.make(offer(number, purpose="careless")) for number in range(5))

    assert any(race(each.scene, is_careless=True)["claimed"] > 1 for each in made)


@pytest.mark.timeout(180)
def test_of_many_codes_for_one_subject_one_is_claimed(claims: Claims, race: Race) -> None:
    for number in range(5):
        codes = [claims.make(offer(number, purpose="login")) for _ in range(PROCESSES)]
        outcomes = race(*(code.scene for code in codes))
        each = CLAIMS // PROCESSES
        assert outcomes == {"claimed": 1, "used": each - 1, "held": CLAIMS - each}
        assert claims.held("default", "login", str(number)) is not None
