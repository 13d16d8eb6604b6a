"""The rows of claims and of what happened to them: how they are read and changed."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from hashlib import sha256

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    case,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from wxbot.bindings.claim import Claim, Offer, State
from wxbot.db.business import claim_steps, claims
from wxbot.db.paging import Order, Place
from wxbot.db.statements import database_now

_LONGEST_DETAIL = 255
_LIMIT = 200

is_timely = claims.c.expires_at > database_now()
# Nobody need have swept for a claim to be too late.
_state = case((and_(claims.c.state == State.OPEN, ~is_timely), literal(State.EXPIRED)), else_=claims.c.state)
_columns = [column for column in claims.c if column.name not in ("state", "held")]
_SELECT = select(*_columns, _state.label("state"))


_ORDER = Order(claims.c.created_at, claims.c.id)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which claims are looked for; without a purpose a subject is looked for in all of `purposes`."""

    purpose: str | None = None
    subject: str | None = None
    person: bytes | None = None
    state: State | None = None
    after: Place | None = None
    purposes: Collection[str] = ()

    @property
    def is_known(self) -> bool:
        """Say whether an index leads to them: there are few of one subject or person."""
        return self.subject is not None or self.person is not None

    def known(self, accounts: Collection[str]) -> list[ColumnElement[bool]]:
        """Return the conditions that an index knows together."""
        if not self.is_known:
            return []
        found: list[ColumnElement[bool]] = [claims.c.account.in_(accounts)]
        if self.person is not None:
            found.append(claims.c.person == self.person)
        if self.subject is not None:
            purposes = self.purposes if self.purpose is None else (self.purpose,)
            found += [claims.c.purpose.in_(purposes), claims.c.subject == self.subject]
        return found

    def chosen(self, accounts: Collection[str]) -> list[ColumnElement[bool]]:
        """Return all others."""
        # Not the bare column: SQLite would follow an index by account, and sort all that there is.
        of_accounts = (claims.c.account + "").in_(accounts)
        found: list[ColumnElement[bool]] = [] if self.is_known else [of_accounts]
        if self.purpose is not None:
            found.append(claims.c.purpose == self.purpose)
        if self.state is not None:
            found.append(_state == self.state)
        return found


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some claims, the newest first; `after` is None at the end, `is_cut` as in wxbot/db/paging.py."""

    claims: list[Claim]
    after: Place | None
    is_cut: bool


@dataclass(frozen=True)
class Book:
    """A transaction in which claims change, and the steps that they took in it: which claim, which step."""

    connection: Connection
    steps: list[tuple[bytes, str]] = field(default_factory=list)


def held(*parts: str) -> bytes:
    """Return the digest of what only one may hold at a time; no part contains a NUL."""
    return sha256("\0".join(("held", *parts)).encode()).digest()[:16]


def one(connection: Connection, *conditions: ColumnElement[bool]) -> Claim | None:
    """Return the claim that meets the conditions, if any."""
    row = connection.execute(_SELECT.where(*conditions)).mappings().first()
    return None if row is None else _claim(row)


def latest(connection: Connection, *conditions: ColumnElement[bool]) -> list[Claim]:
    """Return the 200 latest claims that meet the conditions, which an index knows; the newest first."""
    found = _ORDER.newest(connection, _SELECT.where(*conditions), limit=_LIMIT)
    return [_claim(row) for row in found.rows]


def page(connection: Connection, wanted: Wanted, accounts: Collection[str], limit: int) -> Page:
    """Return so many of the claims that are wanted, the newest first."""
    query = _SELECT.where(*wanted.known(accounts))
    chosen = wanted.chosen(accounts)
    found = _ORDER.newest(connection, query, chosen=chosen, after=wanted.after, limit=limit)
    return Page(claims=[_claim(row) for row in found.rows], after=found.after, is_cut=found.is_cut)


def purposes(connection: Connection, account: str) -> list[str]:
    """Return what the claims of an account are for, one step along the index each."""
    found: list[str] = []
    least = select(func.min(claims.c.purpose)).where(claims.c.account == account)
    last = connection.scalar(least)
    while last is not None and len(found) < _LIMIT:
        found.append(last)
        last = connection.scalar(least.where(claims.c.purpose > last))
    return found


def add(book: Book, offer: Offer, *, id: bytes, scene: str) -> None:
    """Write a new claim."""
    now = database_now()
    row: dict[str, object] = {
        "id": id,
        "account": offer.account,
        "purpose": offer.purpose,
        "subject": offer.subject,
    }
    row |= {"scene": scene, "state": State.OPEN, "is_exclusive": offer.is_exclusive}
    row |= {"data": offer.data_text(), "made_by": offer.made_by}
    times = {"created_at": now, "expires_at": now + offer.lifetime_seconds}
    book.connection.execute(insert(claims).values(**row, **times))
    add_step(book, id, "made", detail=offer.made_by)


def take(book: Book, claim: Claim, *, person: bytes, openid: str, former: Claim | None = None) -> bool:
    """Claim for a person; False, and nothing changed, when it is not open any more, or its subject held.

    `former` is the person's own claim on the same subject, which ends with that.
    """
    values: dict[str, object] = {"state": State.CLAIMED, "person": person, "openid": openid}
    values |= {"claimed_at": database_now(), "held": held_by(claim) if claim.is_exclusive else None}
    is_open = claims.c.state == State.OPEN, is_timely
    before = len(book.steps)
    try:
        # What does not succeed must leave what else the transaction holds as it is.
        with book.connection.begin_nested() as attempt:
            if former is not None:
                is_held = claims.c.held == held_by(claim)
                detail = f"by {claim.id.hex()}"
                end(book, former.id, is_held, state=State.RELEASED, step="replaced", detail=detail)
            if not _change(book, claim.id, *is_open, values=values, step=State.CLAIMED):
                attempt.rollback()
                del book.steps[before:]
                return False
    except IntegrityError:
        del book.steps[before:]
        return False
    return True


def held_by(claim: Claim | Offer) -> bytes:
    """Return the digest that stands for a claim's subject while somebody holds it."""
    return held(claim.account, claim.purpose, claim.subject)


