"""People, claims and bindings against a model in plain Python, through the events of two accounts.

Follows, unfollows and scans come as WeChat would push them, and a worker does what they cause, sooner or
later. On each database and for both settings; with WXBOT_LONG=1, 2,000 runs of 200 steps on SQLite.
"""

import itertools
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select, update

from tests.services import fresh_database_url
from wxbot import Plugin
from wxbot.bindings.bindings import Cause
from wxbot.bindings.claim import Offer
from wxbot.bot import Bot, build_bot
from wxbot.db.business import claims as claim_rows
from wxbot.db.engine import retire
from wxbot.db.models import followers
from wxbot.db.statements import database_now
from wxbot.events.records import Delivery
from wxbot.followers import Follower, person
from wxbot.people import forgetting
from wxbot.people.places import of_account
from wxbot.people.profiles import profile
from wxbot.settings import from_data
from wxbot.wechat.parse import parse_event
from wxbot.working import build_worker

IS_LONG = os.environ.get("WXBOT_LONG") == "1"
# The first run that Hypothesis makes is always one without a step.
RUNS = 2000 if IS_LONG else 4
RUNS_ON_SERVERS = 500 if IS_LONG else 2
STEPS = 200

ACCOUNTS = st.sampled_from(["first", "second"])
PEOPLE = st.sampled_from(["ailin", "bo", "chen"])
SUBJECTS = st.sampled_from(["42", "43"])
USERS = st.sampled_from(["u1", "u2"])
_EVENT = (
    "<xml><ToUserName>gh_1</ToUserName><FromUserName>{who}</FromUserName><CreateTime>{at}</CreateTime>"
    "<MsgType>event</MsgType><Event>{name}</Event><EventKey>{key}</EventKey>{more}</xml>"
)
_TICKET = "<Ticket>ticket</Ticket>"
_runs = itertools.count()


def site() -> Plugin:
    """Return handlers that claim and bind for whoever scans, and say what became of it."""
    plugin = Plugin("site")

    @plugin.scene("order:<token>")
    def order(scan: Any, claims: Any) -> str:
        return str(claims.claim(scan.account, scan.scene, scan.openid).outcome)

    @plugin.scene("bind:<user>")
    def bind(scan: Any, user: str, bindings: Any) -> str:
        return str(bindings.bind(scan.account, user, scan.openid).outcome)

    @plugin.scene("door")
    def door(scan: Any, follower: Any) -> str:
        return str(follower.state)

    return plugin


@dataclass
class Code:
    """What the model knows of a claim; `is_known`: it has the openid."""

    id: bytes
    scene: str
    account: str
    subject: str
    state: str = "open"
    is_late: bool = False
    who: str | None = None
    is_known: bool = False

    @property
    def is_held(self) -> bool:
        """Say whether somebody has it, or had it and was forgotten."""
        return self.state in ("claimed", "confirmed")

    @property
    def shown(self) -> str:
        """Return the state as it is read."""
        return "expired" if self.state == "open" and self.is_late else self.state


@dataclass
class Person:
    """What the model knows of somebody at an account; `state` is None while there is no row."""

    account: str
    name: str
    is_following: bool = False
    state: str | None = None
    follows: int = 0
    followed_at: int | None = None
    last_scene: str | None = None
    farewells: int = 0  # unfollows that no worker has seen yet
    pushed: list[tuple[str, str]] = field(default_factory=list)  # documents, and how they were answered

    def leave(self, *, is_erasing: bool) -> None:
        """Forget what the setting says, of the follower's row."""
        if is_erasing:
            self.follows, self.followed_at, self.last_scene = 0, None, None


