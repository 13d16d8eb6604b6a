"""Access tokens: kept sealed in the database, refreshed early, by one for all threads and processes.

Who takes the lease on an account's row fetches, everybody else waits. The token is written and the lease
given back by one statement, which counts only while the lease is still ours.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import NoReturn, Protocol

from sqlalchemy import Connection, Engine, and_, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from wxbot import clock
from wxbot.clock import CHINA
from wxbot.db.models import access_tokens
from wxbot.db.statements import database_now, insert_first
from wxbot.wechat.api import ApiAccount, TokenSource
from wxbot.wechat.errcodes import (
    ApiError,
    BlockedError,
    BusyError,
    QuotaError,
    TokenRefusedError,
    UnreachableError,
    error_for,
)
from wxbot.wechat.http import Http
from wxbot.wechat.sealing import Seal
from wxbot.wechat.token_call import Fetched, TokenCall

# Below the 300 seconds in which WeChat gives out a new stable token while the old one is still good.
EARLY_SECONDS = 240
EARLY_PAUSE_SECONDS = 60
SPARE_SECONDS = 10
LEASE_SECONDS = 6
LONGEST_LEASE_SECONDS = 10 * LEASE_SECONDS
WAIT_SECONDS = 10.0
POLL_SECONDS = 0.05
# WeChat's rules for ending a stable token.
FORCE_PAUSE_SECONDS = 30
FORCES_A_DAY = 20
# A token that is refused so soon after a renewal would be refused after the next one, too. The pause
# doubles with each renewal, until there was none for an hour.
RENEWAL_PAUSE_SECONDS = 60
LONGEST_PAUSE_SECONDS = 600
CALM_SECONDS = 3600
_CALL = "access token"

log = logging.getLogger(__name__)


class Fetch(Protocol):
    """How a token is fetched; raises ApiError."""

    def __call__(self, account: ApiAccount, *, is_forced: bool) -> Fetched:
        """Return a token; `is_forced` lets WeChat end the present one first."""
        ...


class Tokens:
    """The access tokens of all accounts; one for each process, shared by its threads."""

    def __init__(
        self,
        engine: Engine,
        *,
        accounts: Iterable[ApiAccount],
        keys: Sequence[str],
        fetch: Fetch | None = None,
        now: Callable[[], datetime] = clock.now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the secret keys newest first; a token that none of them opens is fetched anew."""
        seal = Seal(keys, purpose="access token")
        fetch = fetch or TokenCall(Http(), now=now).fetch
        self._sources = {
            account.name: _Source(
                _Row(engine, account, seal), account=account, fetch=fetch, now=now, sleep=sleep
            )
            for account in accounts
        }

    def source(self, account: str) -> TokenSource:
        """Return where the client of an account has its tokens from; LookupError for an unknown one."""
        return self._sources[account]


@dataclass(frozen=True, kw_only=True)
class _State:
    """A row as it was read; `sealed` tells whether somebody has replaced the token since."""

    token: str | None = field(default=None, repr=False)
    sealed: bytes | None = field(default=None, repr=False)
    expires_at: int = 0
    fetched_at: int = 0
    renewed_at: int = 0
    forced_at: int = 0
    forces: int = 0
    failures: int = 0
    blocked_until: int = 0
    blocked_because: str = ""

    def seen_at(self, now: int) -> "_State":
        # What lies ahead was written by a clock that was wrong. It counts as just done: as long ago as ever
        # it would lift the limits, and as far ahead as it says it would hold for ever.
        return replace(self, renewed_at=min(self.renewed_at, now), forced_at=min(self.forced_at, now))

    def is_good(self, now: int) -> bool:
        return self.token is not None and self.expires_at > now + SPARE_SECONDS

    def is_old(self, now: int) -> bool:
        return self.expires_at <= now + EARLY_SECONDS and now >= self.fetched_at + EARLY_PAUSE_SECONDS

    def is_blocked(self, now: int) -> bool:
        # One that lies further ahead was written by a clock that was wrong.
        return now < self.blocked_until <= now + LONGEST_PAUSE_SECONDS

    def may_force(self, now: int) -> bool:
        return now - self.forced_at >= FORCE_PAUSE_SECONDS and self.forces_on(now) < FORCES_A_DAY

    def forces_on(self, now: int) -> int:
        return self.forces if _day(self.forced_at) == _day(now) else 0

    def failures_after_success(self, now: int, *, is_renewal: bool) -> int:
        # That a token comes does not mean that it will be accepted: renewals in a row count as failures.
        if now - self.renewed_at >= CALM_SECONDS:
            return 0
        return self.failures + is_renewal

    def renewal_pause(self) -> int:
        return min(RENEWAL_PAUSE_SECONDS << min(self.failures, 10), LONGEST_PAUSE_SECONDS)


