"""Linking: numbers that confirm a scan, and people whom WeChat has named, offered to the site once.

Such an offer is kept as a claim that the person has already: for the site to confirm with the token it got.
"""

import hmac
import re
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from hashlib import sha256

from sqlalchemy import Connection, Engine

from wxbot.bindings import rows
from wxbot.bindings.bindings import Bindings, Bound, Outcome
from wxbot.bindings.claim import Claim, Offer, State
from wxbot.bindings.claims import Claims
from wxbot.bindings.within import Within, carry_out
from wxbot.db.business import claims as table
from wxbot.errors import WxbotError

PURPOSE = "link"
MAKER = "link"
TRIES = 5
CHAT_DIGITS = 4
PAGE_DIGITS = 6
_TRY = "number"
_SUBJECT = "from WeChat"
_TOKEN = re.compile("([0-9a-f]{32})([A-Za-z0-9_-]{22})")


def is_binding(claim: Claim) -> bool:
    """Say whether a claim has become a binding: that is ended, and the claim is not released."""
    return claim.purpose == PURPOSE and claim.state is State.CONFIRMED


class TakenError(WxbotError):
    """The policy allows no further binding of the user or of the person."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        who = "the user of the site" if outcome is Outcome.USER_TAKEN else "the person"
        super().__init__(f"{who} is bound already; unlink first, or let the policy allow more")


class Confirming(StrEnum):
    """What came of a number that was typed on the page."""

    DONE = "done"
    WRONG = "wrong"
    ENDED = "ended"  # too late, called off, or typed wrong too often
    TAKEN = "taken"


class Linking:
    """Offers people to the site. Safe to use from any thread and any number of processes."""

    def __init__(self, engine: Engine, claims: Claims, bindings: Bindings) -> None:
        self._engine = engine
        self._claims = claims
        self._bindings = bindings

    def offer(self, account: str, openid: str) -> str:
        """Return the token with which the site binds this person: for ten minutes, and once."""
        offer = Offer(account=account, purpose=PURPOSE, subject=_SUBJECT, made_by=MAKER, is_exclusive=False)

        def work(connection: Connection) -> Claim:
            made = self._claims.make(offer, within=connection)
            self._claims.claim(account, made.scene, openid, within=connection)
            return made

        claim = carry_out(self._engine, work, None)
        return f"{claim.id.hex()}{claim.scene.rpartition(':')[2]}"

    def bind(
        self,
        token: str,
        site_user: str,
        *,
        is_allowed: Callable[[str], bool],
        is_replacing: bool = False,
        within: Within = None,
    ) -> Bound | None:
        """Bind whom a token stands for to a user of the site; None for a token that is no good.

        `is_allowed` says for which accounts the site may do so. A token is used up by success: TakenError, as
        OfferError for a user that cannot be kept, has to end the transaction.
        """

        def work(connection: Connection) -> Bound | None:
            claim = self._read(connection, token)
            if claim is None or not is_allowed(claim.account):
                return None
            return self._bind(connection, claim, site_user, is_replacing=is_replacing)

        return carry_out(self._engine, work, within)

    def confirm(self, account: str, id: bytes, number: str) -> Confirming:
        """Bind whoever has scanned a code, if this is the number that they alone read; five tries."""
        work = partial(self._confirm, account=account, id=id, number=number)
        try:
            return carry_out(self._engine, work, None)
        except TakenError:
            return Confirming.TAKEN

    def _confirm(self, connection: Connection, *, account: str, id: bytes, number: str) -> Confirming:
        claim = self._claims.find(account, id, within=connection)
        if claim is None or is_offered(claim) or claim.openid is None:
            return Confirming.ENDED
        # A try is counted before it is looked at, and two at the same time wait for each other.
        tries = self._claims.note(account, id, _TRY, state=State.CLAIMED, within=connection)
        if tries is None or tries > TRIES:
            return Confirming.ENDED
        right = number_of(id, claim.openid, digits=PAGE_DIGITS)
        if hmac.compare_digest(right.encode(), number.encode("utf-8", "surrogatepass")):
            bound = self._bind(connection, claim, claim.subject)
            return Confirming.ENDED if bound is None else Confirming.DONE
        if tries < TRIES:
            return Confirming.WRONG
        self._claims.cancel(account, id, detail="wrong numbers", within=connection)
        return Confirming.ENDED

    def _bind(
        self, connection: Connection, claim: Claim, site_user: str, *, is_replacing: bool = False
    ) -> Bound | None:
        """Confirm and bind, together or not at all; None when there is nobody, or not any more."""
        if claim.openid is None or self._claims.confirm(claim.account, claim.id, within=connection) is None:
            return None
        bound = self._bindings.bind(
            claim.account,
            site_user,
            claim.openid,
            claim=claim.id,
            is_replacing=is_replacing,
            within=connection,
        )
        if bound.binding is None:
            raise TakenError(bound.outcome)
        return bound

    def _read(self, connection: Connection, token: str) -> Claim | None:
        parts = _TOKEN.fullmatch(token)
        if parts is None:
            return None
        claim = rows.one(connection, table.c.id == bytes.fromhex(parts[1]))
        if claim is None or not is_offered(claim) or claim.state is not State.CLAIMED or claim.openid is None:
            return None
        is_right = hmac.compare_digest(claim.scene, f"{PURPOSE}:{parts[2]}")
        return claim if is_right else None


def number_of(id: bytes, openid: str, *, digits: int = CHAT_DIGITS) -> str:
    """Return the number that a person reads about a claim or a binding of theirs.

    Sent back in the chat it is no secret: it keeps people from confirming what they have not read. Typed on
    the page that shows the code, it tells that who scanned and who looks at the page are together: nobody
    else knows the openid.
    """
    digest = sha256(b"number\0" + id + openid.encode("utf-8", "surrogatepass")).digest()
    smallest = 10 ** (digits - 1)
    return str(smallest + int.from_bytes(digest[:8], "big") % (9 * smallest))


def is_offered(claim: Claim) -> bool:
    """Say whether a claim is a person who was offered to the site, and nobody's code."""
    return claim.purpose == PURPOSE and claim.made_by == MAKER
