"""One-time claims: made for the site, claimed once, by the first who scans."""

import logging
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, or_, select

from wxbot import clock, metrics
from wxbot.bindings import rows
from wxbot.bindings.claim import (
    CONFIRMED,
    PASSING,
    Claim,
    Claiming,
    Offer,
    Outcome,
    State,
    Step,
    is_scene,
    new_scene,
)
from wxbot.bindings.misses import Misses
from wxbot.bindings.rows import Book, Page, Wanted
from wxbot.bindings.within import Result, Within, carry_out
from wxbot.db.business import claim_steps, claims
from wxbot.db.patience import in_batches
from wxbot.db.statements import database_now
from wxbot.errors import WxbotError
from wxbot.followers import person

_TRIES = 5
# An open one that is late has expired, whether or not somebody has swept.
_UNCONFIRMED = or_(claims.c.state == State.CLAIMED, and_(claims.c.state == State.OPEN, rows.is_timely))
_TAKEN = claims.c.state.in_((State.CLAIMED, State.CONFIRMED))
_ENDED = claims.c.state.in_((State.CANCELLED, State.RELEASED, State.EXPIRED))
_LATE = {State.EXPIRED: Outcome.EXPIRED, State.CANCELLED: Outcome.CANCELLED, State.RELEASED: Outcome.RELEASED}

# Told of each change of a claim, in its transaction: the claim as it is then, and the step.
Tell = Callable[[Connection, Claim, str], None]

log = logging.getLogger(__name__)


class ContestedError(WxbotError):
    """So many claimed and released one subject at the same moment that there was no answer."""


