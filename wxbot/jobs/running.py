"""One job from claim to end. The code of job functions is called here and nowhere else."""

import logging
import random
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from wxbot import clock
from wxbot.db.session import UnitOfWork
from wxbot.errors import WxbotError
from wxbot.jobs.ledger import Ledger
from wxbot.jobs.work import Claimed, Drop, Ending, Keep, Later, Work
from wxbot.logs import bind_event, redact
from wxbot.wechat.errcodes import ApiError

log = logging.getLogger(__name__)

FIRST_DELAY_SECONDS = 4.0
LONGEST_DELAY_SECONDS = 600.0
# A job that is not known here is left to others for so long.
_UNKNOWN_PAUSE_SECONDS = 10.0
# Jobs of a name that is not known here are not taken, nor warned of again, for so long.
_UNKNOWN_SECONDS = 600.0


def delay_after(attempt: int, *, chance: Callable[[], float] = random.random) -> float:
    """Return the pause after a failed attempt: twice as long each time, and never the same for two jobs."""
    longest = min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0 ** min(attempt - 1, 30))
    return longest * (0.5 + chance() / 2)


class Runner:
    """Does jobs, on whichever thread asks for it, and holds on to the leases of those that it does.

    What a job enqueues in its own transaction is told to `dispatch` after the commit.
    """

    def __init__(
        self,
        ledger: Ledger,
        find: Callable[[str], Work | None],
        *,
        dispatch: Callable[[Sequence[bytes]], object] = lambda _: None,
    ) -> None:
        self._ledger = ledger
        self._find = find
        self._dispatch = dispatch
        self._held: dict[bytes, _Held] = {}
        self._lost: set[bytes] = set()
        self._unknown: dict[str, float] = {}
        self._lock = threading.Lock()

    @property
    def stuck(self) -> int:
        """How many threads are in a job that counts as lost."""
        return len(self._lost)

    def unknown(self) -> list[str]:
        """Return the names of jobs that were found not to be known here of late: others may know them."""
        with self._lock:
            told = list(self._unknown.items())
        now = clock.monotonic()
        return [name for name, at in told if now < at + _UNKNOWN_SECONDS and self._find(name) is None]

    def run(self, id: bytes) -> bool:
        """Do a job if it is due; False when it is not, or the database does not say. Never raises."""
        try:
            claimed = self._ledger.claim(id, without=self.unknown())
            if claimed is None:
                return False
            with bind_event(claimed.event_key):
                self._run(claimed)
        except SQLAlchemyError as error:
            # Its lease runs out, and the sweep finds it.
            log.error("job %s: the database does not answer (%s)", id.hex(), type(error).__name__)
            return False
        return True

    def renew(self) -> None:
        """Renew the leases of what runs; what has run for too long is given up, with all it wrote."""
        now = clock.monotonic()
        with self._lock:
            late = [held for held in self._held.values() if held.until <= now]
            for held in late:
                del self._held[held.claimed.token]
                self._lost.add(held.claimed.token)
            claimed = [held.claimed for held in self._held.values()]
        for held in late:
            log.error("job %s (%s) does not return; its thread is lost", held.claimed.name, held.claimed.key)
            held.unit.abandon()
        self._ledger.renew(claimed)

    def _run(self, claimed: Claimed) -> None:
        work = self._find(claimed.name)
        if work is None:
            self._pass_over(claimed)
            return
        limit = work.attempts or self._ledger.attempts
        claimed = replace(claimed, is_last=claimed.attempt >= limit)
        if not self._refuse(claimed, work, limit):
            self._do(claimed, work)

    def _pass_over(self, claimed: Claimed) -> None:
        """Leave a job to a worker that knows it: a newer version than this one may have deferred it."""
        detail = f"there is no job named {claimed.name}; is its plugin loaded here?"
        if not claimed.is_old:
            if claimed.name not in self.unknown():  # not for each that is taken at the same moment
                with self._lock:
                    self._unknown[claimed.name] = clock.monotonic()
                log.warning(
                    "jobs named %s wait for a worker that knows them; is their plugin loaded here?",
                    claimed.name,
                )
            self._ledger.pass_over(claimed, _UNKNOWN_PAUSE_SECONDS * (0.5 + random.random()), detail)
        elif claimed.is_resumed:
            # Whether it may be begun twice is not known here.
            self._end(claimed, "unknown", f"its worker was lost while it ran, and {detail}")
        else:
            self._end(claimed, "dead", detail)

    def _refuse(self, claimed: Claimed, work: Work, limit: int) -> bool:
        """Put a job aside that must not be begun, or not again."""
        if claimed.is_resumed and not work.is_idempotent:
            self._end(claimed, "unknown", "its worker was lost while it ran")
        elif claimed.is_expired and work.is_kept:
            self._keep(claimed, "it could not be sent in time")
        elif claimed.is_expired:
            self._end(claimed, "dead", "it could not be begun in time")
        elif claimed.attempt > limit:
            self._end(claimed, "dead", "its worker was lost at the last attempt")
        else:
            return False
        return True

    def _do(self, claimed: Claimed, work: Work) -> None:
        unit = _Unit(self._ledger.engine)
        with self._lock:
            self._held[claimed.token] = _Held(claimed, unit, clock.monotonic() + work.longest_seconds)
        try:
            work.call(claimed, unit)
            self._finish(claimed, unit)
        except Ending as ending:
            unit.close()
            self._end_as(claimed, ending)
        except (Exception, SystemExit) as error:  # whatever a job raises, the others go on
            unit.close()
            self._fail(claimed, work, error)
        finally:
            unit.close()
            with self._lock:
                self._held.pop(claimed.token, None)
                self._lost.discard(claimed.token)

    def _finish(self, claimed: Claimed, unit: "_Unit") -> None:
        if unit.is_used:
            is_ours = unit.commit(lambda connection: self._ledger.finish(connection, claimed))
        else:
            # With patience: there is nothing of the job's own that a busy database could undo.
            is_ours = self._ledger.end(claimed, "done", "")
        if is_ours:
            self._dispatch(unit.caused)
        else:
            log.warning("job %s (%s) was somebody else's by its end", claimed.name, claimed.key)

    def _end_as(self, claimed: Claimed, ending: Ending) -> None:
        detail, left = redact(str(ending)), ending.arguments
        if isinstance(ending, Later):
            self._ledger.postpone(claimed, ending.seconds, detail, counts=False, arguments=left)
        elif isinstance(ending, Keep):
            self._keep(claimed, detail, ending=ending)
        else:
            self._end(claimed, "done" if isinstance(ending, Drop) else "unknown", detail, ending=ending)

    def _fail(self, claimed: Claimed, work: Work, error: BaseException) -> None:
        log.error("job %s (%s) failed", claimed.name, claimed.key, exc_info=error)
        was_refused = isinstance(error, ApiError) and not getattr(error, "was_sent", False)
        if not work.is_idempotent and not was_refused:
            self._end(claimed, "unknown", _told(error))
        else:
            self._retry(claimed, _told(error))

    def _retry(self, claimed: Claimed, detail: str) -> None:
        if claimed.is_last:
            self._end(claimed, "dead", detail)
        else:
            self._ledger.postpone(claimed, delay_after(claimed.attempt), detail)

    def _keep(self, claimed: Claimed, detail: str, *, ending: Ending | None = None) -> None:
        left = None if ending is None else ending.arguments
        written = self._ledger.keep(claimed, detail, arguments=left)
        if written is not None:
            _log_end(claimed, *written)

    def _end(self, claimed: Claimed, state: str, detail: str, *, ending: Ending | None = None) -> None:
        left = None if ending is None else ending.arguments
        if state == "dead":
            self._bury(claimed)
        if self._ledger.end(claimed, state, detail, arguments=left) and state != "done":
            _log_end(claimed, state, detail)

    def _bury(self, claimed: Claimed) -> None:
        work = self._find(claimed.name)
        if work is None or work.if_dead is None:
            return
        try:
            work.if_dead(claimed)
        except SQLAlchemyError:
            raise
        except Exception:  # dead it is, whatever comes of that
            log.exception("job %s (%s): its end could not be told", claimed.name, claimed.key)


class _Unit(UnitOfWork):
    """A unit of work that knows whether the job has asked for its session."""

    is_used = False

    def session(self) -> Session:
        self.is_used = True
        return super().session()


@dataclass(frozen=True)
class _Held:
    claimed: Claimed
    unit: _Unit
    until: float


def _log_end(claimed: Claimed, state: str, detail: str) -> None:
    if state == "kept":  # as often as somebody is answered late
        log.info("job %s (%s) is kept: %s", claimed.name, claimed.key, detail)
    else:
        log.error("job %s (%s) is %s: %s; see `wxbot jobs list`", claimed.name, claimed.key, state, detail)


def _told(error: BaseException) -> str:
    """Say what went wrong without repeating data: our own errors have texts for that, others a place."""
    if isinstance(error, WxbotError):
        return redact(f"{type(error).__name__}: {error}")
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