class Machine(RuleBasedStateMachine):
    """What can happen between people, two accounts and a site."""

    codes = Bundle("codes")
    bot: Bot
    worker: Any
    is_erasing: bool

    def __init__(self) -> None:
        super().__init__()
        self.run = next(_runs)  # each run has names of its own, so that the database need not be emptied
        self.now = int(time.time())
        self.people: dict[tuple[str, str], Person] = {}
        self.model: list[Code] = []
        self.pairs: dict[tuple[str, str], str] = {}  # account and user of the site: who
        self.touched = Person("first", self.openid("bo"))

    def openid(self, name: str) -> str:
        return f"o-{name}-{self.run}"

    def person(self, account: str, name: str) -> Person:
        who = self.openid(name)
        self.touched = self.people.setdefault((account, who), Person(account, who))
        return self.touched

    def push(self, who: Person, name: str, key: str = "", *, at: int | None = None, more: str = "") -> str:
        """Let WeChat push an event, and return how it was answered."""
        self.now += 1
        document = _EVENT.format(who=who.name, at=at or self.now, name=name, key=key, more=more)
        text = self.deliver(who.account, document)
        if at is None:
            who.pushed.append((document, text))
        return text

    def deliver(self, account: str, document: str) -> str:
        delivery = Delivery(event=parse_event(document.encode(), account=account))
        answer = self.bot.runs.answer(delivery, arrived=time.monotonic())
        return getattr(answer, "content", "success")

    def scan(self, who: Person, scene: str) -> str:
        """Scan a code, following with it if need be, and note what the follower's row says then."""
        if who.is_following:
            who.state = who.state or "existing"
            text = self.push(who, "SCAN", scene, more=_TICKET)
        else:
            text = self.push(who, "subscribe", f"qrscene_{scene}", more=_TICKET)
            self.has_followed(who)
        who.last_scene = scene
        return text

    def has_followed(self, who: Person) -> None:
        who.is_following = True
        who.state = "new" if who.state is None else "returning"
        who.follows, who.followed_at = who.follows + 1, self.now

    @rule(target=codes, account=ACCOUNTS, subject=SUBJECTS)
    def make(self, account: str, subject: str) -> Code:
        subject = f"{subject}-{self.run}"
        made = self.bot.claims.make(Offer(account=account, purpose="order", subject=subject))
        code = Code(made.id, made.scene, account, subject)
        self.model.append(code)
        return code

    @rule(code=codes, name=PEOPLE, is_scan=st.booleans())
    def claim(self, code: Code, name: str, is_scan: bool) -> None:
        """Claim by scanning, or by what was still at work when the person left."""
        who = self.person(code.account, name)
        expected = self.expected(code, who.name)

        if is_scan:
            outcome = self.scan(who, code.scene)
        else:
            outcome = str(self.bot.claims.claim(code.account, code.scene, who.name).outcome)

        assert outcome == expected
        if expected == "claimed":
            former = self.holder(code)
            if former is not None:
                former.state = "released"
            code.state, code.who = "claimed", who.name
        if expected in ("claimed", "again"):
            code.is_known = True

    def expected(self, code: Code, who: str) -> str:
        if code.is_held:
            return "again" if code.who == who else "used"
        if code.shown != "open":
            return code.shown
        holder = self.holder(code)
        return "held" if holder is not None and holder.who != who else "claimed"

    def holder(self, code: Code) -> Code | None:
        about = code.account, code.subject
        return next(
            (each for each in self.model if each.is_held and (each.account, each.subject) == about), None
        )

    @rule(account=ACCOUNTS, user=USERS, name=PEOPLE, is_scan=st.booleans())
    def bind(self, account: str, user: str, name: str, is_scan: bool) -> None:
        """Bind by scanning, or on a page of the site, which also those can who do not follow."""
        who, user = self.person(account, name), f"{user}-{self.run}"
        taken = self.pairs.get((account, user))
        others = [pair for pair, holder in self.pairs.items() if pair[0] == account and holder == who.name]
        expected = "person-taken" if others else "bound"
        if taken is not None:
            expected = "again" if taken == who.name else "user-taken"

        if is_scan:
            outcome = self.scan(who, f"bind:{user}")
        else:
            outcome = str(self.bot.bindings.bind(account, user, who.name).outcome)

        assert outcome == expected
        if expected == "bound":
            self.pairs[account, user] = who.name

    @rule(account=ACCOUNTS, name=PEOPLE)
    def pass_the_door(self, account: str, name: str) -> None:
        who = self.person(account, name)

        assert self.scan(who, "door") == who.state

    @rule(account=ACCOUNTS, name=PEOPLE)
    def follow_or_leave(self, account: str, name: str) -> None:
        who = self.person(account, name)
        if who.is_following:
            assert self.push(who, "unsubscribe") == "success"
            who.is_following, who.state = False, "left"
            who.farewells += 1
        else:
            self.push(who, "subscribe")
            self.has_followed(who)

    @rule(account=ACCOUNTS, name=PEOPLE)
    def hear_that_an_account_is_gone(self, account: str, name: str) -> None:
        """Told by a service of WeChat's, also of those who do not follow."""
        who = self.person(account, name)
        subject = f"<OpenID>{who.name}</OpenID>"
        service = Person(account, f"wxpush-{self.run}")
        assert self.push(service, "user_authorization_cancellation", more=subject) == "success"
        who.is_following, who.state = False, "left"
        who.farewells += 1
        self.work()

    @rule(account=ACCOUNTS, name=PEOPLE, code=st.none() | codes, is_back=st.booleans())
    def leave(self, account: str, name: str, code: Code | None, is_back: bool) -> None:
        """Leave with something in hand, and perhaps come back before a worker looks."""
        who = self.person(account, name)
        self.bind(account, "u1", name, is_scan=True)
        if code is not None and code.account == account:
            self.claim(code, name, is_scan=True)
        self.follow_or_leave(account, name)
        if is_back:
            assert self.scan(who, "door") == "returning"
        self.work()

    @rule(code=codes, name=PEOPLE, is_swept=st.booleans())
    def finish_after_somebody_left(self, code: Code, name: str, is_swept: bool) -> None:
        """A handler that was slow claims and binds for somebody who is gone by then."""
        if self.person(code.account, name).is_following:
            self.follow_or_leave(code.account, name)
        self.work()
        self.claim(code, name, is_scan=False)
        self.bind(code.account, "u2", name, is_scan=False)
        if is_swept:
            self.sweep()

    @rule(account=ACCOUNTS, name=PEOPLE)
    def hear_of_a_former_farewell(self, account: str, name: str) -> None:
        """An unfollow that arrives after the return."""
        who = self.person(account, name)
        if who.is_following and who.followed_at is not None:
            self.push(who, "unsubscribe", at=who.followed_at - 1)

    @rule(account=ACCOUNTS, name=PEOPLE)
    def hear_of_a_former_scan(self, account: str, name: str) -> None:
        """A scan that arrives after the farewell: answered, and nobody is brought back by it."""
        who = self.person(account, name)
        if who.state == "left":
            self.push(who, "SCAN", "door", at=self.now - 10_000, more=_TICKET)

    @rule(account=ACCOUNTS, name=PEOPLE, which=st.integers(0, 20))
    def repeat(self, account: str, name: str, which: int) -> None:
        """The same event again: the same answer, and nothing changes, not even for who was forgotten."""
        who = self.person(account, name)
        if who.pushed:
            document, text = who.pushed[which % len(who.pushed)]
            assert self.deliver(account, document) == text

    @rule()
    def work(self) -> None:
        self.worker.run_due()
        for who in self.people.values():
            if who.farewells and who.state == "left":
                self.has_left(who)
            who.farewells = 0
        self.everybody_is_as_in_the_model()

    @rule()
    def sweep(self) -> None:
        self.bot.leaving.sweep()
        for who in self.people.values():
            is_bound = any(pair[0] == who.account and self.pairs[pair] == who.name for pair in self.pairs)
            has_claims = any(code.is_known and self.is_of(code, who) for code in self.model)
            if who.state == "left" and (is_bound or has_claims):
                self.has_left(who)
        self.everybody_is_as_in_the_model()

    def has_left(self, who: Person) -> None:
        self.unbind(who)
        who.leave(is_erasing=self.is_erasing)
        for code in self.model:
            if self.is_of(code, who):
                code.is_known = False
                code.who = None if self.is_erasing else code.who

    def unbind(self, who: Person) -> None:
        theirs = [pair for pair in self.pairs if pair[0] == who.account and self.pairs[pair] == who.name]
        for pair in theirs:
            del self.pairs[pair]

    def is_of(self, code: Code, who: Person) -> bool:
        return (code.account, code.who) == (who.account, who.name)

    @rule(account=ACCOUNTS, name=PEOPLE)
    def forget(self, account: str, name: str) -> None:
        who = self.person(account, name)

        assert forgetting.forget(self.bot.engine, of_account(account, who.name)).left == {}

        self.unbind(who)
        for code in self.model:
            if self.is_of(code, who):
                code.who, code.is_known = None, False
        who.state, who.follows, who.followed_at, who.last_scene, who.farewells = None, 0, None, None, 0

    @rule(account=ACCOUNTS, user=USERS)
    def unlink(self, account: str, user: str) -> None:
        user = f"{user}-{self.run}"

        ended = self.bot.bindings.unlink(account, site_user=user, by=Cause.SITE)

        assert len(ended) == ((account, user) in self.pairs)
        self.pairs.pop((account, user), None)

    @rule(code=codes)
    def let_expire(self, code: Code) -> None:
        with self.bot.engine.begin() as connection:
            late = update(claim_rows).where(claim_rows.c.id == code.id).values(expires_at=database_now() - 1)
            connection.execute(late)
        code.is_late = True

    @rule(code=codes, is_confirmed=st.booleans())
    def confirm_or_release(self, code: Code, is_confirmed: bool) -> None:
        if is_confirmed:
            is_good = code.state == "claimed" and not code.is_late
            assert (self.bot.claims.confirm(code.account, code.id) is not None) == is_good
        else:
            is_good = code.is_held
            assert (self.bot.claims.release(code.account, code.id) is not None) == is_good
        if is_good:
            code.state = "confirmed" if is_confirmed else "released"

    @precondition(lambda self: self.touched.name)
    @invariant()
    def person_is_as_in_the_model(self) -> None:
        who = self.touched
        found = profile(self.bot.engine, of_account(who.account, who.name))

        assert (found and str(found.follower.state)) == who.state
        if found is not None:
            row: Follower = found.follower
            assert (row.follows, row.last_scene) == (who.follows, who.last_scene)
            assert row.openid == (None if who.state == "left" else who.name)

    @invariant()
    def claims_are_as_in_the_model(self) -> None:
        self.are_as_in_the_model(self.model[-4:])

    def are_as_in_the_model(self, codes: list[Code]) -> None:
        for code in codes:
            found = self.bot.claims.find(code.account, code.id)
            assert found is not None
            assert (found.state, found.openid) == (code.shown, code.who if code.is_known else None)
            assert found.person == (person(code.account, code.who) if code.who else None)

    @invariant()
    def bindings_are_as_in_the_model(self) -> None:
        account = self.touched.account
        for user in (f"u1-{self.run}", f"u2-{self.run}"):
            people = [each.openid for each in self.bot.bindings.of_user(account, user)]
            assert people == [holder for pair, holder in self.pairs.items() if pair == (account, user)]

    def everybody_is_as_in_the_model(self) -> None:
        for who in self.people.values():
            self.touched = who
            self.person_is_as_in_the_model()
        self.are_as_in_the_model(self.model)
        for account in ("first", "second"):
            self.touched = Person(account, "")
            self.bindings_are_as_in_the_model()

    def teardown(self) -> None:
        self.everybody_is_as_in_the_model()


