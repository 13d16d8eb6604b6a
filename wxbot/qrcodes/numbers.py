"""The 100,000 permanent numbers of an account: who has which, and what a number meant before.

WeChat can neither list nor delete a permanent code, and a printed one is scanned for years. So a number
that is given back rests before it is given to somebody else, and its past is kept.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, islice
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, and_, func, insert, select, update
from sqlalchemy.orm import aliased

from wxbot import clock
from wxbot.db.business import channels
from wxbot.db.models import number_history, permanent_numbers, qrcodes
from wxbot.db.patience import patiently
from wxbot.db.statements import insert_first
from wxbot.qrcodes.kinds import LARGEST_PERMANENT_NUMBER, SceneRefusedError
from wxbot.qrcodes.meter import Meter, Usage
from wxbot.qrcodes.undoing import undo, with_codes

DAY_SECONDS = 86_400
QUARANTINE_DAYS = 180
LONGEST_OWNER = 128
# So short that whoever else writes does not wait for it.
_HELD_AT_ONCE = 50
_READ_AT_ONCE = 20
_MOST_AT_ONCE = 256


class NumberRefusedError(SceneRefusedError):
    """A permanent number that cannot be taken or given back; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What a number stood for, and until when; times are seconds since 1970 in UTC."""

    account: str
    number: int
    owner: str
    purpose: str
    taken_at: int
    released_at: int | None = None


@dataclass(frozen=True, kw_only=True)
class Rest:
    """A number that was given back and may be taken from `free_at` on, seconds since 1970 in UTC."""

    number: int
    owner: str
    purpose: str
    free_at: int

    @property
    def refusal(self) -> str:
        """Why it is not to be had."""
        until = datetime.fromtimestamp(self.free_at, tz=UTC).date()
        return (
            f"the permanent number {self.number} rests until {until}: it belonged to "
            f"{_whose(self.owner, self.purpose)}, and old prints of it are still scanned; take another one"
        )


class Numbers:
    """The meter and the book of the numbers. Safe to use from any thread and any number of processes."""

    def __init__(self, engine: Engine, *, now: Callable[[], datetime] = clock.now) -> None:
        self._engine = engine
        self._now = now
        self._meter = Meter(engine, now=now)

    def take(
        self,
        account: str,
        owner: str,
        purpose: str,
        number: int | None = None,
        *,
        beside: Collection[str] = (),
    ) -> Meaning:
        """Take a number for an owner, the next free one unless it is named.

        Numbers that never meant anything come first, then those that have rested longest; none whose digits
        are the scene of another code or of a channel, or one of the scenes `beside` it. Raises
        NumberRefusedError when there is none, the one named is not free, or the owner's name is too long.
        """
        if len(owner) > LONGEST_OWNER:
            raise NumberRefusedError(
                f"the owner of a number has {len(owner)} characters, and at most {LONGEST_OWNER} are kept: "
                "use a shorter name"
            )
        meaning = self._take_this(account, owner, purpose, number) if number is not None else None
        while meaning is None:
            # Somebody else may be faster; then the next one is looked for.
            meaning = self._take(account, owner, purpose, self._next(account, beside))
        self._meter.note(account, 1)
        return meaning

    def hold(self, account: str, owner: str, purposes: Mapping[int, str]) -> None:
        """Take numbers, each for its purpose; what is taken by somebody stays whose it is.

        Raises NumberRefusedError at one that rests.
        """
        at = self._seconds()
        for part in _parts(purposes):

            def work(connection: Connection, part: Collection[int] = part) -> int:
                return sum(
                    hold(connection, account, number, owner=owner, purpose=purposes[number], at=at)
                    for number in part
                )

            self._meter.note(account, patiently(self._engine, work))

    def undo(self, account: str, owner: str, number: int | None = None) -> set[int]:
        """Let an owner's numbers be as they were, or only that one; no history is made of it.

        Those that WeChat has made a code of, or may have, stay taken, and are returned. That one was given
        out to nobody: a code that it had when it was given back last does not count.
        """
        mine = permanent_numbers.c.account == account, permanent_numbers.c.owner == owner
        wanted: Collection[int] = () if number is None else (number,)
        if number is None:
            with self._engine.connect() as connection:
                wanted = connection.scalars(select(permanent_numbers.c.number).where(*mine)).all()
        kept: set[int] = set()
        for part in _parts(wanted):

            def work(connection: Connection, part: Collection[int] = part) -> set[int]:
                is_mine = permanent_numbers.c.owner == owner
                return undo(connection, account, part, is_mine, is_unused=number is not None)

            kept |= patiently(self._engine, work)
        return kept

    def release(self, account: str, number: int, quarantine_days: int = QUARANTINE_DAYS) -> Meaning:
        """Give a number back and let it rest; raises NumberRefusedError if nobody has it.

        Its code goes on working, since WeChat cannot delete one: scans of old prints still arrive.
        """
        at = self._seconds()
        with self._engine.begin() as connection:
            meaning = give_back(connection, account, number, at=at, quarantine_days=quarantine_days)
        if meaning is None:
            raise NumberRefusedError(f"the number {number} of account {account!r} is not taken")
        return meaning

    def usage(self, account: str) -> Usage:
        """Return how many numbers are taken, rest, and are free."""
        return self._meter.usage(account)

    def taken(self, account: str) -> list[Meaning]:
        """Return who has which number now, in their order."""
        query = (
            select(permanent_numbers)
            .where(permanent_numbers.c.account == account, permanent_numbers.c.state == "taken")
            .order_by(permanent_numbers.c.number)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [_meaning(account, row) for row in rows]

    def resting(self, account: str, *, after: int = 0, limit: int = 50) -> list[Rest]:
        """Return the numbers above `after` that nobody may take for now, in their order."""
        rests = permanent_numbers.c.state == "quarantined", permanent_numbers.c.free_at > self._seconds()
        with self._engine.connect() as connection:
            rows = connection.execute(_above(account, after).where(*rests).limit(limit)).all()
        return [_rest(row) for row in rows]

    def refusal(self, connection: Connection, account: str, number: int) -> str:
        """Return why nobody may have a number for now, since it rests; empty if it does not."""
        if number > LARGEST_PERMANENT_NUMBER:
            return ""
        rests = permanent_numbers.c.state == "quarantined", permanent_numbers.c.free_at > self._seconds()
        row = connection.execute(_this(account, number).where(*rests)).one_or_none()
        return "" if row is None else _rest(row).refusal

    def taken_above(self, account: str, *, after: int = 0, limit: int = 50) -> list[Meaning]:
        """Return who has which of the numbers above `after` now, in their order."""
        taken = permanent_numbers.c.state == "taken"
        with self._engine.connect() as connection:
            rows = connection.execute(_above(account, after).where(taken).limit(limit)).all()
        return [_meaning(account, row) for row in rows]

    def history(self, account: str, number: int) -> list[Meaning]:
        """Return what a number meant before it was given back, the latest first."""
        query = (
            select(number_history)
            .where(number_history.c.account == account, number_history.c.number == number)
            .order_by(number_history.c.released_at.desc())
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return [Meaning(**{name: row[name] for name in Meaning.__dataclass_fields__}) for row in rows]

    def _seconds(self) -> int:
        return int(self._now().timestamp())

    def _take_this(self, account: str, owner: str, purpose: str, number: int) -> Meaning:
        if not 1 <= number <= LARGEST_PERMANENT_NUMBER:
            raise NumberRefusedError(f"a permanent number is between 1 and {LARGEST_PERMANENT_NUMBER}")
        at = self._seconds()

        def work(connection: Connection) -> None:
            if not hold(connection, account, number, owner=owner, purpose=purpose, at=at):
                row = connection.execute(_this(account, number)).one()
                whose = _whose(row.owner, row.purpose)
                raise NumberRefusedError(f"the permanent number {number} is taken by {whose}")

        patiently(self._engine, work)
        return Meaning(account=account, number=number, owner=owner, purpose=purpose, taken_at=at)

    def _take(self, account: str, owner: str, purpose: str, number: int) -> Meaning | None:
        meaning = Meaning(
            account=account, number=number, owner=owner, purpose=purpose, taken_at=self._seconds()
        )
        is_mine = patiently(
            self._engine,
            lambda connection: _enter(
                connection, account, number, owner=owner, purpose=purpose, at=meaning.taken_at
            ),
        )
        return meaning if is_mine else None

    def _next(self, account: str, beside: Collection[str]) -> int:
        """Return a number that is free now, though maybe not for long."""
        own_code = and_(qrcodes.c.is_integer, qrcodes.c.is_permanent)
        with self._engine.connect() as connection:
            for candidates in (_fresh(connection, account), _rested(connection, account, self._seconds())):
                # One at first, since that is mostly good; then ever more, since there may be thousands.
                size = 1
                while part := list(islice(candidates, size)):
                    digits = [str(each) for each in part]
                    same = qrcodes.c.account == account, qrcodes.c.scene.in_(digits)
                    others = set(connection.scalars(select(qrcodes.c.scene).where(*same, ~own_code)))
                    same = channels.c.account == account, channels.c.scene.in_(digits)
                    others |= set(connection.scalars(select(channels.c.scene).where(*same)))
                    for number in part:
                        if str(number) not in others and str(number) not in beside:
                            return number
                    size = min(2 * size, _MOST_AT_ONCE)
        raise NumberRefusedError(
            f"all {LARGEST_PERMANENT_NUMBER} permanent numbers of account {account!r} are taken, rest, or "
            "are scenes of other codes; release some, or mint permanent texts instead"
        )


def _above(account: str, after: int) -> Select[Any]:
    """Return the query for an account's numbers above one, in the order of the primary key."""
    mine = permanent_numbers.c.account == account, permanent_numbers.c.number > after
    return select(permanent_numbers).where(*mine).order_by(permanent_numbers.c.number)


