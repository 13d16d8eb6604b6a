"""Logins: claims on a browser session, and the one-time codes for which the site learns who has confirmed."""

import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256

from sqlalchemy import Connection, Engine, select

from wxbot.bindings import rows
from wxbot.bindings.bindings import Bindings
from wxbot.bindings.claim import Claim, Offer, State
from wxbot.bindings.claims import Claims
from wxbot.bindings.within import Within, carry_out
from wxbot.db.business import claim_steps, claims
from wxbot.db.statements import database_now

PURPOSE = "login"
MAKER = "login"  # what others offer under the purpose was not shown to a browser, and logs nobody in
CODE_SECONDS = 60
_MOST_CODES = 10
_MOST_TRIES = 10
_CODE = re.compile("([0-9a-f]{32})[A-Za-z0-9_-]{22}")
_WRONG, _CODED, _EXCHANGED = "wrong number", "code", "exchanged"
_CALLED_OFF = (State.OPEN, State.CLAIMED)
_DONE = (State.CONFIRMED, State.RELEASED)


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A login that a browser asks for.

    `browser` is the digest of its session and `device` that of the browser itself, as hex. The site told
    `state`, which only it and this browser know. `about` is what the person reads of the browser, which is
    written in `language`.
    """

    account: str
    browser: str
    device: str
    return_to: str
    state: str
    about: dict[str, str]
    language: str
    digits: int
    lifetime_seconds: int


@dataclass(frozen=True, kw_only=True)
class Login:
    """A login that the site has learned of: ids as hex, `confirmed_at` in seconds since 1970."""

    id: str
    account: str
    person: str
    site_users: tuple[str, ...]
    is_new: bool
    confirmed_at: int


class Logins:
    """Logins of all accounts. Safe to use from any thread and any number of processes."""

    def __init__(self, engine: Engine, claims: Claims, bindings: Bindings) -> None:
        self._engine = engine
        self._claims = claims
        self._bindings = bindings

    def begin(self, attempt: Attempt) -> Claim:
        """Make the claim of a login; all that the session had before are called off.

        Of several that a session begins at the same moment all are called off but one.
        """
        for _ in range(_MOST_TRIES):
            claim = self._begin_once(attempt)
            # Others may have called it off as one of those before theirs, while we called off theirs.
            if self._live(attempt.account, attempt.browser):
                break
        return claim

    def _begin_once(self, attempt: Attempt) -> Claim:
        self.call_off(attempt.account, attempt.browser, detail="replaced")
        data: dict[str, object] = {"return_to": attempt.return_to, "state": attempt.state}
        data |= {"device": attempt.device, "about": attempt.about, "number": _number(attempt.digits)}
        data["language"] = attempt.language
        offer = Offer(
            account=attempt.account,
            purpose=PURPOSE,
            subject=attempt.browser,
            data=data,
            lifetime_seconds=attempt.lifetime_seconds,
            made_by=MAKER,
            is_exclusive=False,
        )
        claim = self._claims.make(offer)
        self.call_off(attempt.account, attempt.browser, detail="replaced", but=1)
        return claim

    def call_off(self, account: str, browser: str, *, detail: str, but: int = 0) -> None:
        """Call off what a session has asked for and nobody has confirmed, but for so many of the latest."""
        for claim in self._live(account, browser)[but:]:
            self._claims.cancel(account, claim.id, detail=detail)

    def find(self, account: str, id: bytes, browser: str) -> Claim | None:
        """Return a login by its id, None for another session's; one that waits for too long has expired."""
        claim = self._claims.find(account, id)
        if claim is None or not is_login(claim) or not hmac.compare_digest(claim.subject, browser):
            return None
        if claim.state is State.CLAIMED and self._is_late(claim):
            return replace(claim, state=State.EXPIRED)
        return claim

    def code(self, claim: Claim) -> str | None:
        """Return a one-time code for a confirmed login, good for a minute; None unless it is confirmed.

        A login is exchanged once, however many codes the browser asks for; it gets ten at most.
        """
        code = f"{claim.id.hex()}{secrets.token_urlsafe(16)}"
        noted = self._claims.note(
            claim.account, claim.id, _CODED, state=State.CONFIRMED, detail=_digest(code)
        )
        return None if noted is None or noted > _MOST_CODES else code

    def exchange(
        self, code: str, state: str, *, is_allowed: Callable[[str], bool], within: Within = None
    ) -> Login | None:
        """Return who has confirmed, once; None for all that is not good, whatever the reason.

        However late a code was issued, a login is too late a minute after its claim has expired.
        `is_allowed` says of which accounts the site may learn. `state` is what the site told the browser that
        it has before it: somebody else's code is worth nothing there.
        """
        parts = _CODE.fullmatch(code)
        if parts is None:
            return None
        id = bytes.fromhex(parts[1])

        def work(connection: Connection) -> Login | None:
            # The notice of a new device waits for an exchange, and has to know when there can be none.
            is_in_time = claims.c.expires_at > database_now() - CODE_SECONDS
            claim = rows.one(connection, claims.c.id == id, is_in_time)
            if claim is None or not is_login(claim) or not is_allowed(claim.account):
                return None
            known = str(claim.data["state"]).encode()
            if not hmac.compare_digest(known, state.encode("utf-8", "surrogatepass")) or not _is_fresh(
                connection, id, code
            ):
                return None
            count = self._claims.note(claim.account, id, _EXCHANGED, state=State.CONFIRMED, within=connection)
            if count != 1 or claim.person is None:  # None: the person was erased meanwhile
                return None
            return self._login(connection, claim, claim.person)

        return carry_out(self._engine, work, within)

    def _live(self, account: str, browser: str) -> list[Claim]:
        found = self._claims.of_subject(account, PURPOSE, browser)
        return [each for each in found if each.state in _CALLED_OFF]

    def _is_late(self, claim: Claim) -> bool:
        timely = select(claims.c.id).where(claims.c.id == claim.id, rows.is_timely)
        with self._engine.connect() as connection:
            return connection.execute(timely).first() is None

    def _login(self, connection: Connection, claim: Claim, person: bytes) -> Login:
        openid = claim.openid
        bound = self._bindings.of_person(claim.account, openid, within=connection) if openid else []
        steps = self._claims.steps(claim.account, claim.id, within=connection)
        return Login(
            id=claim.id.hex(),
            account=claim.account,
            person=person.hex(),
            site_users=tuple(each.site_user for each in bound),
            is_new=not bound and not _has_logged_in(connection, claim),
            confirmed_at=next(step.at for step in steps if step.step == State.CONFIRMED),
        )


