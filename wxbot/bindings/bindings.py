"""Bindings: which follower is which user of the deployer's site."""

import secrets
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, or_, select, update

from wxbot.bindings.claim import check_name
from wxbot.bindings.rows import held
from wxbot.bindings.within import Result, Within, carry_out
from wxbot.db.business import bindings
from wxbot.db.paging import Order, Place
from wxbot.db.statements import database_now, insert_first
from wxbot.errors import WxbotError
from wxbot.followers import person

# Each try is lost to somebody whose own succeeded, so that few are needed.
_TRIES = 20


class Policy(StrEnum):
    """Who may be bound to how many, within one account; a pair is bound once at most."""

    ONE_TO_ONE = "one-to-one"
    MANY_USERS = "many-users"  # a person may be several users of the site; a user is one person
    MANY_PERSONS = "many-persons"  # several persons may be the same user; a person is one user

    @property
    def one_person(self) -> bool:
        """Say whether a user of the site may be one person only."""
        return self is not Policy.MANY_PERSONS

    @property
    def one_user(self) -> bool:
        """Say whether a person may be one user of the site only."""
        return self is not Policy.MANY_USERS


class Outcome(StrEnum):
    """What became of an attempt to bind."""

    BOUND = "bound"
    AGAIN = "again"  # the two were bound already
    USER_TAKEN = "user-taken"  # the user of the site is somebody else
    PERSON_TAKEN = "person-taken"  # the person is another user of the site


class Cause(StrEnum):
    """Who ended a binding."""

    SITE = "site"
    PERSON = "person"
    UNFOLLOW = "unfollow"
    REBIND = "rebind"


class BindingRaceError(WxbotError):
    """So many bound and unlinked the same people at the same moment that there was no answer."""