def end(
    book: Book,
    claim: bytes,
    *conditions: ColumnElement[bool],
    state: State,
    step: str = "",
    detail: str = "",
) -> bool:
    """End a claim, which frees its subject; False, and nothing changed, unless it meets the conditions."""
    values: dict[str, object] = {"state": state, "ended_at": database_now(), "held": None}
    return _change(book, claim, *conditions, values=values, step=step or state, detail=detail)


def confirm(book: Book, claim: bytes, *conditions: ColumnElement[bool]) -> bool:
    """Confirm a claim that meets the conditions."""
    return _change(book, claim, *conditions, values={"state": State.CONFIRMED}, step=State.CONFIRMED)


def note(book: Book, claim: bytes, step: str, *conditions: ColumnElement[bool], detail: str) -> int | None:
    """Write a step to a claim that meets the conditions; return how many of this step it has now."""
    if not _change(book, claim, *conditions, values={"state": claims.c.state}, step=step, detail=detail):
        return None
    noted = claim_steps.c.claim == claim, claim_steps.c.step == step
    return book.connection.scalar(select(func.count()).select_from(claim_steps).where(*noted))


def set_openid(book: Book, claim: bytes, openid: str | None) -> None:
    """Forget the openid of whoever claimed, or know it again."""
    is_other = claims.c.openid.is_not(None) if openid is None else claims.c.openid.is_(None)
    step = "forgotten" if openid is None else "known again"
    _change(book, claim, is_other, values={"openid": openid}, step=step)


def _change(
    book: Book,
    claim: bytes,
    *conditions: ColumnElement[bool],
    values: dict[str, object],
    step: str,
    detail: str = "",
) -> bool:
    changed = book.connection.execute(update(claims).where(claims.c.id == claim, *conditions).values(values))
    if changed.rowcount != 1:
        return False
    person = book.connection.scalar(select(claims.c.person).where(claims.c.id == claim))
    add_step(book, claim, step, person=person, detail=detail)
    return True


def add_step(book: Book, claim: bytes, step: str, *, person: bytes | None = None, detail: str = "") -> None:
    """Write what happened to a claim, after its row was changed: until the commit nobody else counts."""
    last = book.connection.scalar(select(func.max(claim_steps.c.number)).where(claim_steps.c.claim == claim))
    row = {"claim": claim, "number": (last or 0) + 1, "step": step, "person": person}
    detail = detail[:_LONGEST_DETAIL]
    book.connection.execute(insert(claim_steps).values(**row, at=database_now(), detail=detail or None))
    book.steps.append((claim, step))


def ids(connection: Connection, *conditions: ColumnElement[bool]) -> Collection[bytes]:
    """Return the ids of up to 200 claims that meet the conditions."""
    return connection.execute(select(claims.c.id).where(*conditions).limit(_LIMIT)).scalars().all()


def _claim(row: RowMapping) -> Claim:
    return Claim(**{**row, "state": State(row["state"]), "data": json.loads(row["data"])})