def _this(account: str, number: int) -> Select[Any]:
    mine = permanent_numbers.c.account == account, permanent_numbers.c.number == number
    return select(permanent_numbers).where(*mine)


def _parts(numbers: Collection[int]) -> Iterator[list[int]]:
    rest = iter(numbers)
    while part := list(islice(rest, _HELD_AT_ONCE)):
        yield part


def _meaning(account: str, row: Row[Any]) -> Meaning:
    return Meaning(
        account=account, number=row.number, owner=row.owner, purpose=row.purpose, taken_at=row.taken_at
    )


def _rest(row: Row[Any]) -> Rest:
    return Rest(number=row.number, owner=row.owner, purpose=row.purpose, free_at=row.free_at)


def _fresh(connection: Connection, account: str) -> Iterator[int]:
    """Yield the numbers that never meant anything: above those that did, below them, and between."""
    other = aliased(permanent_numbers)
    number = permanent_numbers.c.number
    mine = permanent_numbers.c.account == account
    first, last = connection.execute(select(func.min(number), func.max(number)).where(mine)).one()
    yield from range((last or 0) + 1, LARGEST_PERMANENT_NUMBER + 1)
    if last is None:
        return
    yield from range(first - 1, 0, -1)
    above = other.c.account == account, other.c.number > number
    is_next_known = select(other.c.number).where(above[0], other.c.number == number + 1).exists()
    end = select(func.min(other.c.number)).where(*above).scalar_subquery()
    gaps = select(number, end).where(mine, number < last, ~is_next_known).order_by(number)
    low = 0
    while found := connection.execute(gaps.where(number > low).limit(_READ_AT_ONCE)).all():
        for low, high in found:
            yield from range(low + 1, high)


