"""Minting: a code is asked for once, kept, reused while it lives long enough, and renewed before it ends.

Each call to WeChat is written down before it is made. The row is the claim that keeps other threads and
processes from asking for the same scene, and what is left of a call that never came back.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Literal, Protocol

from sqlalchemy import Connection, Engine, RowMapping, select, update

from wxbot import clock
from wxbot.db.models import mintings, permanent_numbers, qrcodes
from wxbot.db.patience import patiently
from wxbot.db.statements import insert_first
from wxbot.errors import WxbotError
from wxbot.qrcodes import numbers
from wxbot.qrcodes.kinds import Kind, SceneTakenError, kind_of
from wxbot.qrcodes.meter import Meter
from wxbot.qrcodes.undoing import undo
from wxbot.wechat.api import Ticket
from wxbot.wechat.errcodes import UnreachableError

WEEK_SECONDS = 604_800
# Longer than any call takes with its retries; a claim that is older belongs to a process that was killed.
CLAIM_SECONDS = 60
PATIENCE_SECONDS = 20.0
_POLL_SECONDS = 0.05
_KILLED = "the process ended meanwhile"
_GIVEN_UP = {"outcome": "unknown", "claim": None, "detail": _KILLED}


class MintingError(WxbotError):
    """A code could not be minted because somebody else is minting it."""


@dataclass(frozen=True, kw_only=True)
class Code:
    """A code that was minted; times are seconds since 1970 in UTC, `expires_at` None means never.

    `created_at` is when it was minted first, whatever renewals there were.
    `scene` is what an event carries: a number as its digits. `url` is what the picture contains.
    """

    account: str
    scene: str
    is_integer: bool
    is_permanent: bool
    ticket: str
    url: str
    created_at: int
    expires_at: int | None

    @property
    def kind_words(self) -> str:
        """Its kind for people, as in `temporary number`."""
        return (
            f"{'permanent' if self.is_permanent else 'temporary'} {'number' if self.is_integer else 'text'}"
        )

    def seconds_left(self, now: int) -> float:
        """Return how long it can still be scanned; infinity for a permanent one, never below 0."""
        return float("inf") if self.expires_at is None else max(0, self.expires_at - now)


@dataclass(frozen=True, kw_only=True)
class _Wish:
    """What is wanted; `seen` is the ticket on record when it was, so that a renewal meanwhile is noticed."""

    kind: Kind
    renew_before: int
    seen: str


@dataclass(frozen=True, kw_only=True)
class _Claim:
    """A call that was written down; `took_number`: its permanent number was free before."""

    id: bytes
    started_at: int
    took_number: bool


class Client(Protocol):
    """What minting needs of an API client."""

    def create_qrcode(self, *, scene: int | str, is_permanent: bool, expires_in: int | None) -> Ticket:
        """Mint a code at WeChat's."""
        ...


