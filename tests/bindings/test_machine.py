"""Claims and bindings against a model in plain Python, whatever order things happen in.

On each database; with WXBOT_LONG=1, 2,000 runs of 200 steps.
"""

import itertools
import os
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, update

from wxbot.bindings.bindings import Bindings, Cause, Policy
from wxbot.bindings.claim import Offer
from wxbot.bindings.claims import Claims
from wxbot.db.business import claims as table
from wxbot.db.statements import database_now

IS_LONG = os.environ.get("WXBOT_LONG") == "1"
RUNS = 2000 if IS_LONG else 15
RUNS_ON_SERVERS = 2000 if IS_LONG else 4
STEPS = 200 if IS_LONG else 40

ACCOUNTS = st.sampled_from(["first", "second"])
PEOPLE = st.sampled_from(["o-ailin", "o-bo", "o-chen"])
SUBJECTS = st.sampled_from(["42", "43"])
USERS = st.sampled_from(["user-1", "user-2"])
_runs = itertools.count()


@dataclass
class Code:
    """What the model knows of a claim."""

    id: bytes
    scene: str
    account: str
    subject: str
    is_exclusive: bool
    state: str = "open"
    is_late: bool = False
    person: str | None = None
    is_known: bool = False  # its openid is there

    @property
    def shown(self) -> str:
        """Return the state as it is read."""
        return "expired" if self.state == "open" and self.is_late else self.state

    @property
    def is_held(self) -> bool:
        """Say whether somebody has it."""
        return self.state in ("claimed", "confirmed")

    def end(self, state: str) -> None:
        """End it."""
        self.state = state


