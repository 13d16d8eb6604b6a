"""Followers and users of the site: who may be whom, and how that ends."""

import threading

import pytest
from sqlalchemy import Engine

from wxbot.bindings.bindings import Bindings, Cause, Outcome, Policy
from wxbot.bindings.claim import OfferError
from wxbot.db.session import UnitOfWork

AILIN, BO = "o-ailin", "o-bo"
USER, OTHER = "user-1", "user-2"


@pytest.mark.parametrize(
    ("policy", "user_again", "person_again"),
    [
        (Policy.ONE_TO_ONE, Outcome.USER_TAKEN, Outcome.PERSON_TAKEN),
        (Policy.MANY_USERS, Outcome.USER_TAKEN, Outcome.BOUND),
        (Policy.MANY_PERSONS, Outcome.BOUND, Outcome.PERSON_TAKEN),
    ],
)
def test_policy_says_who_may_be_whom(
    engine: Engine, policy: Policy, user_again: Outcome, person_again: Outcome
) -> None:
    bindings = Bindings(engine, policy)

    assert bindings.bind("default", USER, AILIN).outcome is Outcome.BOUND
    assert bindings.bind("default", USER, AILIN).outcome is Outcome.AGAIN
    assert bindings.bind("default", USER, BO).outcome is user_again
    assert bindings.bind("default", OTHER, AILIN).outcome is person_again


def test_binding_is_found_from_both_sides(engine: Engine) -> None:
    bindings = Bindings(engine)

    bound = bindings.bind("default", USER, AILIN, claim=b"c" * 16).binding

    assert bound is not None and (bound.openid, bound.claim) == (AILIN, b"c" * 16)
    assert bindings.of_user("default", USER) == bindings.of_person("default", AILIN) == [bound]
    assert bindings.of_user("second", USER) == bindings.of_person("default", BO) == []


def test_accounts_are_apart(engine: Engine) -> None:
    bindings = Bindings(engine)

    assert bindings.bind("default", USER, AILIN).outcome is Outcome.BOUND
    assert bindings.bind("second", USER, BO).outcome is Outcome.BOUND
    bindings.unlink("second", openid=BO, by=Cause.UNFOLLOW)

    assert [each.openid for each in bindings.of_user("default", USER)] == [AILIN]


@pytest.mark.parametrize(
    ("who", "by"),
    [
        ({"site_user": USER}, Cause.SITE),
        ({"openid": AILIN}, Cause.PERSON),
        ({"openid": AILIN}, Cause.UNFOLLOW),
        ({"site_user": USER, "openid": AILIN}, Cause.SITE),
    ],
)
def test_unlinking_from_either_side_frees_both(engine: Engine, who: dict[str, str], by: Cause) -> None:
    bindings = Bindings(engine)
    bindings.bind("default", USER, AILIN)

    [ended] = bindings.unlink("default", by=by, **who)

    assert (ended.ended_by, ended.openid) == (by, None) and ended.ended_at
    assert bindings.unlink("default", by=by, **who) == []
    assert bindings.bind("default", USER, BO).outcome is Outcome.BOUND
    assert bindings.bind("default", OTHER, AILIN).outcome is Outcome.BOUND
    assert {each.openid for each in bindings.history("default", USER)} == {None, BO}


def test_pair_is_unlinked_only_together(engine: Engine) -> None:
    bindings = Bindings(engine, Policy.MANY_USERS)
    bindings.bind("default", USER, AILIN)
    bindings.bind("default", OTHER, AILIN)

    assert bindings.unlink("default", site_user=USER, openid=BO, by=Cause.SITE) == []
    assert len(bindings.unlink("default", site_user=USER, openid=AILIN, by=Cause.SITE)) == 1
    assert [each.site_user for each in bindings.of_person("default", AILIN)] == [OTHER]
    with pytest.raises(ValueError, match="site_user"):
        bindings.unlink("default", by=Cause.SITE)


def test_replacing_ends_what_is_in_the_way(engine: Engine) -> None:
    bindings = Bindings(engine)
    bindings.bind("default", USER, AILIN)
    bindings.bind("default", OTHER, BO)

    bound = bindings.bind("default", USER, BO, is_replacing=True)

    assert bound.outcome is Outcome.BOUND
    assert {(each.site_user, each.ended_by) for each in bound.ended} == {(USER, "rebind"), (OTHER, "rebind")}
    assert bindings.of_person("default", AILIN) == bindings.of_user("default", OTHER) == []
    assert bindings.of_person("default", BO) == [bound.binding]


def test_stricter_policy_counts_what_was_bound_before(engine: Engine) -> None:
    lax, strict = Bindings(engine, Policy.MANY_USERS), Bindings(engine, Policy.ONE_TO_ONE)
    lax.bind("default", USER, AILIN)

    assert strict.bind("default", OTHER, AILIN).outcome is Outcome.PERSON_TAKEN
    assert lax.bind("default", OTHER, AILIN).outcome is Outcome.BOUND


def test_binding_is_committed_with_the_event_or_not_at_all(engine: Engine) -> None:
    bindings = Bindings(engine)

    lost, kept = UnitOfWork(engine), UnitOfWork(engine)
    bindings.bind("default", USER, AILIN, within=lost.session())
    lost.close()
    bindings.bind("default", USER, BO, within=kept.session())
    assert kept.commit(lambda _: True)

    assert [each.openid for each in bindings.of_user("default", USER)] == [BO]


@pytest.mark.sqlite_only
@pytest.mark.parametrize("name", ["", " ", "user ", "a\nb", "x" * 129])
def test_name_that_cannot_be_kept_is_refused(engine: Engine, name: str) -> None:
    with pytest.raises(OfferError, match="a user of the site"):
        Bindings(engine).bind("default", name, AILIN)


@pytest.mark.parametrize("is_replacing", [False, True])
def test_of_many_who_bind_at_once_one_is_bound(engine: Engine, is_replacing: bool) -> None:
    bindings = Bindings(engine)
    rounds, threads = 5, 6
    together = threading.Barrier(threads)
    won: list[int] = []

    def bind(number: int) -> None:
        for each in range(rounds):
            together.wait()
            bound = bindings.bind("default", f"user-{each}", f"o-{number}-{each}", is_replacing=is_replacing)
            if bound.outcome is Outcome.BOUND:
                won.append(each)

    crowd = [threading.Thread(target=bind, args=(number,)) for number in range(threads)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()

    assert [len(bindings.of_user("default", f"user-{each}")) for each in range(rounds)] == [1] * rounds
    assert sorted(won) == sorted([*range(rounds)] * (threads if is_replacing else 1))
