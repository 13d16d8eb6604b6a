"""Logins: one live one a session, wrong numbers counted, and codes that the site can exchange once."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, update

from wxbot.bindings.bindings import Bindings
from wxbot.bindings.claim import Claim, Offer, State
from wxbot.bindings.claims import Claims
from wxbot.bindings.logins import (
    CODE_SECONDS,
    Attempt,
    Logins,
    is_exchanged,
    note_wrong,
    number_of,
    waiting,
)
from wxbot.db.business import claim_steps
from wxbot.db.business import claims as table
from wxbot.db.statements import database_now
from wxbot.followers import person

AILIN, BO = "o-ailin", "o-bo"
STATE = "a state of the site's"


@pytest.fixture
def bindings(engine: Engine) -> Bindings:
    """Return the bindings of the database."""
    return Bindings(engine)


@pytest.fixture
def logins(engine: Engine, claims: Claims, bindings: Bindings) -> Logins:
    """Return the logins of the database."""
    return Logins(engine, claims, bindings)


def attempt(browser: str = "b1", **changes: Any) -> Attempt:
    """Return what a browser asks for."""
    values: dict[str, Any] = {
        "account": "default",
        "browser": browser,
        "device": "d1",
        "return_to": "https://shop.test/login",
        "state": STATE,
        "about": {"browser": "Chrome"},
        "language": "zh-CN",
        "digits": 4,
        "lifetime_seconds": 120,
    }
    return Attempt(**values | changes)


def confirmed(logins: Logins, claims: Claims, openid: str = AILIN, **changes: Any) -> Claim:
    """Return a login that somebody has confirmed."""
    claim = logins.begin(attempt(**changes))
    claims.claim(claim.account, claim.scene, openid)
    done = claims.confirm(claim.account, claim.id, openid=openid)
    assert done is not None
    return done


def anybody(_account: str) -> bool:
    """Let the site learn of all accounts."""
    return True


def test_a_session_has_one_live_login(logins: Logins, claims: Claims) -> None:
    first = logins.begin(attempt())
    claims.claim("default", first.scene, AILIN)
    second = logins.begin(attempt())
    other = logins.begin(attempt("b2"))

    logins.begin(attempt())

    states = [claims.find("default", each.id) for each in (first, second, other)]
    assert [each.state for each in states if each] == [State.CANCELLED, State.CANCELLED, State.OPEN]


def test_of_logins_that_begin_at_once_one_lives(logins: Logins, claims: Claims) -> None:
    barrier = threading.Barrier(6)

    def begin() -> None:
        barrier.wait()
        logins.begin(attempt())

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    states = [str(each.state) for each in claims.of_subject("default", "login", "b1")]
    # Six were begun; who finds their own called off, and no other alive, begins once more.
    assert len(states) >= 6
    assert sorted(states) == ["cancelled"] * (len(states) - 1) + ["open"]


def test_login_that_others_called_off_while_it_called_off_theirs_is_begun_again(
    logins: Logins, claims: Claims, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = claims.make
    called_off: list[Claim] = []

    def make_beside_others(offer: Offer) -> Claim:
        claim = make(offer)
        if len(called_off) < 2:
            called_off.append(claim)
            claims.cancel("default", claim.id, detail="replaced")
        return claim

    monkeypatch.setattr(claims, "make", make_beside_others)

    claim = logins.begin(attempt())

    found = claims.find("default", claim.id)
    assert found is not None and found.state is State.OPEN and claim not in called_off


def test_a_number_has_its_digits_and_does_not_begin_with_nought(logins: Logins) -> None:
    numbers = {number_of(logins.begin(attempt(digits=2))) for _ in range(30)}

    assert all(len(each) == 2 and 10 <= int(each) <= 99 for each in numbers) and len(numbers) > 5


def test_only_the_person_who_scanned_has_a_login_waiting(logins: Logins, claims: Claims) -> None:
    claim = logins.begin(attempt())
    assert waiting(claims, "default", AILIN) is None

    claims.claim("default", claim.scene, AILIN)

    mine = waiting(claims, "default", AILIN)
    assert mine is not None and mine.id == claim.id
    assert waiting(claims, "default", BO) is None and waiting(claims, "second", AILIN) is None


def test_what_others_offer_as_a_login_is_none(logins: Logins, claims: Claims) -> None:
    offer = Offer(account="default", purpose="login", subject="b1", made_by="key")
    made = claims.make(offer)
    claims.claim("default", made.scene, AILIN)

    assert waiting(claims, "default", AILIN) is None
    assert logins.find("default", made.id, "b1") is None


def test_the_last_wrong_number_calls_the_login_off(logins: Logins, claims: Claims) -> None:
    claim = logins.begin(attempt())
    claims.claim("default", claim.scene, AILIN)

    left = [note_wrong(claims, claim, tries=3) for _ in range(4)]

    found = claims.find("default", claim.id)
    assert left == [2, 1, 0, 0]
    assert found is not None and found.state is State.CANCELLED
    assert claims.confirm("default", claim.id, openid=AILIN) is None


def test_a_code_says_who_confirmed(logins: Logins, claims: Claims) -> None:
    claim = confirmed(logins, claims)
    code = logins.code(claim)
    assert code is not None and not is_exchanged(claims, claim)

    login = logins.exchange(code, STATE, is_allowed=anybody)

    assert login is not None
    assert (login.id, login.account) == (claim.id.hex(), "default")
    assert login.person == person("default", AILIN).hex()
    assert (login.site_users, login.is_new) == ((), True)
    assert login.confirmed_at >= claim.created_at
    assert is_exchanged(claims, claim)


def test_only_a_confirmed_login_has_codes(logins: Logins, claims: Claims) -> None:
    claim = logins.begin(attempt())
    assert logins.code(claim) is None
    claims.claim("default", claim.scene, AILIN)
    assert logins.code(claim) is None


def test_a_code_is_exchanged_once_and_so_is_a_login(logins: Logins, claims: Claims) -> None:
    claim = confirmed(logins, claims)
    first, second = logins.code(claim), logins.code(claim)
    assert first and second

    assert logins.exchange(first, STATE, is_allowed=anybody) is not None
    assert logins.exchange(first, STATE, is_allowed=anybody) is None
    assert logins.exchange(second, STATE, is_allowed=anybody) is None


def test_of_many_who_exchange_at_once_one_wins(logins: Logins, claims: Claims) -> None:
    code = logins.code(confirmed(logins, claims)) or ""
    won: list[object] = []
    barrier = threading.Barrier(6)

    def exchange() -> None:
        barrier.wait()
        won.append(logins.exchange(code, STATE, is_allowed=anybody))

    threads = [threading.Thread(target=exchange) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert len(won) == 6 and sum(each is not None for each in won) == 1


@pytest.mark.parametrize(
    ("change", "state", "accounts"),
    [
        (lambda code: code, "another state", ["default"]),
        (lambda code: code, "", ["default"]),
        (lambda code: code, STATE, ["second"]),
        (lambda code: code[:-1] + ("A" if code[-1] != "A" else "B"), STATE, ["default"]),
        (lambda code: "0" * 32 + code[32:], STATE, ["default"]),
        (lambda code: code[:32], STATE, ["default"]),
        (lambda code: "", STATE, ["default"]),
        (lambda code: code + "\n", STATE, ["default"]),
    ],
    ids=[
        "another state",
        "no state",
        "another account",
        "changed",
        "of no login",
        "the id alone",
        "none",
        "a line end",
    ],
)
def test_what_is_no_code_tells_nothing_and_spoils_nothing(
    change: Callable[[str], str], state: str, accounts: list[str], logins: Logins, claims: Claims
) -> None:
    code = logins.code(confirmed(logins, claims)) or ""

    refused = logins.exchange(change(code), state, is_allowed=accounts.__contains__)

    assert refused is None
    assert logins.exchange(code, STATE, is_allowed=anybody) is not None


@pytest.mark.parametrize(("age", "is_good"), [(CODE_SECONDS - 10, True), (CODE_SECONDS, False)])
def test_a_code_is_good_for_a_minute(
    age: int, is_good: bool, logins: Logins, claims: Claims, engine: Engine
) -> None:
    code = logins.code(confirmed(logins, claims)) or ""
    with engine.begin() as connection:
        issued = update(claim_steps).where(claim_steps.c.step == "code")
        connection.execute(issued.values(at=database_now() - age))

    assert (logins.exchange(code, STATE, is_allowed=anybody) is not None) == is_good


@pytest.mark.parametrize(("late", "is_good"), [(CODE_SECONDS - 10, True), (CODE_SECONDS, False)])
def test_a_login_is_exchanged_a_minute_after_its_end_at_the_latest(
    late: int, is_good: bool, logins: Logins, claims: Claims, expire: Callable[..., None]
) -> None:
    claim = confirmed(logins, claims)
    expire(claim.id, -late)
    code = logins.code(claim) or ""

    assert (logins.exchange(code, STATE, is_allowed=anybody) is not None) == is_good


def test_a_login_of_somebody_erased_is_not_exchanged(logins: Logins, claims: Claims, engine: Engine) -> None:
    claim = confirmed(logins, claims)
    code = logins.code(claim) or ""
    with engine.begin() as connection:
        connection.execute(update(table).where(table.c.id == claim.id).values(person=None, openid=None))

    assert logins.exchange(code, STATE, is_allowed=anybody) is None


def test_a_login_that_was_taken_back_is_not_exchanged(logins: Logins, claims: Claims) -> None:
    claim = confirmed(logins, claims)
    code = logins.code(claim) or ""
    claims.release("default", claim.id)

    assert logins.exchange(code, STATE, is_allowed=anybody) is None
    assert logins.code(claim) is None


def test_a_bound_person_comes_with_the_sites_user(logins: Logins, claims: Claims, bindings: Bindings) -> None:
    bindings.bind("default", "user-7", AILIN)

    login = logins.exchange(logins.code(confirmed(logins, claims)) or "", STATE, is_allowed=anybody)

    assert login is not None and (login.site_users, login.is_new) == (("user-7",), False)


def test_who_has_logged_in_before_is_not_new(logins: Logins, claims: Claims) -> None:
    confirmed(logins, claims, browser="b0")
    confirmed(logins, claims, BO, browser="b2")

    known = logins.exchange(logins.code(confirmed(logins, claims)) or "", STATE, is_allowed=anybody)

    assert known is not None and not known.is_new


def test_steps_of_a_kit_need_the_state_and_are_not_told(engine: Engine) -> None:
    told: list[str] = []
    claims = Claims(engine, tell=lambda _connection, _claim, step: told.append(step))
    claim = claims.make(Offer(account="default", purpose="login", subject="b1"))

    counts = [claims.note("default", claim.id, "seen", state=state) for state in (State.OPEN, State.CLAIMED)]
    again = claims.note("default", claim.id, "seen", state=State.OPEN)

    assert (counts, again) == ([1, None], 2)
    assert claims.note("second", claim.id, "seen", state=State.OPEN) is None
    assert told == ["made"]
    assert [step.step for step in claims.steps("default", claim.id)] == ["made", "seen", "seen"]


def test_a_late_login_takes_no_steps(logins: Logins, claims: Claims, expire: Callable[..., None]) -> None:
    claim = logins.begin(attempt())
    claims.claim("default", claim.scene, AILIN)
    expire(claim.id)

    assert waiting(claims, "default", AILIN) is None
    assert claims.note("default", claim.id, "seen", state=State.CLAIMED) is None


def test_logins_that_nobody_confirmed_expire(
    logins: Logins, claims: Claims, expire: Callable[..., None]
) -> None:
    late, timely, done = (logins.begin(attempt(browser)) for browser in ("b1", "b2", "b3"))
    order = claims.make(Offer(account="default", purpose="order", subject="7"))
    for each in (late, timely, done, order):
        claims.claim("default", each.scene, f"o-{each.subject}")
    claims.confirm("default", done.id)
    for each in (late, done, order):
        expire(each.id)

    assert (claims.expire(), claims.expire()) == (1, 0)

    states = {each.subject: claims.find("default", each.id) for each in (late, timely, done, order)}
    assert {name: str(each.state) for name, each in states.items() if each} == {
        "b1": "expired",
        "b2": "claimed",
        "b3": "confirmed",
        "7": "claimed",
    }


def test_old_logins_are_forgotten_and_orders_are_not(logins: Logins, claims: Claims, engine: Engine) -> None:
    confirmed(logins, claims)
    order = claims.make(Offer(account="default", purpose="order", subject="7"))
    claims.claim("default", order.scene, AILIN)
    assert claims.forget_old(30) == 0
    with engine.begin() as connection:
        connection.execute(update(table).values(created_at=database_now() - 31 * 86_400))

    assert claims.forget_old(30) == 1

    assert [each.purpose for each in claims.of_person("default", AILIN)] == ["order"]
