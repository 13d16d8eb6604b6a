"""One-time claims: who gets them, who reads what, and what is left to be asked about later."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, text, update

from wxbot.bindings import rows
from wxbot.bindings.claim import Claim, Claiming, Offer, OfferError, Outcome, State
from wxbot.bindings.claims import Claims
from wxbot.db.business import claims as table
from wxbot.db.session import UnitOfWork
from wxbot.followers import person

AILIN, BO = "o-ailin", "o-bo"


def order(number: str = "42", **options: Any) -> Offer:
    return Offer(account="default", purpose="order", subject=number, **options)


def steps(claims: Claims, claim: Claim) -> list[str]:
    return [step.step for step in claims.steps("default", claim.id)]


def test_scene_begins_with_the_purpose_and_holds_128_random_bits(claims: Claims) -> None:
    made = [claims.make(order("20261121-0042")).scene for _ in range(50)]

    assert all(re.fullmatch("order:[A-Za-z0-9_-]{22}", scene) for scene in made)
    assert len(set(made)) == 50 and not [scene for scene in made if "0042" in scene and "2026" in scene]


def test_claim_is_found_by_id_and_by_scene_of_its_account_only(claims: Claims) -> None:
    made = claims.make(order(data={"总价": "99 元"}, made_by="key", lifetime_seconds=60))

    assert claims.find("default", made.id) == claims.find_scene("default", made.scene) == made
    assert (made.state, made.data, made.made_by) == (State.OPEN, {"总价": "99 元"}, "key")
    assert made.expires_at == made.created_at + 60
    assert claims.find("second", made.id) is None and claims.find_scene("second", made.scene) is None
    assert claims.claim("second", made.scene, AILIN).outcome is Outcome.UNKNOWN


def test_first_person_claims_and_scans_again_with_the_same_success(claims: Claims) -> None:
    made = claims.make(order())

    first, again = (claims.claim("default", made.scene, AILIN) for _ in range(2))

    assert (first.outcome, again.outcome) == (Outcome.CLAIMED, Outcome.AGAIN)
    assert first.claim == again.claim is not None
    assert first.claim.person == person("default", AILIN) and first.claim.openid == AILIN
    assert steps(claims, made) == ["made", "claimed"]


def test_second_person_learns_nothing(claims: Claims) -> None:
    made = claims.make(order())
    claims.claim("default", made.scene, AILIN)

    assert claims.claim("default", made.scene, BO) == Claiming(outcome=Outcome.USED)
    assert claims.claim("default", made.scene, AILIN).outcome is Outcome.AGAIN


def test_expiry_counts_to_the_second(claims: Claims, expire: Callable[..., None]) -> None:
    early, late = claims.make(order("1")), claims.make(order("2"))
    expire(early.id, 60)
    expire(late.id)

    assert claims.claim("default", early.scene, AILIN).outcome is Outcome.CLAIMED
    assert claims.claim("default", late.scene, AILIN).outcome is Outcome.EXPIRED
    found = claims.find("default", late.id)
    assert found is not None and found.state is State.EXPIRED


def test_whoever_claimed_in_time_keeps_it_after_the_expiry(
    claims: Claims, expire: Callable[..., None]
) -> None:
    made = claims.make(order())
    claims.claim("default", made.scene, AILIN)
    expire(made.id, -60)

    assert claims.claim("default", made.scene, AILIN).outcome is Outcome.AGAIN
    assert claims.claim("default", made.scene, BO).outcome is Outcome.USED
    assert claims.expire() == 0


def test_confirmation_is_for_who_claimed_and_in_time(claims: Claims, expire: Callable[..., None]) -> None:
    made = claims.make(order())
    assert claims.confirm("default", made.id) is None
    claims.claim("default", made.scene, AILIN)

    assert claims.confirm("default", made.id, openid=BO) is None
    assert claims.confirm("second", made.id) is None
    expire(made.id)
    assert claims.confirm("default", made.id, openid=AILIN) is None
    expire(made.id, 60)
    confirmed = claims.confirm("default", made.id, openid=AILIN)

    assert confirmed is not None and confirmed.state is State.CONFIRMED
    assert claims.confirm("default", made.id, openid=AILIN) is None
    assert claims.cancel("default", made.id) is None
    assert claims.claim("default", made.scene, AILIN).outcome is Outcome.AGAIN
    assert steps(claims, made) == ["made", "claimed", "confirmed"]


def test_cancelled_claim_is_not_good_any_more(claims: Claims) -> None:
    made = claims.make(order())

    cancelled = claims.cancel("default", made.id, detail="paid otherwise")

    assert cancelled is not None and cancelled.state is State.CANCELLED and cancelled.ended_at
    assert claims.claim("default", made.scene, AILIN).outcome is Outcome.CANCELLED
    assert claims.cancel("default", made.id) is None
    assert claims.steps("default", made.id)[-1].detail == "paid otherwise"


def test_late_claim_is_called_off_only_when_somebody_claimed_it(
    claims: Claims, expire: Callable[..., None]
) -> None:
    nobodys, somebodys = claims.make(order("42")), claims.make(order("43"))
    claims.claim("default", somebodys.scene, AILIN)
    for each in (nobodys, somebodys):
        expire(each.id)

    assert claims.cancel("default", nobodys.id) is None
    assert claims.cancel("default", somebodys.id) is not None
    assert claims.expire() == 1
    assert steps(claims, nobodys) == ["made", "expired"]


def test_all_open_claims_on_a_subject_can_be_called_off(claims: Claims) -> None:
    taken, first, second, other = (claims.make(order(number)) for number in ("42", "42", "42", "43"))
    claims.claim("default", taken.scene, AILIN)

    assert claims.cancel_open("default", "order", "42") == 2
    states = [each.state for each in claims.of_subject("default", "order", "42")]
    assert sorted(states) == ["cancelled", "cancelled", "claimed"]
    assert claims.claim("default", other.scene, AILIN).outcome is Outcome.CLAIMED
    assert claims.claim("default", second.scene, AILIN).outcome is Outcome.CANCELLED
    assert claims.claim("default", first.scene, BO).outcome is Outcome.CANCELLED


def test_released_subject_is_free_for_a_new_code(claims: Claims) -> None:
    old = claims.make(order())
    claims.claim("default", old.scene, AILIN)

    assert claims.release("default", old.id, openid=BO) is None
    released = claims.release("default", old.id, openid=AILIN, detail="by the person")
    new = claims.make(order())

    assert released is not None and released.state is State.RELEASED
    assert claims.held("default", "order", "42") is None
    assert claims.claim("default", old.scene, AILIN).outcome is Outcome.RELEASED
    assert claims.claim("default", new.scene, BO).outcome is Outcome.CLAIMED
    assert steps(claims, old) == ["made", "claimed", "released"]


def test_subject_has_one_holder_however_many_codes_there_are(claims: Claims) -> None:
    first, second = claims.make(order()), claims.make(order())
    claims.claim("default", first.scene, AILIN)

    assert claims.claim("default", second.scene, BO) == Claiming(outcome=Outcome.HELD)
    assert claims.held("default", "order", "42") == claims.find("default", first.id)
    assert steps(claims, second) == ["made"]


def test_holder_who_scans_a_new_code_changes_to_it(claims: Claims) -> None:
    first, second = claims.make(order()), claims.make(order())
    claims.claim("default", first.scene, AILIN)

    assert claims.claim("default", second.scene, AILIN).outcome is Outcome.CLAIMED
    held = claims.held("default", "order", "42")
    assert held is not None and held.id == second.id
    assert steps(claims, first) == ["made", "claimed", "replaced"]


def test_holder_keeps_the_old_claim_when_the_new_one_is_gone_meanwhile(
    claims: Claims, engine: Engine, expire: Callable[..., None]
) -> None:
    first, read_as_open = claims.make(order()), claims.make(order())
    claims.claim("default", first.scene, AILIN)
    held = claims.held("default", "order", "42")
    expire(read_as_open.id)

    with engine.begin() as connection:
        who = person("default", AILIN)
        assert not rows.take(rows.Book(connection), read_as_open, person=who, openid=AILIN, former=held)

    assert claims.held("default", "order", "42") == held is not None
    assert steps(claims, first) == ["made", "claimed"]


def test_shared_subject_has_a_holder_for_each_code(claims: Claims) -> None:
    codes = [claims.make(order(is_exclusive=False)) for _ in range(2)]

    outcomes = [
        claims.claim("default", code.scene, who).outcome for code, who in zip(codes, (AILIN, BO), strict=True)
    ]

    assert outcomes == [Outcome.CLAIMED] * 2
    assert claims.held("default", "order", "42") is None


def test_forgotten_person_is_known_again_by_scanning(claims: Claims) -> None:
    made = claims.make(order())
    claims.claim("default", made.scene, AILIN)

    assert claims.forget_person("default", AILIN) == 1
    forgotten = claims.find("default", made.id)
    assert forgotten is not None and forgotten.openid is None and forgotten.state is State.CLAIMED
    assert claims.forget_person("default", AILIN) == claims.forget_person("default", BO) == 0

    again = claims.claim("default", made.scene, AILIN)
    assert again.outcome is Outcome.AGAIN and again.claim is not None and again.claim.openid == AILIN
    assert claims.of_person("default", AILIN) == [again.claim]
    assert steps(claims, made) == ["made", "claimed", "forgotten", "known again"]


def test_sweep_writes_down_what_is_too_late(claims: Claims, expire: Callable[..., None]) -> None:
    late, open_ = [claims.make(order(str(number))) for number in range(3)], claims.make(order("x"))
    for each in late:
        expire(each.id, -1)

    assert (claims.expire(), claims.expire()) == (3, 0)
    assert steps(claims, late[0]) == ["made", "expired"] and steps(claims, open_) == ["made"]
    assert claims.claim("default", late[0].scene, AILIN).outcome is Outcome.EXPIRED


def test_sweep_finds_what_came_to_nothing_while_no_worker_was_there(
    claims: Claims, expire: Callable[..., None]
) -> None:
    forgotten, recent = (
        claims.make(Offer(account="default", purpose="link", subject=str(number))) for number in range(2)
    )
    for each in (forgotten, recent):
        claims.claim("default", each.scene, AILIN)
    expire(forgotten.id, -40 * 86_400)
    before = claims.expire()
    expire(recent.id, -60)

    assert (before, claims.expire(), claims.expire()) == (1, 1, 0)
    assert steps(claims, forgotten) == ["made", "claimed", "expired"]


def test_ended_claims_are_deleted_after_their_days(claims: Claims, engine: Engine) -> None:
    ended, held = claims.make(order("1")), claims.make(order("2"))
    claims.cancel("default", ended.id)
    claims.claim("default", held.scene, AILIN)
    assert claims.forget_old(30) == 0
    with engine.begin() as connection:
        connection.execute(update(table).values(created_at=1))
        connection.execute(update(table).where(table.c.ended_at.is_not(None)).values(ended_at=1))

    assert claims.forget_old(30) == 1
    assert claims.find("default", ended.id) is None and claims.find("default", held.id) is not None
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM claim_steps")) == 2


def test_claim_is_committed_with_the_event_or_not_at_all(claims: Claims, engine: Engine) -> None:
    made = claims.make(order())

    lost = UnitOfWork(engine)
    assert claims.claim("default", made.scene, AILIN, within=lost.session()).outcome is Outcome.CLAIMED
    lost.close()
    kept = UnitOfWork(engine)
    assert claims.claim("default", made.scene, BO, within=kept.session()).outcome is Outcome.CLAIMED
    assert kept.commit(lambda _: True)

    assert claims.claim("default", made.scene, AILIN).outcome is Outcome.USED
    assert steps(claims, made) == ["made", "claimed"]


def test_refused_claim_leaves_the_handlers_other_work_in_place(claims: Claims, engine: Engine) -> None:
    first, second = claims.make(order()), claims.make(order())
    claims.claim("default", first.scene, AILIN)

    unit = UnitOfWork(engine)
    session = unit.session()
    other = claims.make(order("7"), within=session)
    assert claims.claim("default", second.scene, BO, within=session).outcome is Outcome.HELD
    assert unit.commit(lambda _: True)

    assert claims.find("default", other.id) == other


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject": ""},
        {"subject": " 42"},
        {"subject": "4\x002"},
        {"subject": "\ud800"},
        {"subject": "x" * 129},
        {"purpose": "Order"},
        {"purpose": "a" * 17},
        {"purpose": "a:b"},
        {"lifetime_seconds": 0},
        {"lifetime_seconds": 2_592_001},
        {"made_by": "x" * 33},
        {"data": {"x": object()}},
        {"data": {"x": float("nan")}},
        {"data": {"x": "y" * 16_000}},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
@pytest.mark.sqlite_only
def test_what_cannot_be_kept_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(OfferError):
        Offer(**{"account": "default", "purpose": "order", "subject": "42", **wrong})
