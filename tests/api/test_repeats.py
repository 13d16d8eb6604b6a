"""A POST with an Idempotency-Key has one effect, whoever sends it how often, and whatever crashes between."""

import os
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, update

from wxbot.api import idempotency
from wxbot.api.idempotency import Answer, Attempt, Book, StillRunningError, asked, forget_answered
from wxbot.bindings.claim import Offer
from wxbot.bindings.claims import Claims
from wxbot.db.business import claims, idempotent_requests
from wxbot.qrcodes.mint import Minter

pytestmark = pytest.mark.every_store

BODY = {"purpose": "order", "subject": "42"}
CALLS = 10_000 if os.environ.get("WXBOT_LONG") == "1" else 200


def count(engine: Engine, table: Any = claims) -> int:
    """Return how many rows a table has."""
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def let_pass(engine: Engine, seconds: int) -> None:
    """Let the requests be so much older."""
    older = idempotent_requests.c.created_at - seconds
    with engine.begin() as connection:
        connection.execute(update(idempotent_requests).values(created_at=older))


@pytest.fixture
def book(api_engine: Engine) -> Book:
    """Return the requests on record."""
    return Book(api_engine, secret_keys=["a key for tests, long enough to be used"])


def test_repeat_gets_the_first_answer(site: Any, api_engine: Engine) -> None:
    first = site.post("/claims", BODY, once="a")
    site.post(f"/claims/{first.json['id']}/cancel")

    again = site.post("/claims", dict(reversed(BODY.items())), once="a")

    assert (again.status_code, again.json) == (201, first.json)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true" and again.content_type == "application/json"
    assert count(api_engine) == 1 and len(site.world.codes.minted) == 1


def test_key_with_another_request_is_refused(site: Any, api_engine: Engine) -> None:
    first = site.post("/claims", BODY, once="a")

    others = [
        site.post("/claims", {**BODY, "subject": "43"}, once="a"),
        site.post("/qrcodes", {"scene": "a"}, once="a"),
        site.post(f"/claims/{first.json['id']}/cancel", once="a"),
    ]

    assert {(each.status_code, each.json["code"]) for each in others} == {(409, "idempotency_mismatch")}
    assert count(api_engine) == 1
    assert site.get(f"/claims/{first.json['id']}").json["state"] == "open"


def test_keys_of_two_callers_are_their_own(site: Any, api_engine: Engine) -> None:
    first = site.post("/claims", BODY, once="a").json["id"]
    site.key = site.keys.create("other").text

    assert site.post("/claims", BODY, once="a").json["id"] != first
    assert count(api_engine) == 2


def test_change_is_made_once(site: Any) -> None:
    claim = site.post("/claims", BODY).json
    path = f"/claims/{claim['id']}/cancel"

    answers = [site.post(path, once="a"), site.post(path, once="a"), site.post(path, once="b")]

    assert [each.status_code for each in answers] == [200, 200, 409]
    assert answers[0].json == answers[1].json


def test_refusal_is_not_kept(site: Any) -> None:
    claim = site.post("/claims", BODY).json
    path = f"/claims/{claim['id']}/confirm"
    assert site.post(path, once="a").status_code == 409

    site.claims.claim("default", claim["scene"], "ailin")

    assert site.post(path, once="a").status_code == 200


@pytest.mark.parametrize("key", ["", "a b", "ä", "x" * 256])
def test_key_that_cannot_be_one_is_refused(site: Any, api_engine: Engine, key: str) -> None:
    answer = site.post("/claims", BODY, once=key)

    assert (answer.status_code, answer.json["code"]) == (422, "bad_idempotency_key")
    assert count(api_engine) == 0


def test_what_is_kept_cannot_be_read(site: Any, api_engine: Engine) -> None:
    claim = site.post("/claims", BODY, once="a").json

    with api_engine.connect() as connection:
        kept = repr(connection.execute(select(idempotent_requests)).all())
    assert claim["scene"] not in kept and claim["code"]["ticket"] not in kept and claim["id"] not in kept


def test_repeat_waits_while_the_first_runs(site: Any, api_engine: Engine) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def slowly(*_: object) -> None:
        begun.set()
        assert may_end.wait(20)

    site.claims._tell = slowly  # as a webhook would be told, in the transaction
    answers: list[Any] = []
    first = threading.Thread(target=lambda: answers.append(site.post("/claims", BODY, once="a")))
    first.start()
    assert begun.wait(20)

    meanwhile = site.post("/claims", BODY, once="a")
    may_end.set()
    first.join()
    afterwards = site.post("/claims", BODY, once="a")

    assert (meanwhile.status_code, meanwhile.json["code"]) == (409, "idempotency_running")
    assert meanwhile.headers["Retry-After"] == "1"
    assert (answers[0].status_code, afterwards.json) == (201, answers[0].json)
    assert count(api_engine) == 1