class Minter:
    """Mints codes for all accounts. Safe to use from any thread and any number of processes."""

    def __init__(
        self,
        engine: Engine,
        *,
        client_for: Callable[[str], Client],
        now: Callable[[], datetime] = clock.now,
        holder: str = "",
        pace: Callable[[], None] = lambda: None,
    ) -> None:
        """Take `pace` to wait before each call, and `holder` as the name to write calls down under."""
        self._engine = engine
        self._client_for = client_for
        self._now = now
        self._holder = holder
        self._pace = pace
        self._meter = Meter(engine, now=now)

    def mint(
        self,
        scene: int | str,
        *,
        account: str = "default",
        expires_in: int | None = WEEK_SECONDS,
        renew_before: int | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> Code:
        """Return a code for a scene: an `int` makes a number code, a `str` a text code.

        `expires_in` is the lifetime in seconds that is asked for, None for a permanent code. The code on
        record is returned while it lives for more than `renew_before` seconds, by default half of what is
        asked for. `patience` is how many seconds to wait while somebody else mints the same code.
        Raises SceneRefusedError for a scene that must not be sent, MintingError, ApiError.
        """
        kind = kind_of(scene, account=account, expires_in=expires_in)
        if renew_before is None:
            renew_before = (expires_in or 0) // 2
        wish = _Wish(kind=kind, renew_before=renew_before, seen=self._on_record(kind))
        give_up_at = clock.monotonic() + patience
        while True:
            with self._engine.connect() as connection:
                code = self._good(connection, wish)
            if code is not None:
                took = patiently(self._engine, partial(self._hold_number, kind), seconds=patience)
                self._meter.note(account, int(took))
                return code
            client = self._client_for(account)
            self._pace()
            claim = patiently(self._engine, partial(self._claim, wish), seconds=patience)
            if isinstance(claim, _Claim):
                try:
                    return self._ask(client, kind, expires_in, claim=claim)
                finally:  # whose outcome is unknown keeps its number
                    self._meter.note(account, int(claim.took_number))
            if claim == "done":
                continue
            if clock.monotonic() >= give_up_at:
                raise MintingError(
                    f"the code of {scene!r} is being minted by somebody else; try again in a minute"
                )
            time.sleep(_POLL_SECONDS)

    def find(self, scene: str, *, account: str = "default", is_permanent: bool | None = None) -> Code | None:
        """Return the code on record, expired or not; of both kinds the permanent one, unless told."""
        if "\0" in scene:  # PostgreSQL takes none, and would say so as if it were away
            return None
        wanted = (qrcodes.c.account == account, qrcodes.c.scene == scene)
        query = select(qrcodes).where(*wanted).order_by(qrcodes.c.is_permanent.desc()).limit(1)
        if is_permanent is not None:
            query = query.where(qrcodes.c.is_permanent == is_permanent)
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else code_of(row)

    def abandon(self) -> int:
        """Note the claims of this holder as *unknown outcome* at once, and return how many there were.

        Only for one who knows that nobody else works under the same name now.
        """
        dead = mintings.c.outcome == "asked", mintings.c.detail == self._holder
        given_up = update(mintings).where(*dead).values(_GIVEN_UP)
        return patiently(self._engine, lambda connection: connection.execute(given_up).rowcount)

    def _seconds(self) -> int:
        return int(self._now().timestamp())

    def _hold_number(self, kind: Kind, connection: Connection, *, at: int | None = None) -> bool:
        """Take the number that a code has, if it has one that can be taken; False: it was not free."""
        if not (kind.is_integer and kind.is_permanent):
            return False
        at = self._seconds() if at is None else at
        return numbers.hold(connection, kind.account, int(kind.scene), at=at)

    def _on_record(self, kind: Kind) -> str:
        code = self.find(kind.scene, account=kind.account, is_permanent=kind.is_permanent)
        return code.ticket if code else ""

    def _good(self, connection: Connection, wish: "_Wish") -> Code | None:
        """Return the code on record if it lives long enough, or somebody has just renewed it."""
        kind = wish.kind
        query = select(qrcodes).where(qrcodes.c.account == kind.account, qrcodes.c.scene == kind.scene)
        for code in map(code_of, connection.execute(query).mappings().all()):
            if code.is_integer != kind.is_integer:
                raise SceneTakenError(_both_words(kind))
            left = code.seconds_left(self._seconds())
            is_wanted = left > wish.renew_before or (left > 0 and code.ticket != wish.seen)
            if code.is_permanent == kind.is_permanent and is_wanted:
                return code
        return None

    def _claim(self, wish: "_Wish", connection: Connection) -> _Claim | Literal["busy", "done"]:
        """Write down that the code is about to be asked for, or say how far somebody else is with it.

        A number is taken in the same transaction, and its being taken undone in that which ends the claim
        with a refusal, if nobody has named an owner meanwhile.
        """
        kind = wish.kind
        started_at = self._seconds()
        claim = os.urandom(16)
        row = {
            "id": claim,
            "account": kind.account,
            "scene": kind.scene,
            "is_permanent": kind.is_permanent,
            "started_at": started_at,
            "outcome": "asked",
            "claim": _claim_key(kind),
            "detail": self._holder,
        }
        _give_up_old_claims(connection, before=started_at - CLAIM_SECONDS)
        if not insert_first(connection, mintings, row):
            return "busy"
        if self._good(connection, wish):
            connection.rollback()
            return "done"
        took_number = self._hold_number(kind, connection, at=started_at)
        return _Claim(id=claim, started_at=started_at, took_number=took_number)

    def _ask(self, client: Client, kind: Kind, expires_in: int | None, *, claim: _Claim) -> Code:
        asked_at = self._seconds()
        outcome, detail = "unknown", "interrupted"
        try:
            ticket = client.create_qrcode(
                scene=kind.value, is_permanent=kind.is_permanent, expires_in=expires_in
            )
        except UnreachableError as error:
            outcome, detail = "unknown" if error.was_sent else "refused", str(error)
            raise
        except WxbotError as error:
            outcome, detail = "refused", str(error)
            raise
        else:
            outcome = "minted"
            return self._keep(kind, ticket, claim=claim.id, asked_at=asked_at)
        finally:
            if outcome != "minted":
                self._note(kind, claim, outcome, detail)

    def _keep(self, kind: Kind, ticket: Ticket, *, claim: bytes, asked_at: int) -> Code:
        # Counted from before the call: WeChat's own count began later, so this one never ends after it.
        expires_at = None if ticket.expires_in is None else asked_at + ticket.expires_in
        values = {
            "is_integer": kind.is_integer,
            "ticket": ticket.ticket,
            "url": ticket.url,
            "expires_at": expires_at,
        }
        key = {"account": kind.account, "scene": kind.scene, "is_permanent": kind.is_permanent}
        # A claim that was given up as unknown meanwhile has an outcome after all.
        noted = (
            update(mintings).where(mintings.c.id == claim).values(outcome="minted", claim=None, detail=None)
        )

        mine = [qrcodes.c[name] == value for name, value in key.items()]

        def write(connection: Connection) -> Code:
            if not insert_first(connection, qrcodes, {**key, **values, "created_at": asked_at}):
                # Its first time stays: lists are paged by it, and none moves while somebody turns the pages.
                connection.execute(update(qrcodes).where(*mine).values(values))
            connection.execute(noted)
            return code_of(connection.execute(select(qrcodes).where(*mine)).mappings().one())

        # The code exists by now: it must not be lost because somebody else is writing.
        return patiently(self._engine, write)

    def _note(self, kind: Kind, claim: _Claim, outcome: str, detail: str) -> None:
        values = {"outcome": outcome, "claim": None, "detail": detail[:255]}
        mine = mintings.c.id == claim.id
        ended = update(mintings).where(mine, mintings.c.claim.is_not(None)).values(claim=None)
        noted = update(mintings).where(mine).values(values)

        def write(connection: Connection) -> None:
            was_open = connection.execute(ended).rowcount
            connection.execute(noted)
            # Once it was given up, somebody else may have asked for the same number.
            if was_open and claim.took_number and outcome == "refused":
                _undo_hold(connection, kind, at=claim.started_at)

        patiently(self._engine, write)


def code_of(row: RowMapping | dict[str, object]) -> Code:
    """Return a row of `qrcodes` as a code."""
    return Code(**{column.name: row[column.name] for column in qrcodes.columns})  # type: ignore[arg-type]


def _undo_hold(connection: Connection, kind: Kind, *, at: int) -> None:
    """Let a number be as it was, unless it has got an owner since then."""
    table = permanent_numbers.c
    which = table.owner == "", table.purpose == "", table.taken_at == at
    undo(connection, kind.account, [int(kind.scene)], *which)


def _give_up_old_claims(connection: Connection, *, before: int) -> None:
    old = mintings.c.outcome == "asked", mintings.c.started_at < before
    connection.execute(update(mintings).where(*old).values(_GIVEN_UP))


def _claim_key(kind: Kind) -> bytes:
    """Return what only one open claim can have.

    Whatever the duration, so that a number and a text of the same digits cannot be claimed together.
    """
    return sha256(f"{kind.account}\0{kind.scene}".encode()).digest()[:16]


def _both_words(kind: Kind) -> str:
    known, wanted = ("a text", "a number") if kind.is_integer else ("a number", "a text")
    return (
        f"there is a code with {known} {kind.scene!r} already; scans of {wanted} {kind.scene!r} would look "
        "the same. Give one of them a beginning of its own, as in 'order:'"
    )