class _Row:
    """One account's row; each method is one short transaction."""

    def __init__(self, engine: Engine, account: ApiAccount, seal: Seal) -> None:
        self._engine = engine
        self._name = account.name
        self._seal = seal
        # A token of another appid or kind does not open.
        self._about = f"{account.name}\0{account.appid}\0{account.token_kind}"
        self._is_mine = access_tokens.c.account == account.name

    def read(self) -> _State:
        with self._engine.connect() as connection:
            row = connection.execute(select(access_tokens).where(self._is_mine)).mappings().first()
        if row is None:
            return _State()
        known = {name: row[name] for name in _State.__dataclass_fields__ if name in row}
        sealed = known.pop("token")
        token = self._seal.open(sealed, about=self._about) if sealed else None
        because = known.pop("blocked_because") or ""
        return _State(token=token, sealed=sealed, blocked_because=because, **known)

    def take_lease(self) -> bytes | None:
        """Return the proof of the lease, None when somebody else holds it."""
        proof = secrets.token_bytes(16)
        until, now = access_tokens.c.lease_until, database_now()
        # The second: a clock that was wrong, by more than a tick between two who ask.
        free = or_(until <= now, until > now + LONGEST_LEASE_SECONDS)
        with self._engine.begin() as connection:
            take = (
                update(access_tokens)
                .where(and_(self._is_mine, free))
                .values(lease_until=database_now() + LEASE_SECONDS, lease_by=proof)
            )
            is_taken = connection.execute(take).rowcount == 1
            if not is_taken and self._add(connection):
                is_taken = connection.execute(take).rowcount == 1
            return proof if is_taken else None

    def write(self, proof: bytes, **values: object) -> bool:
        """Change the row under the lease; False when the lease was lost."""
        return self._update(access_tokens.c.lease_by == proof, **values)

    def release(self, proof: bytes, **values: object) -> bool:
        """Change the row and give the lease back, in one statement; False when the lease was lost."""
        return self.write(proof, lease_by=None, lease_until=0, **values)

    def keep(self, proof: bytes, token: str, **values: object) -> bool:
        """Store a token and give the lease back; False when the lease was lost."""
        return self.release(proof, token=self._seal.close(token, about=self._about), **values)

    def replace(self, sealed: bytes | None, **values: object) -> bool:
        """Change the row if its token is still the one that was read."""
        return self._update(access_tokens.c.token == sealed, **values)

    def _update(self, condition: object, **values: object) -> bool:
        with self._engine.begin() as connection:
            changed = connection.execute(
                update(access_tokens).where(self._is_mine, condition).values(**values)  # type: ignore[arg-type]
            )
            return changed.rowcount == 1

    def _add(self, connection: Connection) -> bool:
        numbers = [column.name for column in access_tokens.c if not column.nullable][1:]
        return insert_first(connection, access_tokens, {"account": self._name, **dict.fromkeys(numbers, 0)})