@pytest.mark.timeout(900)
@pytest.mark.parametrize("with_code", [False, True], ids=["claim", "claim-and-code"])
def test_calls_at_the_same_time_have_one_effect(site: Any, api_engine: Engine, with_code: bool) -> None:
    body = {**BODY, "with_code": with_code}
    site.claims.make(Offer(account="default", purpose="order", subject="warm"))

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: site.post("/claims", body, once="a"), range(CALLS)))

    seen = Counter(each.status_code for each in answers)
    assert set(seen) <= {201, 409} and seen[201] >= 1, seen
    assert len({each.text for each in answers if each.status_code == 201}) == 1
    assert {each.json["code"] for each in answers if each.status_code == 409} <= {"idempotency_running"}
    assert count(api_engine) == 2 and len(site.world.codes.minted) == int(with_code)


def kill(*_: object, **__: object) -> None:
    """Stand for a process that ends here: nothing after it is done."""
    raise SystemError("killed")


def crash(site: Any, monkeypatch: pytest.MonkeyPatch, owner: type, name: str, body: Any) -> None:
    """Send a claim whose process is killed when it comes to this method."""
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, kill)
        patch.setattr(Attempt, "give_up", lambda _: None)  # what is dead tidies nothing up
        assert site.post("/claims", body, once="a").status_code == 500


@pytest.mark.parametrize(
    ("owner", "name", "effects"),
    [(Claims, "make", 0), (Attempt, "finish", 0), (Minter, "mint", 1), (Attempt, "finish_alone", 1)],
    ids=["before", "in-the-transaction", "between-claim-and-code", "before-the-record"],
)
def test_crash_neither_loses_nor_doubles(
    site: Any,
    api_engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    owner: type,
    name: str,
    effects: int,
) -> None:
    body = {**BODY, "with_code": effects == 1}
    crash(site, monkeypatch, owner, name, body)
    assert count(api_engine) == effects

    too_early = site.post("/claims", body, once="a")
    let_pass(api_engine, idempotency.LEASE_SECONDS)
    again = site.post("/claims", body, once="a")
    repeat = site.post("/claims", body, once="a")

    assert too_early.json["code"] == "idempotency_running"
    assert (again.status_code, repeat.json) == (201, again.json)
    assert count(api_engine) == 1 and len(site.world.codes.minted) == effects
    assert (again.json["code"] is not None) == (effects == 1)


def test_failure_can_be_repeated_at_once(site: Any, api_engine: Engine, monkeypatch: Any) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Minter, "mint", kill)
        assert site.post("/claims", BODY, once="a").status_code == 500

    again = site.post("/claims", BODY, once="a")

    assert (again.status_code, count(api_engine)) == (201, 1)


def test_attempt_that_was_taken_for_lost_has_no_effect(
    book: Book, api_engine: Engine, expect_lost: Callable[[Attempt], None]
) -> None:
    request = asked("key", "a", b"POST")
    slow = book.begin(request)
    let_pass(api_engine, idempotency.LEASE_SECONDS)
    other = book.begin(request)
    assert isinstance(slow, Attempt) and isinstance(other, Attempt)
    slow._since -= idempotency.LEASE_SECONDS  # as old as its row was made

    expect_lost(slow)
    slow.give_up()
    other.finish_alone(Answer(status=200, text="{}"))
    expect_lost(slow)

    assert count(api_engine) == 0
    assert book.begin(request) == Answer(status=200, text="{}")


@pytest.fixture
def expect_lost(api_engine: Engine) -> Callable[[Attempt], None]:
    """Return what lets an attempt do its work in vain."""

    def expect(attempt: Attempt) -> None:
        offer = Offer(account="default", purpose="order", subject="42")
        with pytest.raises(StillRunningError), api_engine.begin() as connection:
            Claims(api_engine).make(offer, within=connection)
            attempt.finish(connection, Answer(status=201, text="{}"))

    return expect


def test_lost_request_is_taken_over_by_one(book: Book, api_engine: Engine) -> None:
    request = asked("key", "a", b"POST")
    book.begin(request)
    let_pass(api_engine, idempotency.LEASE_SECONDS)

    def begin(_: int) -> str:
        try:
            return type(book.begin(request)).__name__
        except StillRunningError:
            return "running"

    with ThreadPoolExecutor(8) as threads:
        seen = Counter(threads.map(begin, range(8)))

    assert seen == {"Attempt": 1, "running": 7}


def test_requests_are_forgotten_after_a_day(site: Any, api_engine: Engine) -> None:
    site.post("/claims", BODY, once="old")
    let_pass(api_engine, idempotency.KEPT_SECONDS - 60)
    site.post("/claims", BODY, once="new")

    assert forget_answered(api_engine) == 0
    let_pass(api_engine, 61)
    assert forget_answered(api_engine) == 1

    assert "Idempotent-Replayed" in site.post("/claims", BODY, once="new").headers
    assert "Idempotent-Replayed" not in site.post("/claims", BODY, once="old").headers


def test_answer_sealed_with_a_key_that_is_gone_is_not_made_again(site: Any, api_engine: Engine) -> None:
    site.post("/claims", BODY, once="a")
    other = Book(api_engine, secret_keys=["another key for tests, long enough to be used"])

    with api_engine.connect() as connection:
        row = connection.execute(select(idempotent_requests)).one()
    request = idempotency.Asked(api_key=row.api_key, key=row.key, request=row.request)

    with pytest.raises(idempotency.MismatchError, match="cannot be read"):
        other.begin(request)
