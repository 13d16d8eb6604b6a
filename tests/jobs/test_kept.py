"""Messages that wait for a person's next contact, and how long jobs are remembered."""

from typing import Any

import pytest
from sqlalchemy import Engine

from wxbot.jobs.kept import wake_kept
from wxbot.jobs.ledger import Ledger
from wxbot.jobs.retention import forget_finished

PERSON, EVENT = b"p" * 16, b"n" * 16


@pytest.fixture
def keep(ledger: Ledger, records: Any) -> Any:
    """Return what makes a kept message and returns its id."""

    def keep(person: bytes | None = PERSON) -> bytes:
        id: bytes = records.enqueue("wxbot.message", event_key=b"o" * 16, person=person, within_seconds=55)
        claimed = ledger.claim(id)
        assert claimed is not None and ledger.keep(claimed, "the window is over")
        return id

    return keep


def wake(engine: Engine) -> list[bytes]:
    with engine.begin() as connection:
        return wake_kept(connection, "default", PERSON, EVENT, 55)


def test_kept_messages_are_counted_and_wait(records: Any, ledger: Ledger, keep: Any) -> None:
    records.follow()

    id = keep()
    keep()

    assert (records.job(id).state, records.job(id).detail) == ("kept", "the window is over")
    assert records.kept_messages() == 2
    assert ledger.claim(id) is None and ledger.take_due(10) == [] and not ledger.replay(id)


def test_the_next_contact_wakes_them_under_its_own_event(
    engine: Engine, records: Any, ledger: Ledger, keep: Any
) -> None:
    records.follow()
    ids = [keep(), keep()]
    records.shift(ids[1], created_at=-5)

    assert wake(engine) == [ids[1], ids[0]]
    assert records.kept_messages() == 0 and wake(engine) == []
    claimed = ledger.claim(ids[0])
    assert claimed is not None
    assert (claimed.event_key, claimed.attempt, claimed.is_expired) == (EVENT, 1, False)
    assert 50 <= records.job(ids[0]).expires_at - records.job(ids[0]).run_at <= 56


def test_a_wake_that_is_rolled_back_changes_nothing(engine: Engine, records: Any, keep: Any) -> None:
    records.follow()
    id = keep()

    with pytest.raises(ZeroDivisionError), engine.begin() as connection:
        wake_kept(connection, "default", PERSON, EVENT, 55)
        raise ZeroDivisionError

    assert (records.job(id).state, records.kept_messages()) == ("kept", 1)


def test_a_message_for_nobody_is_dead(records: Any, keep: Any) -> None:
    for person in (None, b"q" * 16):
        id = keep(person)

        assert records.job(id).state == "dead" and "nobody" in records.job(id).detail


def test_old_ends_are_forgotten_and_nothing_else(
    engine: Engine, records: Any, ledger: Ledger, keep: Any, finish: Any
) -> None:
    records.follow()
    day = 86_400
    ended = [records.enqueue() for _ in range(4)]
    for id, state in zip(ended[:3], ("done", "dead", "unknown"), strict=True):
        claimed = ledger.claim(id)
        assert claimed is not None
        ledger.end(claimed, state, "")
    finish(ledger.claim(ended[3]))
    kept, fresh = keep(), keep()
    waiting = records.enqueue()
    for id in (*ended[:3], kept):
        records.shift(id, run_at=-31 * day, finished_at=-31 * day)
    records.shift(ended[3], run_at=-31 * day, finished_at=-29 * day)
    records.shift(waiting, run_at=-31 * day)

    assert forget_finished(engine, 30) == 4

    assert ledger.counts() == {"done": 1, "kept": 1, "waiting": 1}
    assert (records.job(fresh).state, records.kept_messages()) == ("kept", 1)
    assert forget_finished(engine, 30) == 0
