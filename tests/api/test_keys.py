"""API keys are shown once, kept as digests, and end when they are revoked."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from tests.services import fresh_database_url
from wxbot.api.keys import KeyNameError, Keys
from wxbot.db.engine import open_engine
from wxbot.db.models import metadata


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = datetime(2026, 5, 1, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the time."""
        return self.time

    def move(self, seconds: int) -> None:
        """Let time pass."""
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Return an engine on the database, without keys."""
    engine = open_engine(fresh_database_url(tmp_path), connections=4)
    yield engine
    engine.dispose()


@pytest.fixture
def clock() -> Clock:
    """Return the clock of the keys."""
    return Clock()


@pytest.fixture
def keys(engine: Engine, clock: Clock) -> Keys:
    """Return an empty set of keys."""
    return Keys(engine, now=clock.now)


def test_key_is_known_by_what_was_shown(keys: Keys) -> None:
    made = keys.create("shop")

    found = keys.verify(made.text)

    assert found is not None and (found.id, found.name) == (made.id, "shop")
    assert made.text.startswith(f"wxb_{made.id}_")


def test_secret_is_nowhere_to_be_found_again(keys: Keys, engine: Engine) -> None:
    made = keys.create("shop")

    secret = made.text.removeprefix(f"wxb_{made.id}_")
    with engine.connect() as connection:
        kept = repr([connection.execute(select(table)).all() for table in metadata.sorted_tables])
    assert secret not in kept and secret.encode().hex() not in kept.lower()
    assert secret not in repr(made) + repr(keys.all())


def test_keys_differ(keys: Keys) -> None:
    made = [keys.create("shop") for _ in range(20)]

    assert len({key.text for key in made}) == len({key.id for key in made}) == 20


def test_revoked_key_is_refused(keys: Keys) -> None:
    made, other = keys.create("shop"), keys.create("other")

    assert keys.revoke(made.id)

    assert keys.verify(made.text) is None and not keys.is_active(made.id)
    assert keys.verify(other.text) is not None and keys.is_active(other.id)
    assert not keys.is_active("000000000000")


def test_key_is_revoked_once(keys: Keys, clock: Clock) -> None:
    made = keys.create("shop")
    keys.revoke(made.id)
    clock.move(100)

    assert not keys.revoke(made.id)

    assert keys.all()[0].revoked_at == int(clock.now().timestamp()) - 100
    assert not keys.revoke("000000000000")


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_key_that_was_changed_is_refused(keys: Keys, data: st.DataObject) -> None:
    text = keys.create("shop").text
    place = data.draw(st.integers(0, len(text) - 1))
    char = data.draw(st.characters().filter(lambda char: char != text[place]))

    assert keys.verify(text[:place] + char + text[place + 1 :]) is None


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text())
def test_what_is_no_key_is_refused(keys: Keys, text: str) -> None:
    assert keys.verify(text) is None


def test_secret_of_one_key_does_not_open_another(keys: Keys) -> None:
    one, other = keys.create("one"), keys.create("other")

    assert keys.verify(one.text.replace(one.id, other.id)) is None


def test_use_is_noted_at_most_once_a_minute(keys: Keys, clock: Clock) -> None:
    made = keys.create("shop")
    seen = [keys.all()[0].last_used_at]
    for seconds in (0, 59, 1):
        clock.move(seconds)
        keys.verify(made.text)
        seen.append(keys.all()[0].last_used_at)

    start = int(Clock().now().timestamp())
    assert seen == [None, start, start, start + 60]


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\nb", "\x1b[31m"])
def test_name_that_cannot_be_shown_is_refused(keys: Keys, name: str) -> None:
    with pytest.raises(KeyNameError, match="1 to 64"):
        keys.create(name)