def _rested(connection: Connection, account: str, at: int) -> Iterator[int]:
    """Yield the numbers that have rested, those first that have rested longest."""
    table = permanent_numbers.c
    query = select(table.number).where(
        table.account == account, table.state == "quarantined", table.free_at <= at
    )
    for start in count(0, _READ_AT_ONCE):
        some = query.order_by(table.free_at, table.number).offset(start).limit(_READ_AT_ONCE)
        found = connection.scalars(some).all()
        if not found:
            return
        yield from found


def hold(
    connection: Connection, account: str, number: int, *, at: int, owner: str = "", purpose: str = ""
) -> bool:
    """Take a number, as a rule one that is about to be minted; False: it is somebody else's.

    An owner also gets what is taken without one as long as there is no code: the call for it may yet be
    refused, which gives it back. Raises NumberRefusedError if it rests.
    """
    while not _enter(connection, account, number, owner=owner, purpose=purpose, at=at):
        # Locked, so that nobody undoes its being taken while a call for it is written down.
        row = connection.execute(_this(account, number).with_for_update(read=True)).one_or_none()
        if row is not None and row.state == "taken":
            return bool(owner) and _name(connection, account, number, owner=owner, purpose=purpose)
        if row is not None and row.free_at > at:
            raise NumberRefusedError(_rest(row).refusal)
    return True


def give_back(
    connection: Connection, account: str, number: int, *, at: int, quarantine_days: int
) -> Meaning | None:
    """Let a number rest from now on, and note what it meant; None if nobody has it."""
    mine = permanent_numbers.c.account == account, permanent_numbers.c.number == number
    taken = permanent_numbers.c.state == "taken"
    ended = {"state": "quarantined", "free_at": at + quarantine_days * DAY_SECONDS}
    if not connection.execute(update(permanent_numbers).where(*mine, taken).values(**ended)).rowcount:
        return None
    # Nobody else can change the row now, and what is asked for was not changed.
    row = connection.execute(
        select(permanent_numbers.c.owner, permanent_numbers.c.purpose, permanent_numbers.c.taken_at).where(
            *mine
        )
    ).one()
    meaning = Meaning(account=account, number=number, released_at=at, **row._asdict())
    connection.execute(insert(number_history).values(id=os.urandom(16), **vars(meaning)))
    return meaning


def _enter(connection: Connection, account: str, number: int, *, owner: str, purpose: str, at: int) -> bool:
    """Write that a number is taken; False if it is not free."""
    values = {"state": "taken", "owner": owner, "purpose": purpose, "taken_at": at, "free_at": None}
    if insert_first(connection, permanent_numbers, {"account": account, "number": number, **values}):
        return True
    has_rested = (permanent_numbers.c.state == "quarantined", permanent_numbers.c.free_at <= at)
    mine = permanent_numbers.c.account == account, permanent_numbers.c.number == number
    return bool(
        connection.execute(update(permanent_numbers).where(*mine, *has_rested).values(**values)).rowcount
    )


def _name(connection: Connection, account: str, number: int, *, owner: str, purpose: str) -> bool:
    """Enter an owner for what is taken without one and has no code."""
    if with_codes(connection, account, [number]):
        return False
    table = permanent_numbers.c
    nameless = table.state == "taken", table.owner == "", table.purpose == ""
    named = update(permanent_numbers).where(table.account == account, table.number == number, *nameless)
    return bool(connection.execute(named.values(owner=owner, purpose=purpose)).rowcount)


def _whose(owner: str, purpose: str) -> str:
    return f"{owner or 'nobody named'} ({purpose or 'no purpose noted'})"