class Claims:
    """All claims. Safe to use from any thread and any number of processes.

    `within` is a handler's session, or a connection: what is changed is committed with it or not at all.
    Without it each call is a transaction of its own. `tell` is called in the transaction of each change, with
    the claim as it is then and the step that it took. Whatever changes a claim is one conditional UPDATE
    whose row count says whether it was this call; times are compared by the database's clock.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        misses: Misses | None = None,
        tell: Tell | None = None,
        within: Within = None,
    ) -> None:
        self._engine = engine
        self._misses = misses or Misses()
        self._tell = tell
        self._within = within
        self._swept_at: float | None = None

    def bound(self, within: Within) -> "Claims":
        """Return the same claims, whose every call is in this transaction."""
        return Claims(self._engine, misses=self._misses, tell=self._tell, within=within)

    def make(self, offer: Offer, *, within: Within = None) -> Claim:
        """Make a claim and return it with the text of its scene, which cannot be guessed."""
        id, scene = secrets.token_bytes(16), new_scene(offer.purpose)

        def work(book: Book) -> Claim:
            rows.add(book, offer, id=id, scene=scene)
            return _known(book.connection, id)

        return self._change(work, within)

    def claim(self, account: str, scene: str, openid: str, *, within: Within = None) -> Claiming:
        """Claim with a scanned text, which may be anything; the first person wins, and may scan again.

        Whoever holds an exclusive subject already and scans a new code for it changes to the new claim.
        `Outcome` says what to show.
        """
        who = person(account, openid)
        attempt = partial(_attempt, account=account, scene=scene, who=who, openid=openid)
        result = self._change(attempt, within)
        metrics.claim(result.outcome)
        if result.outcome.is_miss:
            self._misses.note(who)
        return result

    def confirm(
        self, account: str, id: bytes, *, openid: str | None = None, within: Within = None
    ) -> Claim | None:
        """Confirm what was claimed (by `openid`, if given) before it expires; None when there is none."""
        conditions = [_of(account), claims.c.state == State.CLAIMED, rows.is_timely, *_by(account, openid)]

        def work(book: Book) -> Claim | None:
            return _known(book.connection, id) if rows.confirm(book, id, *conditions) else None

        return self._change(work, within)

    def cancel(self, account: str, id: bytes, *, detail: str = "", within: Within = None) -> Claim | None:
        """Call a claim off; None unless it was open and in time, or claimed and not confirmed."""
        return self._end(id, _of(account), _UNCONFIRMED, state=State.CANCELLED, detail=detail, within=within)

    def cancel_open(
        self, account: str, purpose: str, subject: str, *, detail: str = "", within: Within = None
    ) -> int:
        """Call off all claims on a subject that nobody has claimed yet; return how many.

        For a subject that is gone, or so that the next one made is the only one that is good.
        """
        is_open = claims.c.state == State.OPEN
        about = [_of(account), claims.c.purpose == purpose, claims.c.subject == subject, is_open]

        def work(book: Book) -> int:
            found = rows.ids(book.connection, *about)
            end = partial(rows.end, book, state=State.CANCELLED, detail=detail)
            return sum(end(id, is_open) for id in found)

        return self._change(work, within)

    def release(
        self,
        account: str,
        id: bytes,
        *,
        openid: str | None = None,
        detail: str = "",
        within: Within = None,
    ) -> Claim | None:
        """Give up what was claimed, so that its subject is free; with `openid` only if that person has it.

        None, and nothing changed, when nobody has it. The code does not become good again.
        """
        conditions = [_of(account), _TAKEN, *_by(account, openid)]
        return self._end(id, *conditions, state=State.RELEASED, detail=detail, within=within)

    def note(
        self, account: str, id: bytes, step: str, *, state: State, detail: str = "", within: Within = None
    ) -> int | None:
        """Write a step of a kit's own to a claim that stands in `state`; return how often it took that now.

        Of two at the same time one is the second. None, and nothing written, when the claim is not there, in
        another state, or claimed and late. `tell` is not told.
        """
        is_there = [_of(account), claims.c.state == state]
        is_there += [rows.is_timely] if state in (State.OPEN, State.CLAIMED) else []

        def work(connection: Connection) -> int | None:
            return rows.note(Book(connection), id, step, *is_there, detail=detail)

        return self._read(work, within)

    def forget_person(self, account: str, openid: str, *, within: Within = None) -> int:
        """Forget the openid of somebody who has left; return how many claims had it.

        What was claimed remains theirs: a digest tells when the same person scans again.
        """
        mine = [_of(account), *_by(account, openid), claims.c.openid.is_not(None)]

        def work(book: Book) -> int:
            count = 0
            while found := rows.ids(book.connection, *mine):
                for id in found:
                    rows.set_openid(book, id, None)
                count += len(found)
            return count

        return self._change(work, within)

    def expire(self) -> int:
        """Write down which claims are too late by now; return how many. For once a minute or so.

        Those that nobody has claimed, and logins and links that nobody has confirmed. They are refused
        without it; it is for those who look at the table and at the steps.
        """
        began = clock.monotonic()
        late = claims.c.state == State.OPEN, ~rows.is_timely
        unconfirmed = [claims.c.state == State.CLAIMED, claims.c.purpose.in_(CONFIRMED), ~rows.is_timely]
        if self._swept_at is not None:
            # Claimed orders are late as well, and stay: the first sweep looks at all, later ones at a day.
            back = clock.DAY_SECONDS + round(began - self._swept_at)
            unconfirmed.append(claims.c.expires_at > database_now() - back)
        total = 0
        for conditions in (late, unconfirmed):
            while count := self._expire_some(conditions):
                total += count
        self._swept_at = began
        return total

    def _expire_some(self, conditions: Sequence[ColumnElement[bool]]) -> int:
        with self._engine.connect() as connection:  # a long look must not hold SQLite's lock
            found = rows.ids(connection, *conditions)

        def end(book: Book) -> int:
            return sum(rows.end(book, id, *conditions, state=State.EXPIRED) for id in found)

        return self._change(end, None) if found else 0

    def forget_old(self, days: int) -> int:
        """Delete claims that ended so many days ago, and their steps; return how many. What is held stays.

        Logins go when they are that old, however they ended.
        """
        since = database_now() - days * clock.DAY_SECONDS
        ended = and_(_ENDED, claims.c.ended_at < since)
        passed = and_(claims.c.purpose.in_(PASSING), claims.c.created_at < since)

        def batch(connection: Connection) -> int:
            found = rows.ids(connection, ended) or rows.ids(connection, passed)
            if found:
                connection.execute(delete(claim_steps).where(claim_steps.c.claim.in_(found)))
                connection.execute(delete(claims).where(claims.c.id.in_(found)))
            return len(found)

        return in_batches(self._engine, batch)

    def find(self, account: str, id: bytes, *, within: Within = None) -> Claim | None:
        """Return a claim by its id, None when the account has none of that."""
        return self._one(_of(account), claims.c.id == id, within=within)

    def seek(self, accounts: Collection[str], id: bytes, *, within: Within = None) -> Claim | None:
        """Return a claim by its id, None when none of these accounts has it."""
        return self._one(claims.c.account.in_(accounts), claims.c.id == id, within=within)

    def listed(self, accounts: Collection[str], wanted: Wanted, *, limit: int, within: Within = None) -> Page:
        """Return so many claims of these accounts, the newest first."""

        def work(connection: Connection) -> Page:
            asked = wanted
            if wanted.subject is not None and wanted.purpose is None:
                known = {each for account in accounts for each in rows.purposes(connection, account)}
                asked = replace(wanted, purposes=sorted(known))
            return rows.page(connection, asked, accounts, limit)

        return self._read(work, within)

    def purposes(self, account: str, *, within: Within = None) -> list[str]:
        """Return what the claims of an account are for."""
        return self._read(lambda connection: rows.purposes(connection, account), within)

    def find_scene(self, account: str, scene: str, *, within: Within = None) -> Claim | None:
        """Return a claim by the text of its scene, which may be anything."""
        if not is_scene(scene):
            return None
        return self._one(_of(account), claims.c.scene == scene, within=within)

    def held(self, account: str, purpose: str, subject: str, *, within: Within = None) -> Claim | None:
        """Return the claim through which somebody holds an exclusive subject, None when it is free."""
        return self._one(claims.c.held == rows.held(account, purpose, subject), within=within)

    def of_subject(self, account: str, purpose: str, subject: str, *, within: Within = None) -> list[Claim]:
        """Return the claims that were made on a subject, the newest first, at most 200."""
        about = [_of(account), claims.c.purpose == purpose, claims.c.subject == subject]
        return self._read(lambda connection: rows.latest(connection, *about), within)

    def of_person(self, account: str, openid: str, *, within: Within = None) -> list[Claim]:
        """Return what a person has claimed, also what has ended since, the newest first, at most 200."""
        mine = [_of(account), *_by(account, openid)]
        return self._read(lambda connection: rows.latest(connection, *mine), within)

    def waiting(self, account: str, purpose: str, openid: str, *, within: Within = None) -> list[Claim]:
        """Return what a person has claimed and may still confirm, the newest first."""
        mine = [_of(account), claims.c.purpose == purpose, *_by(account, openid)]
        is_waiting = claims.c.state == State.CLAIMED, rows.is_timely
        return self._read(lambda connection: rows.latest(connection, *mine, *is_waiting), within)

    def steps(self, account: str, id: bytes, *, within: Within = None) -> list[Step]:
        """Return what happened to a claim, in order; attempts in vain are counted, and not written here."""
        query = (
            select(claim_steps.c.at, claim_steps.c.step, claim_steps.c.person, claim_steps.c.detail)
            .join(claims, claims.c.id == claim_steps.c.claim)
            .where(_of(account), claims.c.id == id)
            .order_by(claim_steps.c.number)
        )

        def work(connection: Connection) -> list[Step]:
            return [Step(**row) for row in connection.execute(query).mappings()]

        return self._read(work, within)

    def _one(self, *conditions: ColumnElement[bool], within: Within) -> Claim | None:
        return self._read(lambda connection: rows.one(connection, *conditions), within)

    def _end(
        self, id: bytes, *conditions: ColumnElement[bool], state: State, detail: str, within: Within
    ) -> Claim | None:
        def work(book: Book) -> Claim | None:
            is_ended = rows.end(book, id, *conditions, state=state, detail=detail)
            return _known(book.connection, id) if is_ended else None

        return self._change(work, within)

    def _read(self, work: Callable[[Connection], Result], within: Within) -> Result:
        return carry_out(self._engine, work, within or self._within)

    def _change(self, work: Callable[[Book], Result], within: Within) -> Result:
        def told(connection: Connection) -> Result:
            book = Book(connection)
            result = work(book)
            if self._tell is not None:
                for id, step in book.steps:
                    self._tell(connection, _known(connection, id), step)
            return result

        return self._read(told, within)


def _attempt(book: Book, *, account: str, scene: str, who: bytes, openid: str) -> Claiming:
    """Read first: what is not to be had costs no lock, and on SQLite there is only one."""
    if not is_scene(scene):
        return Claiming(outcome=Outcome.UNKNOWN)
    connection = book.connection
    for _ in range(_TRIES):
        claim = rows.one(connection, _of(account), claims.c.scene == scene)
        if claim is None:
            return Claiming(outcome=Outcome.UNKNOWN)
        if claim.state is not State.OPEN:
            return _settled(book, claim, who=who, openid=openid)
        former = rows.one(connection, claims.c.held == rows.held_by(claim)) if claim.is_exclusive else None
        if former is not None and former.id == claim.id:
            continue  # it was claimed since it was read
        if former is not None and former.person != who:
            return Claiming(outcome=Outcome.HELD)
        if rows.take(book, claim, person=who, openid=openid, former=former):
            return Claiming(outcome=Outcome.CLAIMED, claim=_known(connection, claim.id))
    raise ContestedError("a claim was contested five times in a row; scan again")


def _settled(book: Book, claim: Claim, *, who: bytes, openid: str) -> Claiming:
    if claim.state in _LATE:
        return _refused(claim, _LATE[claim.state])
    if claim.person != who:
        return _refused(claim, Outcome.USED)
    if claim.openid is None:
        rows.set_openid(book, claim.id, openid)
    return Claiming(outcome=Outcome.AGAIN, claim=_known(book.connection, claim.id))


def _refused(claim: Claim, outcome: Outcome) -> Claiming:
    log.info("claim %s was refused: %s", claim.id.hex(), outcome)
    return Claiming(outcome=outcome)


def _known(connection: Connection, id: bytes) -> Claim:
    claim = rows.one(connection, claims.c.id == id)
    assert claim is not None
    return claim


def _of(account: str) -> ColumnElement[bool]:
    is_there: ColumnElement[bool] = claims.c.account == account
    return is_there


def _by(account: str, openid: str | None) -> list[ColumnElement[bool]]:
    return [] if openid is None else [claims.c.person == person(account, openid)]