@dataclass(frozen=True, kw_only=True)
class Binding:
    """A follower and a user of the site; times are seconds since 1970 in UTC, `openid` is None at the end."""

    id: bytes
    account: str
    site_user: str
    person: bytes
    openid: str | None = field(repr=False)
    claim: bytes | None
    bound_at: int
    ended_at: int | None = None
    ended_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class Bound:
    """An attempt to bind: the binding, None if it was refused, and those that had to end for it."""

    outcome: Outcome
    binding: Binding | None = None
    ended: tuple[Binding, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which bindings are looked for; `after` is where the page before ended."""

    site_user: str | None = None
    person: bytes | None = None
    has_ended: bool | None = None
    after: Place | None = None

    @property
    def is_known(self) -> bool:
        """Say whether an index leads to them: there are few of one user or person."""
        return self.site_user is not None or self.person is not None

    def known(self, accounts: Collection[str]) -> list[ColumnElement[bool]]:
        """Return the conditions that an index knows together."""
        if not self.is_known:
            return []
        named = ((bindings.c.site_user, self.site_user), (bindings.c.person, self.person))
        about = [column == value for column, value in named if value is not None]
        return [bindings.c.account.in_(accounts), *about]

    def chosen(self, accounts: Collection[str]) -> list[ColumnElement[bool]]:
        """Return all others."""
        # Not the bare column: SQLite would follow an index by account, and sort all that there is.
        of_accounts = (bindings.c.account + "").in_(accounts)
        found: list[ColumnElement[bool]] = [] if self.is_known else [of_accounts]
        if self.has_ended is not None:
            found.append(bindings.c.ended_at.is_not(None) if self.has_ended else _LASTS)
        return found


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some bindings, the newest first; `after` is None at the end."""

    bindings: list[Binding]
    after: Place | None


# Told of each binding that is made or ends, in the transaction that does it.
Tell = Callable[[Connection, Binding], None]
_SELECT = select(*(bindings.c[each.name] for each in fields(Binding)))
_LASTS = bindings.c.ended_at.is_(None)
_ORDER = Order(bindings.c.bound_at, bindings.c.id)


class Bindings:
    """All bindings. Safe to use from any thread and any number of processes; `within` is as in Claims.

    Unique constraints hold the policy, whatever happens at the same time. One that became stricter ends
    nothing: it counts from the next attempt to bind. `tell` is told of bindings that are made or end.
    """

    def __init__(
        self,
        engine: Engine,
        policy: Policy = Policy.ONE_TO_ONE,
        *,
        tell: Tell | None = None,
        within: Within = None,
    ) -> None:
        self._engine = engine
        self._policy = policy
        self._tell = tell
        self._within = within

    def bound(self, within: Within) -> "Bindings":
        """Return the same bindings, whose every call is in this transaction."""
        return Bindings(self._engine, self._policy, tell=self._tell, within=within)

    def bind(
        self,
        account: str,
        site_user: str,
        openid: str,
        *,
        claim: bytes | None = None,
        is_replacing: bool = False,
        within: Within = None,
    ) -> Bound:
        """Bind a follower to a user of the site; `claim` is the one through which it came to that.

        What the policy does not allow is refused; with `is_replacing` the bindings in its way end instead,
        which both sides should have been asked. Raises OfferError for a name that cannot be kept.
        """
        check_name("a user of the site", site_user)
        who = person(account, openid)
        row: dict[str, object] = {"account": account, "site_user": site_user, "person": who, "openid": openid}
        row |= {"claim": claim, "held_user": None, "held_person": None, "ended_at": None, "ended_by": None}
        if self._policy.one_person:
            row["held_user"] = held("user", account, site_user)
        if self._policy.one_user:
            row["held_person"] = held("person", account, who.hex())

        def work(connection: Connection) -> Bound:
            bound = _bind(connection, row=row, policy=self._policy, is_replacing=is_replacing)
            made = bound.binding if bound.outcome is Outcome.BOUND else None
            self._say(connection, *bound.ended, *([made] if made else []))
            return bound

        return self._do(work, within)

    def unlink(
        self,
        account: str,
        *,
        site_user: str | None = None,
        openid: str | None = None,
        who: bytes | None = None,
        by: Cause,
        within: Within = None,
    ) -> list[Binding]:
        """End what a user of the site, a person, or the two together are bound by; return what ended.

        The person is named by openid, or `who` is their digest.

        When somebody unfollows: `openid=…, by=Cause.UNFOLLOW`. Who follows again has to be bound again. An
        ended binding keeps the digest of the person and forgets the openid.
        """
        if site_user is None and openid is None and who is None:
            raise ValueError("unlink() needs site_user, openid, or both")
        about = [bindings.c.account == account]
        if site_user is not None:
            about.append(bindings.c.site_user == site_user)
        if openid is not None:
            about.append(bindings.c.person == person(account, openid))
        if who is not None:
            about.append(bindings.c.person == who)

        def work(connection: Connection) -> list[Binding]:
            ended = _end(connection, _lasting(connection, *about), by)
            self._say(connection, *ended)
            return ended

        return self._do(work, within)

    def of_user(self, account: str, site_user: str, *, within: Within = None) -> list[Binding]:
        """Return who a user of the site is now, the longest bound first."""
        about = [bindings.c.account == account, bindings.c.site_user == site_user]
        return self._do(lambda connection: _lasting(connection, *about), within)

    def of_person(self, account: str, openid: str, *, within: Within = None) -> list[Binding]:
        """Return which users of the site a person is now, the longest bound first."""
        about = [bindings.c.account == account, bindings.c.person == person(account, openid)]
        return self._do(lambda connection: _lasting(connection, *about), within)

    def listed(self, accounts: Collection[str], wanted: Wanted, *, limit: int, within: Within = None) -> Page:
        """Return so many bindings of these accounts, the newest first."""
        query, chosen = _SELECT.where(*wanted.known(accounts)), wanted.chosen(accounts)

        def work(connection: Connection) -> Page:
            found = _ORDER.newest(connection, query, chosen=chosen, after=wanted.after, limit=limit)
            return Page(bindings=[Binding(**row) for row in found.rows], after=found.after)

        return self._do(work, within)

    def history(self, account: str, site_user: str, *, within: Within = None) -> list[Binding]:
        """Return all bindings that a user of the site had or has, the oldest first."""
        query = _SELECT.where(bindings.c.account == account, bindings.c.site_user == site_user)
        return self._do(lambda connection: _all(connection, query), within)

    def _do(self, work: Callable[[Connection], Result], within: Within) -> Result:
        return carry_out(self._engine, work, within or self._within)

    def _say(self, connection: Connection, *changed: Binding) -> None:
        if self._tell is not None:
            for each in changed:
                self._tell(connection, each)


def _bind(connection: Connection, *, row: dict[str, object], policy: Policy, is_replacing: bool) -> Bound:
    same_user, same_person = bindings.c.site_user == row["site_user"], bindings.c.person == row["person"]
    ended: list[Binding] = []
    for _ in range(_TRIES):
        known = _lasting(connection, bindings.c.account == row["account"], or_(same_user, same_person))
        users = [each for each in known if each.site_user == row["site_user"]]
        persons = [each for each in known if each.person == row["person"]]
        for each in users:
            if each in persons:
                return Bound(outcome=Outcome.AGAIN, binding=each, ended=tuple(ended))
        in_the_way = [*(users if policy.one_person else ()), *(persons if policy.one_user else ())]
        if in_the_way and not is_replacing:
            is_user = policy.one_person and bool(users)
            return Bound(outcome=Outcome.USER_TAKEN if is_user else Outcome.PERSON_TAKEN)
        ended += _end(connection, in_the_way, Cause.REBIND)
        id = secrets.token_bytes(16)
        if insert_first(connection, bindings, {**row, "id": id, "bound_at": database_now()}):
            [made] = _lasting(connection, bindings.c.id == id)
            return Bound(outcome=Outcome.BOUND, binding=made, ended=tuple(ended))
    raise BindingRaceError("a binding was contested many times in a row; try again")


def _end(connection: Connection, which: Iterable[Binding], by: Cause) -> list[Binding]:
    """End bindings; return those that nobody else has ended meanwhile."""
    values = {"ended_at": database_now(), "ended_by": by, "openid": None}
    values |= {"held_user": None, "held_person": None}
    ended = []
    for each in which:
        mine = bindings.c.id == each.id
        if connection.execute(update(bindings).where(mine, _LASTS).values(values)).rowcount == 1:
            ended += _all(connection, _SELECT.where(mine))
    return ended


def _lasting(connection: Connection, *conditions: ColumnElement[bool]) -> list[Binding]:
    return _all(connection, _SELECT.where(*conditions, _LASTS))


def _all(connection: Connection, query: Select[Any]) -> list[Binding]:
    ordered = query.order_by(bindings.c.bound_at, bindings.c.id)
    return [Binding(**row) for row in connection.execute(ordered).mappings()]