@pytest.fixture(params=["pseudonymise", "erase"])
def bot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bot]:
    """Return a bot with two accounts."""
    accounts = {
        name: {"appid": f"wx000000000000000{number}", "token": f"{name}callbacktoken", "mode": "plain"}
        for number, name in enumerate(("first", "second"))
    }
    configured = from_data(
        {
            "secret_key": "a secret key that is only good enough for tests",
            "database": {"url": fresh_database_url(tmp_path)},
            "jobs": {"path": str(tmp_path / "jobs.db")},
            "spool": {"path": str(tmp_path / "spool"), "reserve_mb": 0},
            "handlers": {"packages": []},
            "privacy": {"on_unfollow": request.param},
            "accounts": accounts,
        }
    )
    bot = build_bot(configured, plugins=[site()])
    yield bot
    bot.runs.watch.close()
    bot.queue.close()
    retire(bot.engine)


@pytest.mark.timeout(86_400 if IS_LONG else 900)
def test_people_claims_and_bindings_do_what_the_model_does(bot: Bot, store: str) -> None:
    is_erasing = bot.settings.privacy.on_unfollow == "erase"
    parts = {"bot": bot, "worker": build_worker(bot), "is_erasing": is_erasing}
    kind: Any = type("Machine", (Machine,), parts)

    run_state_machine_as_test(
        kind,
        settings=settings(
            max_examples=RUNS if store == "sqlite" else RUNS_ON_SERVERS,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
            # To make a failure small takes longer than the suite may.
            phases=set(Phase) if IS_LONG else set(Phase) - {Phase.shrink, Phase.explain},
        ),
    )

    with bot.engine.connect() as connection:
        assert connection.execute(select(followers.c.person).limit(1)).first() is not None
