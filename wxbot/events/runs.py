"""The runs of this process: each event runs once, and every delivery of it gets the same reply.

A run goes through these steps, each a conditional statement on the event's row:

1. recall: settled already → its reply; `running` elsewhere → wait for it.
2. claim: handlers that write take the row before they start, light ones take nothing.
3. work: on a thread of the pool, which also settles; the requests only wait.
4. settle: `done`, in one transaction with what the handler wrote.
5. deadline: the row becomes `late` with the interim text; whoever comes afterwards reads that.

A lock of the run decides between 4 and 5.
"""

import logging
import secrets
import threading
import time
from dataclasses import dataclass, field, replace

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from wxbot import followers
from wxbot.db.session import UnitOfWork
from wxbot.errors import ForbiddenError, WxbotError
from wxbot.events.records import Delivery, Recalled, Records, State
from wxbot.followers import Follower
from wxbot.outcome import Outcome, Status
from wxbot.scenes.dispatch import Dispatcher
from wxbot.scenes.pool import Pool, PoolFullError
from wxbot.wechat.events import Event
from wxbot.wechat.replies import Acknowledgement, Reply

WRITE_SECONDS = 1.0  # after the deadline, to write that it passed
_POLL_SECONDS = 0.1

log = logging.getLogger(__name__)

Answer = Reply | Acknowledgement


class UnrecordedError(WxbotError):
    """The answer could not be written down, so none may be given; WeChat will repeat the delivery."""


@dataclass(eq=False)
class _Run:
    """One run of one event; its deliveries in this process share it."""

    delivery: Delivery
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    lock: threading.Lock = field(default_factory=threading.Lock)
    ended: threading.Event = field(default_factory=threading.Event)
    known: Follower | None = None
    is_late: bool = False
    has_row: bool = False
    answer: Answer | None = None
    error: Exception | None = None

    @property
    def event(self) -> Event:
        return self.delivery.event

    def end(self, answer: Answer | None = None, *, error: Exception | None = None) -> None:
        if not self.ended.is_set():
            self.answer, self.error = answer, error
            self.ended.set()

    def wait(self, until: float) -> Answer | None:
        if not self.ended.wait(max(0.0, until - time.monotonic())):
            return None
        if self.error is not None:
            raise self.error
        return self.answer


class _Work:
    """What one run lends to its handlers."""

    def __init__(self, engine: Engine, follower: Follower) -> None:
        self.unit = UnitOfWork(engine)
        self.follower = follower

    def session(self) -> Session:
        return self.unit.session()

    def flush(self) -> None:
        self.unit.flush()

    def close(self) -> None:
        self.unit.close()