class Machine(RuleBasedStateMachine):
    """What can happen to the claims and bindings of two accounts."""

    codes = Bundle("codes")
    engine: Engine

    def __init__(self) -> None:
        super().__init__()
        self.run = next(_runs)  # each run has accounts of its own, so that the database need not be emptied
        self.claims = Claims(self.engine)
        policy = list(Policy)[self.run % 3]
        self.bindings, self.policy = Bindings(self.engine, policy), policy
        self.model: list[Code] = []
        self.pairs: set[tuple[str, str, str]] = set()

    def named(self, account: str) -> str:
        return f"{account}-{self.run}"

    @rule(target=codes, account=ACCOUNTS, subject=SUBJECTS, is_exclusive=st.booleans())
    def make(self, account: str, subject: str, is_exclusive: bool) -> Code:
        offer = Offer(
            account=self.named(account), purpose="order", subject=subject, is_exclusive=is_exclusive
        )
        made = self.claims.make(offer)
        code = Code(made.id, made.scene, offer.account, subject, is_exclusive)
        self.model.append(code)
        return code

    @rule(code=codes, who=PEOPLE)
    def scan(self, code: Code, who: str) -> None:
        expected = self.expected(code, who)

        result = self.claims.claim(code.account, code.scene, who)

        assert result.outcome == expected
        assert (result.claim is not None) == (expected in ("claimed", "again"))
        if expected == "claimed":
            former = self.holder(code) if code.is_exclusive else None
            if former is not None:
                former.end("released")
            code.state, code.person = "claimed", who
        if expected in ("claimed", "again"):
            code.is_known = True

    def expected(self, code: Code, who: str) -> str:
        if code.is_held:
            return "again" if code.person == who else "used"
        if code.shown != "open":
            return code.shown
        holder = self.holder(code) if code.is_exclusive else None
        return "held" if holder is not None and holder.person != who else "claimed"

    def holder(self, code: Code) -> Code | None:
        alike = (
            each
            for each in self.model
            if each.is_exclusive
            and each.is_held
            and (each.account, each.subject) == (code.account, code.subject)
        )
        return next(alike, None)

    @rule(code=codes)
    def scan_by_all(self, code: Code) -> None:
        """First one, then the others, then the first one again."""
        for who in ("o-bo", "o-ailin", "o-chen", "o-bo"):
            self.scan(code, who)

    @rule(code=codes, who=PEOPLE)
    def scan_in_another_account(self, code: Code, who: str) -> None:
        other = self.named("second" if code.account == self.named("first") else "first")

        assert self.claims.claim(other, code.scene, who).outcome == "unknown"
        assert self.claims.release(other, code.id) is self.claims.cancel(other, code.id) is None

    @rule(code=codes)
    def let_expire(self, code: Code) -> None:
        with self.engine.begin() as connection:
            late = update(table).where(table.c.id == code.id).values(expires_at=database_now() - 1)
            connection.execute(late)
        code.is_late = True

    @rule()
    def sweep(self) -> None:
        late = [code for code in self.model if code.state == "open" and code.is_late]

        assert self.claims.expire() >= len(late)
        for code in late:
            code.end("expired")

    @rule(code=codes, who=st.none() | PEOPLE)
    def confirm(self, code: Code, who: str | None) -> None:
        is_good = code.state == "claimed" and not code.is_late and who in (None, code.person)

        assert (self.claims.confirm(code.account, code.id, openid=who) is not None) == is_good
        if is_good:
            code.state = "confirmed"

    @rule(code=codes)
    def cancel(self, code: Code) -> None:
        # What nobody claimed in time has expired, also before somebody has swept.
        is_good = code.shown in ("open", "claimed")

        assert (self.claims.cancel(code.account, code.id) is not None) == is_good
        if is_good:
            code.end("cancelled")

    @rule(code=codes, who=st.none() | PEOPLE)
    def release(self, code: Code, who: str | None) -> None:
        is_good = code.is_held and who in (None, code.person)

        assert (self.claims.release(code.account, code.id, openid=who) is not None) == is_good
        if is_good:
            code.end("released")

    @rule(account=ACCOUNTS, user=USERS, who=PEOPLE, is_replacing=st.booleans())
    def bind(self, account: str, user: str, who: str, is_replacing: bool) -> None:
        account = self.named(account)
        users = {pair for pair in self.pairs if pair[:2] == (account, user)} if self.policy.one_person else {}
        people = {pair for pair in self.pairs if pair[::2] == (account, who)} if self.policy.one_user else {}
        in_the_way = {*users, *people}
        if (account, user, who) in self.pairs:
            expected = "again"
        elif in_the_way and not is_replacing:
            expected = "user-taken" if users else "person-taken"
        else:
            expected = "bound"

        result = self.bindings.bind(account, user, who, is_replacing=is_replacing)

        assert result.outcome == expected
        assert len(result.ended) == (len(in_the_way) if expected == "bound" else 0)
        if expected == "bound":
            self.pairs = (self.pairs - in_the_way) | {(account, user, who)}

    @rule(account=ACCOUNTS, user=st.none() | USERS, who=PEOPLE)
    def unlink(self, account: str, user: str | None, who: str) -> None:
        account = self.named(account)
        mine = {pair for pair in self.pairs if pair[::2] == (account, who) and user in (None, pair[1])}

        ended = self.bindings.unlink(account, site_user=user, openid=who, by=Cause.PERSON)

        assert {(each.account, each.site_user, who) for each in ended} == mine
        self.pairs -= mine

    @rule(account=ACCOUNTS, who=PEOPLE)
    def unfollow(self, account: str, who: str) -> None:
        """What follows is that nobody is bound; who follows again is known by scanning."""
        account = self.named(account)
        known = [
            code for code in self.model if code.is_known and (code.account, code.person) == (account, who)
        ]

        assert self.claims.forget_person(account, who) == len(known)
        self.bindings.unlink(account, openid=who, by=Cause.UNFOLLOW)
        for code in known:
            code.is_known = False
        self.pairs = {pair for pair in self.pairs if pair[::2] != (account, who)}

    @invariant()
    def claims_are_as_in_the_model(self) -> None:
        for code in self.model[-6:]:
            found = self.claims.find(code.account, code.id)
            assert found is not None
            assert (found.state, found.openid) == (code.shown, code.person if code.is_known else None)
            assert self.claims.steps(code.account, code.id)[0].step == "made"
        for account, subject in itertools.product(("first", "second"), ("42", "43")):
            held = self.claims.held(self.named(account), "order", subject)
            about = Code(b"", "", self.named(account), subject, True)
            holder = self.holder(about)
            assert (held and held.id) == (holder and holder.id)

    @invariant()
    def bindings_are_as_in_the_model(self) -> None:
        for account, user in itertools.product(("first", "second"), ("user-1", "user-2")):
            found = self.bindings.of_user(self.named(account), user)
            people = {pair[2] for pair in self.pairs if pair[:2] == (self.named(account), user)}
            assert sorted(each.openid or "" for each in found) == sorted(people)


@pytest.mark.timeout(36_000 if IS_LONG else 240)
def test_claims_and_bindings_do_what_the_model_does(engine: Engine, store: str) -> None:
    kind: Any = type("Machine", (Machine,), {"engine": engine})

    run_state_machine_as_test(
        kind,
        settings=settings(
            max_examples=RUNS if store == "sqlite" else RUNS_ON_SERVERS,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
            # To make a failure small takes longer than the suite may, which then hides what failed.
            phases=set(Phase) if IS_LONG else set(Phase) - {Phase.shrink, Phase.explain},
        ),
    )