def is_login(claim: Claim) -> bool:
    """Say whether a claim is a login that was offered to a browser."""
    return claim.purpose == PURPOSE and claim.made_by == MAKER


def number_of(claim: Claim) -> str:
    """Return the number that the browser shows once the code is scanned."""
    return str(claim.data["number"])


def waiting(claims: Claims, account: str, openid: str) -> Claim | None:
    """Return the login that a person has scanned and has to confirm; of several the last."""
    found = claims.waiting(account, PURPOSE, openid)
    return next((each for each in found if is_login(each)), None)


def note_wrong(claims: Claims, claim: Claim, *, tries: int) -> int:
    """Count a wrong number; return how many tries are left, and call the login off when that is none."""
    count = claims.note(claim.account, claim.id, _WRONG, state=State.CLAIMED)
    left = 0 if count is None else max(0, tries - count)
    if not left:
        claims.cancel(claim.account, claim.id, detail="wrong numbers")
    return left


def is_exchanged(claims: Claims, claim: Claim) -> bool:
    """Say whether the site has learned of a login."""
    return any(step.step == _EXCHANGED for step in claims.steps(claim.account, claim.id))


def _number(digits: int) -> str:
    return str(secrets.randbelow(9 * 10 ** (digits - 1)) + 10 ** (digits - 1))


def _digest(code: str) -> str:
    return sha256(code.encode()).hexdigest()


def _is_fresh(connection: Connection, id: bytes, code: str) -> bool:
    issued = [claim_steps.c.claim == id, claim_steps.c.step == _CODED, claim_steps.c.detail == _digest(code)]
    issued.append(claim_steps.c.at > database_now() - CODE_SECONDS)
    return connection.execute(select(claim_steps.c.claim).where(*issued)).first() is not None


def _has_logged_in(connection: Connection, claim: Claim) -> bool:
    """Say whether the person has confirmed another login before."""
    theirs = [claims.c.account == claim.account, claims.c.person == claim.person, claims.c.id != claim.id]
    theirs += [claims.c.purpose == PURPOSE, claims.c.made_by == MAKER, claims.c.state.in_(_DONE)]
    return connection.execute(select(claims.c.id).where(*theirs).limit(1)).first() is not None