class Runs:
    """Answers deliveries: joins, recalls, runs, settles, and keeps the deadline."""

    def __init__(
        self,
        engine: Engine,
        *,
        records: Records,
        dispatcher: Dispatcher,
        pool: Pool,
        deadline_seconds: float,
    ) -> None:
        self._engine = engine
        self._records = records
        self._dispatcher = dispatcher
        self._pool = pool
        self._deadline_seconds = deadline_seconds
        self._lock = threading.Lock()
        self._running: dict[bytes, _Run] = {}

    def answer(self, delivery: Delivery, *, arrived: float) -> Answer:
        """Return the reply for a delivery that arrived at `arrived` (monotonic seconds).

        Raises ForbiddenError for a signature that came with another event, UnrecordedError when the
        database did not take the answer in time.
        """
        until = arrived + self._deadline_seconds
        run, is_ours = self._enter(delivery)
        try:
            if is_ours:
                self._begin(run, until)
            elif run.delivery.signed_by != delivery.signed_by:
                self._accept(delivery)
            # What was said late never changes: a repeat need not wait for a handler that hangs.
            answer = None if run.is_late else run.wait(until)
        except Exception as error:
            refused = _refusal(error)
            if is_ours:
                self._leave(run, error=refused)
            raise refused from error
        return answer if answer is not None else self._answer_late(run, until + WRITE_SECONDS)

    def _enter(self, delivery: Delivery) -> tuple[_Run, bool]:
        """Join the run of this event, or open one. The recall comes after, so that none slips between."""
        with self._lock:
            run = self._running.get(delivery.event.digest)
            if run is not None:
                return run, False
            run = self._running[delivery.event.digest] = _Run(delivery)
            return run, True

    def _leave(self, run: _Run, answer: Answer | None = None, *, error: Exception | None = None) -> None:
        run.end(answer, error=error)
        with self._lock:
            if self._running.get(run.event.digest) is run:
                del self._running[run.event.digest]

    def _accept(self, delivery: Delivery) -> None:
        """A repeat with a signature of its own: it must not belong to another event, and is noted."""
        if not self._records.recall(delivery).is_signature_known:
            self._records.accept(delivery)

    def _begin(self, run: _Run, until: float) -> None:
        recalled = self._records.recall(run.delivery)
        while recalled.state is State.RUNNING and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)
            recalled = self._records.recall(run.delivery)
        if recalled.state is not None:
            self._answer_recalled(run, recalled, until + WRITE_SECONDS)
            return
        run.known = recalled.follower
        event = followers.refine(run.event, run.known)
        try:
            self._pool.submit(lambda: self._execute(run, event))
        except PoolFullError as full:
            log.error("an event got the fallback: %s", full)
            reply = self._dispatcher.texts.closing(event)
            outcome = Outcome(status=Status.FAILED, reply=reply, detail="no thread free")
            self._settle(run, outcome, _Work(self._engine, followers.after(event, run.known)))

    def _answer_recalled(self, run: _Run, recalled: Recalled, until: float) -> None:
        if recalled.reply is None:  # still running elsewhere at our deadline
            self._records.mark_late(run.event, patience_seconds=until - time.monotonic())
            recalled = self._records.recall(run.delivery)
        if not recalled.is_signature_known:
            self._records.accept(run.delivery)
        self._leave(run, recalled.reply)

    def _execute(self, run: _Run, event: Event) -> None:
        """Find the handler, run it, settle; all on a thread of the pool: authors' patterns are code too."""
        try:
            match = self._dispatcher.find(event)
            if match.is_claimed and not self._claim(run):
                self._yield_to_other(run)
                return
            work = _Work(self._engine, followers.after(event, run.known))
            try:
                outcome = self._dispatcher.dispatch(event, match, work)
                log.info(
                    "%s by %s in %.0f ms", outcome.status, outcome.handler or "nobody", outcome.seconds * 1000
                )
                self._settle(run, outcome, work)
            finally:
                work.close()
        except (SQLAlchemyError, ForbiddenError) as error:
            self._leave(run, error=_refusal(error))
        except Exception as error:
            log.exception("a run could not be settled")
            self._leave(run, error=error)

    def _claim(self, run: _Run) -> bool:
        with run.lock:
            if not run.has_row:
                run.has_row = self._records.claim(
                    run.delivery, self._dispatcher.texts.waiting(run.event), run=run.id, known=run.known
                )
            return run.has_row

    def _settle(self, run: _Run, outcome: Outcome, work: _Work) -> None:
        with run.lock:
            if run.has_row:
                self._finish(run, outcome, work)
                # What the row says, not what we know: another process may have found this run late.
                self._leave(run, self._records.recall(run.delivery).reply)
                return
            is_ours = self._records.settle(run.delivery, outcome, run=run.id, known=run.known)
        if is_ours:
            self._leave(run, outcome.reply)
        else:
            self._yield_to_other(run)

    def _finish(self, run: _Run, outcome: Outcome, work: _Work) -> None:
        """Commit the row's end together with what the handler wrote, or the fallback without it."""
        try:
            work.unit.commit(
                lambda connection: self._records.finish(connection, run.event, outcome, run=run.id)
            )
        except SQLAlchemyError as error:
            work.close()
            log.error("what %s wrote could not be committed: %s", outcome.handler, type(error).__name__)
            reply = self._dispatcher.texts.closing(run.event)
            detail = f"commit: {type(error).__name__}"
            failed = replace(outcome, status=Status.FAILED, reply=reply, detail=detail)
            self._records.finish_alone(run.event, failed, run=run.id)

    def _yield_to_other(self, run: _Run) -> None:
        """Another process was faster: its reply is ours, as soon as it has one."""
        give_up_at = time.monotonic() + self._deadline_seconds
        recalled = self._records.recall(run.delivery)
        while recalled.reply is None and time.monotonic() < give_up_at:
            time.sleep(_POLL_SECONDS)
            recalled = self._records.recall(run.delivery)
        self._leave(run, recalled.reply)

    def _answer_late(self, run: _Run, until: float) -> Answer:
        """The deadline has passed: write that down before `until`, then answer what the row says."""
        if not run.lock.acquire(timeout=max(0.0, until - time.monotonic())):
            raise UnrecordedError("the run was being written")
        try:
            if not run.ended.is_set() and not run.is_late:
                self._mark_late(run, until - time.monotonic())
            if run.error is None and run.answer is None:
                run.answer = self._records.recall(run.delivery).reply
        except SQLAlchemyError as error:
            raise UnrecordedError(type(error).__name__) from error
        finally:
            run.lock.release()
        if run.error is not None:
            raise run.error
        if run.answer is None:
            raise UnrecordedError("no reply on record")
        return run.answer

    def _mark_late(self, run: _Run, patience_seconds: float) -> None:
        if not run.has_row:
            interim = self._dispatcher.texts.waiting(run.event)
            run.has_row = self._records.give_up(
                run.delivery, interim, run=run.id, known=run.known, patience_seconds=patience_seconds
            )
            run.is_late = run.has_row
        if not run.is_late:
            self._records.mark_late(run.event, patience_seconds=patience_seconds)
            run.is_late = True
        log.warning("no reply within %s s; the interim text was sent", self._deadline_seconds)


def _refusal(error: Exception) -> Exception:
    """Return the error as the caller sees it: whatever the database says means `not recorded`."""
    return UnrecordedError(type(error).__name__) if isinstance(error, SQLAlchemyError) else error