class _Source:
    """The tokens of one account, as a TokenSource."""

    def __init__(
        self,
        row: _Row,
        *,
        account: ApiAccount,
        fetch: Fetch,
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self._row = row
        self._account = account
        self._fetch = fetch
        self._now = now
        self._sleep = sleep
        # One thread of each process asks for the lease; the others need not ask the database.
        self._lock = threading.Lock()

    def current(self) -> str:
        """Return a good token; near its end it is refreshed by one caller, while the others go on with it."""
        with self._database_needed():
            state, now = self._look()
            if state.token is None or not state.is_good(now):
                return self._renew(None)
        if state.is_old(now) and not state.is_blocked(now):
            return self._refresh_early(state, state.token)
        return state.token

    def refused(self, token: str) -> str:
        """Return another token than this one, which WeChat refused; fetched unless there is a newer one."""
        with self._database_needed():
            return self._renew(token)

    @contextmanager
    def _database_needed(self) -> Iterator[None]:
        """Say of a database that does not answer what callers expect: there is no token, thus no call."""
        try:
            yield
        except SQLAlchemyError as error:
            because = f"the database was not to be had ({type(error).__name__})"
            raise BlockedError(because, call=_CALL, ends_at=self._now().astimezone(UTC)) from error

    def _refresh_early(self, state: _State, token: str) -> str:
        if not self._lock.acquire(blocking=False):
            return token
        try:
            return self._fetch_alone(state, refused=None) or token
        except ApiError:
            return token  # it is still good, and the failure is logged and counted
        except SQLAlchemyError as error:
            name, kind = self._account.name, type(error).__name__
            log.warning("account %s: the access token was not refreshed early (%s)", name, kind)
            return token
        finally:
            self._lock.release()

    def _renew(self, refused: str | None) -> str:
        if not self._account.secret:
            advice = f"set `secret` of [accounts.{self._account.name}]; calls to WeChat's API need it"
            raise ApiError(None, call=_CALL, advice=advice)
        give_up_at = clock.monotonic() + WAIT_SECONDS
        if not self._lock.acquire(timeout=WAIT_SECONDS):
            self._give_up()
        try:
            while True:
                state, now = self._look()
                if state.token is not None and state.token != refused and state.is_good(now):
                    return state.token
                self._check_breaker(state, refused)
                token = self._fetch_alone(state, refused=refused)
                if token is not None:
                    return token
                if clock.monotonic() > give_up_at:
                    self._give_up()
                self._sleep(POLL_SECONDS)
        finally:
            self._lock.release()

    def _give_up(self) -> NoReturn:
        because = "somebody else has been fetching it for too long"
        raise BlockedError(because, call=_CALL, ends_at=self._now().astimezone(UTC))

    def _check_breaker(self, state: _State, refused: str | None) -> None:
        now = self._seconds()
        if state.is_blocked(now):
            raise _blocked(state.blocked_because, state.blocked_until)
        if refused is None or state.token != refused:
            return
        until = state.renewed_at + state.renewal_pause()
        if now >= until:
            return
        because = (
            "WeChat refuses even new access tokens; is api_base right, and the account in good standing?"
        )
        self._row.replace(
            state.sealed,
            token=None,
            expires_at=0,
            renewed_at=state.renewed_at,
            blocked_until=until,
            blocked_because=because,
        )
        log.warning("account %s: %s No call for %s s.", self._account.name, because, until - now)
        raise _blocked(because, until)

    def _fetch_alone(self, seen: _State, *, refused: str | None) -> str | None:
        """Fetch under the lease; None when there is nothing to do, since somebody else holds or held it."""
        proof = self._row.take_lease()
        if proof is None:
            return None
        state, now = self._look()
        if state.sealed != seen.sealed or state.is_blocked(now):
            self._row.release(proof)
            return None
        try:
            fetched = self._fetch(self._account, is_forced=False)
            if fetched.token == refused:
                fetched = self._fetch_forced(state, proof, refused)
        except ApiError as error:
            self._note_failure(state, proof, error, refused=refused)
            raise
        self._row.keep(
            proof,
            fetched.token,
            expires_at=now + fetched.expires_in,
            fetched_at=now,
            failures=state.failures_after_success(now, is_renewal=refused is not None),
            blocked_until=0,
            blocked_because=None,
            renewed_at=state.renewed_at if refused is None else now,
        )
        # Good even when the lease was lost: then somebody else has stored another one.
        return fetched.token

    def _fetch_forced(self, state: _State, proof: bytes, refused: str) -> Fetched:
        """Let WeChat end the stable token it keeps giving out although it refuses it."""
        now = self._seconds()
        may = self._account.token_kind == "stable" and state.may_force(now)
        longer = database_now() + LEASE_SECONDS
        forced = {"forced_at": now if may else state.forced_at, "forces": state.forces_on(now) + may}
        if self._row.write(proof, lease_until=longer, **forced) and may:
            fetched = self._fetch(self._account, is_forced=True)
            if fetched.token != refused:
                return fetched
        raise error_for(40001, None, call=_CALL, now=self._now())

    def _note_failure(self, state: _State, proof: bytes, error: ApiError, *, refused: str | None) -> None:
        until = int((self._now() + _pause_after(error, state.failures, self._now())).timestamp())
        tried: dict[str, object] = {}
        if refused is not None:
            tried["renewed_at"] = self._seconds()
            if state.token == refused:
                tried.update(token=None, expires_at=0)
        self._row.release(
            proof,
            failures=state.failures + 1,
            blocked_until=until,
            blocked_because=str(error)[:255],
            **tried,
        )
        log.warning("account %s: no access token: %s", self._account.name, error)

    def _look(self) -> tuple[_State, int]:
        state, now = self._row.read(), self._seconds()
        return state.seen_at(now), now

    def _seconds(self) -> int:
        return int(self._now().timestamp())


def _day(seconds: int) -> int:
    # WeChat's calls begin anew at midnight in China.
    return (seconds + int(CHINA.utcoffset(None).total_seconds())) // clock.DAY_SECONDS


def _pause_after(error: ApiError, failures: int, now: datetime) -> timedelta:
    """Return how long nobody fetches after a failure; the operator may repair some of them meanwhile."""
    if isinstance(error, QuotaError):
        return min(max(error.ends_at - now, timedelta(seconds=1)), timedelta(seconds=LONGEST_PAUSE_SECONDS))
    if isinstance(error, (UnreachableError, BusyError)):
        return timedelta(seconds=min(2 << min(failures, 10), 300))
    if isinstance(error, TokenRefusedError):
        return timedelta(seconds=min(RENEWAL_PAUSE_SECONDS << min(failures, 10), LONGEST_PAUSE_SECONDS))
    return timedelta(seconds=60)


def _blocked(because: str, until: int) -> BlockedError:
    return BlockedError(because, call=_CALL, ends_at=datetime.fromtimestamp(until, UTC))
