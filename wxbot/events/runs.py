"""The runs of this process: each event runs once, and every delivery of it gets the same reply.

A run goes through these steps, each a conditional statement on the event's row:

1. recall: settled already → its reply; `running` elsewhere → wait for it.
2. claim: handlers that write take the row before they start, light ones take nothing.
3. work: the handler runs; what it writes is not committed yet.
4. settle: `done`, in one transaction with what the handler wrote and the jobs that follow.
5. deadline: the row becomes `late` with the interim text; whoever comes afterwards reads that.

Steps 1 to 4 are done on a thread of the pool, 5 by a clerk: nothing keeps the request's thread. Between 4 and
5 the row decides, and a lock until there is one. Without a database the event goes to the spool (outage.py).
"""

import logging
import threading
import time
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from wxbot import followers, logs, metrics
from wxbot.errors import ForbiddenError
from wxbot.events.clerks import Clerks, TooSlowError
from wxbot.events.outage import Outage
from wxbot.events.recent import RECALL_SECONDS, SECOND_LOOK_SECONDS, Hearing
from wxbot.events.records import Delivery, Recalled, Records
from wxbot.events.rows import State
from wxbot.events.run import Answer, Limits, Run, Tools, UnrecordedError, Work, work_for
from wxbot.events.settling import Settling
from wxbot.events.spool import SpoolError
from wxbot.events.watch import Watch
from wxbot.outcome import Outcome, Status
from wxbot.scenes.breaker import Breaker
from wxbot.scenes.dispatch import Dispatcher
from wxbot.scenes.handler import Match
from wxbot.scenes.pool import Pool, PoolFullError
from wxbot.wechat.events import Event
from wxbot.wechat.replies import ACK

WRITE_SECONDS = 1.0  # after the deadline, to write that it passed
_POLL_SECONDS = 0.1

log = logging.getLogger(__name__)


class Runs:
    """Answers deliveries: joins, recalls, runs, settles, and keeps the deadline."""

    def __init__(
        self,
        records: Records,
        *,
        dispatcher: Dispatcher,
        pool: Pool,
        tools: Tools,
        outage: Outage,
        limits: Limits,
    ) -> None:
        self.breaker = Breaker(threads=pool.limit)
        self.watch = Watch(
            records.renew,
            give_up=self.give_up,
            give_up_seconds=limits.give_up_seconds,
            pool=pool,
            breaker=self.breaker,
        )
        self._engine = records.engine
        self._records = records
        self._settling = Settling(records, dispatcher.texts)
        self._dispatcher = dispatcher
        self._pool = pool
        self._tools = tools
        self._outage = outage
        self.clerks, self._hearing = Clerks(), Hearing()
        self._deadline_seconds = limits.deadline_seconds
        self._lock = threading.Lock()
        self._running: dict[bytes, Run] = {}

    def answer(self, delivery: Delivery, *, arrived: float) -> Answer:
        """Return the reply for a delivery that arrived at `arrived` (monotonic seconds).

        Raises ForbiddenError for a signature that came with another event, UnrecordedError when neither the
        database nor the spool took the event in time.
        """
        answer, outcome = self._answer(delivery, arrived)
        self._outage.answered(delivery.event, answer)
        metrics.answered(outcome, time.monotonic() - arrived)
        return answer

    def _answer(self, delivery: Delivery, arrived: float) -> tuple[Answer, str]:
        if self._outage.is_on:
            return self._spool(delivery), "spooled"
        until = arrived + self._deadline_seconds
        run, is_ours = self._enter(delivery)
        if is_ours:
            self._start(run)
        elif run.delivery.signed_by != delivery.signed_by:
            self._accept(delivery, until)
        # What was said late never changes: a repeat need not wait for a handler that hangs.
        answer = None if run.is_late else self._wait(run, until, arrived=arrived)
        if answer is not None:
            return answer, run.told
        return self._answer_late(run, until + WRITE_SECONDS), Status.LATE

    def give_up(self, run: Run) -> None:
        """End a run whose handler will not return: its locks go, its record says so, its thread is lost."""
        if not run.cut_off(patience_seconds=WRITE_SECONDS):
            return
        if run.called_at is not None:
            self.breaker.lost(run.handler, run.called_at)
        log.error("handler %s does not return; its thread is lost and what it wrote is undone", run.handler)
        hung = Outcome(status=Status.FAILED, reply=ACK, handler=run.handler, detail="hung")
        try:
            self._records.mark_late(run.event)  # if nobody has: a repeat gets the interim text, never nothing
            self._records.finish_alone(run.event, hung, run=run.id)
        finally:
            self._leave(run, error=UnrecordedError("given up"))

    def _enter(self, delivery: Delivery) -> tuple[Run, bool]:
        """Join the run of this event, or open one. The recall comes after, so that none slips between."""
        with self._lock:
            run = self._running.get(delivery.event.digest)
            if run is not None:
                return run, False
            run = self._running[delivery.event.digest] = Run(delivery)
            return run, True

    def _leave(self, run: Run, answer: Answer | None = None, *, error: Exception | None = None) -> None:
        run.end(answer, error=error)
        self.watch.release(run)
        with self._lock:
            if self._running.get(run.event.digest) is run:
                del self._running[run.event.digest]

    def _start(self, run: Run) -> None:
        try:
            self._pool.submit(lambda: self._execute(run, self._perform))
        except PoolFullError as full:
            log.error("an event got the fallback: %s", full)
            self.clerks.start(lambda: self._execute(run, self._refuse), or_else=lambda: self._leave(run))

    def _wait(self, run: Run, until: float, *, arrived: float) -> Answer | None:
        answer = run.wait(min(until, arrived + RECALL_SECONDS))
        is_silent = answer is None and self._is_silent(run)
        if answer is None and not is_silent:
            answer = run.wait(until)
            is_silent = answer is None and self._is_silent(run)
        # Not asked again: what was taken from its run is for the spool, whoever is answered meanwhile.
        if is_silent:
            self._outage.begin()
            answer = self._spool_abandoned(run)
        return answer

    def _is_silent(self, run: Run) -> bool:
        """Tell whether the database keeps this run waiting; if so, nothing more is done for it here."""
        if not self._hearing.is_silent(run.asking_since):
            return False
        run.ended.wait(0.0 if run.is_abandoned else SECOND_LOOK_SECONDS)
        return run.abandon_asking()

    def _accept(self, delivery: Delivery, until: float) -> None:
        """A repeat with a signature of its own: it must not belong to another event, and is noted."""

        def note() -> None:
            if not self._records.recall(delivery).is_signature_known:
                self._records.accept(delivery)

        try:
            self.clerks.do(note, until=until + WRITE_SECONDS)
        except (SQLAlchemyError, TooSlowError) as error:
            raise UnrecordedError(type(error).__name__) from error

    def _execute(self, run: Run, perform: Callable[[Run], None]) -> None:
        """Do a run from its recall to its end; all on one thread: authors' patterns are code too."""
        with logs.bind_event(run.event.digest):
            try:
                try:
                    if not self._is_answered(run):
                        perform(run)
                except SQLAlchemyError as error:
                    self._end_without_database(run, error)
            except ForbiddenError as error:
                self._leave(run, error=error)
            except Exception as error:
                log.exception("a run could not be settled")
                with run.lock:  # who finds it late gives it a row
                    answer, fault = self._settling.after_fault(run, error)
                    self._leave(run, answer, error=fault)

    def _is_answered(self, run: Run) -> bool:
        """Answer from the record if there is one, waiting for a run elsewhere until our deadline."""
        recalled = self._ask(run)
        # Also beside a row that is `running`: what that says has been told to nobody.
        echo = self._outage.echo(run.event) if recalled.state in (None, State.RUNNING) else None
        while echo is None and recalled.state is State.RUNNING and run.age_seconds < self._deadline_seconds:
            time.sleep(_POLL_SECONDS)
            recalled = self._ask(run)
        if echo is None and (recalled.state is None or recalled.run == run.id):  # late before it had a thread
            run.known = recalled.follower
            return run.is_abandoned
        run.is_repeat = True
        metrics.repeat()
        if echo is None and recalled.state is State.RUNNING:
            self._records.mark_late(run.event)
            recalled = self._ask(run)
        if not recalled.is_signature_known:
            self._records.accept(run.delivery)
        self._leave(run, echo or recalled.reply)
        return True

    def _ask(self, run: Run) -> Recalled:
        run.asking_since = time.monotonic()
        try:
            return self._hearing.heard(self._records.recall(run.delivery))
        finally:
            with run.lock:
                run.asking_since = None

    def _perform(self, run: Run) -> None:
        event = followers.refine(run.event, run.known)
        match = self._dispatcher.find(event)
        run.handler = match.name
        run.is_slow = match.interim is not None
        run.interim = match.interim or self._dispatcher.texts.waiting(event)
        if self.breaker.is_open(run.handler, is_slow=run.is_slow):
            self._refuse(run, detail="breaker")
        elif match.is_claimed and not self._claim(run):
            self._yield_to_other(run)
        else:
            self._work(run, event, match)

    def _refuse(self, run: Run, *, detail: str = "no thread free") -> None:
        """Settle with the fallback, without a handler."""
        metrics.fallback(detail)
        event = followers.refine(run.event, run.known)
        reply = self._dispatcher.texts.closing(event)
        run.outcome = Outcome(status=Status.FAILED, reply=reply, handler=run.handler, detail=detail)
        self._settle_light(run, run.outcome)

    def _work(self, run: Run, event: Event, match: Match) -> None:
        work = work_for(run, self._engine, tools=self._tools)
        run.called_at = self.breaker.begun(run.handler)
        try:
            outcome = self._dispatcher.dispatch(event, match, work)
            self.breaker.returned(run.handler, run.called_at)
            log.info("%s by %s in %.0f ms", outcome.status, outcome.handler or "nobody", outcome.milliseconds)
            run.outcome = outcome
            if outcome.is_fallback:
                metrics.fallback(outcome.status)
            if match.is_claimed:
                # Not under the lock: who finds the run late holds it and waits for SQLite's write lock, which
                # is here. The row decides.
                self._finish(run, outcome, work)
                return
            with run.lock:
                if run.has_row:
                    self._finish(run, outcome, work)
                    return
                if run.is_abandoned:
                    return
                is_ours = self._settling.settle(run, outcome)
            self._leave_settled(run, outcome, is_ours=is_ours)
        finally:
            work.close()

    def _finish(self, run: Run, outcome: Outcome, work: Work) -> None:
        if not run.is_abandoned:
            self._settling.finish(run, outcome, work)
            # What the row says, not what we know: another process may have found this run late.
            self._leave(run, self._records.recall(run.delivery).reply)

    def _settle_light(self, run: Run, outcome: Outcome) -> None:
        with run.lock:
            if run.is_abandoned:
                return
            is_ours = self._settling.settle(run, outcome)
        self._leave_settled(run, outcome, is_ours=is_ours)

    def _leave_settled(self, run: Run, outcome: Outcome, *, is_ours: bool) -> None:
        if is_ours:
            self._leave(run, outcome.reply)
        else:
            self._yield_to_other(run)

    def _claim(self, run: Run) -> bool:
        with run.lock:
            if run.is_abandoned:
                return False
            if not run.has_row:
                assert run.interim is not None
                run.has_row = self._settling.claim(run, run.interim)
                if run.has_row:
                    self.watch.hold(run)
            return run.has_row

    def _yield_to_other(self, run: Run) -> None:
        """Another process was faster: its reply is ours, as soon as it has one."""
        give_up_at = time.monotonic() + self._deadline_seconds
        recalled = self._ask(run)
        while recalled.reply is None and time.monotonic() < give_up_at:
            time.sleep(_POLL_SECONDS)
            recalled = self._ask(run)
        self._leave(run, recalled.reply)

    def _answer_late(self, run: Run, until: float) -> Answer:
        """The deadline has passed: have that written before `until`, then answer what the row says."""
        try:
            return self.clerks.do(lambda: self._write_late(run, until), until=until)
        except (SQLAlchemyError, TooSlowError) as error:
            return self._answer_unwritten(run, error)

    def _write_late(self, run: Run, until: float) -> Answer:
        if not run.lock.acquire(timeout=max(0.0, until - time.monotonic())):
            raise TooSlowError
        try:
            if not run.ended.is_set() and not run.is_late:
                if run.is_abandoned and not run.has_row:  # it is for the spool: a row would promise a run
                    raise TooSlowError
                self._mark_late(run, until - time.monotonic())
            if run.error is None and run.answer is None:
                run.answer = self._records.recall(run.delivery).reply
        finally:
            run.lock.release()
        if run.error is not None:
            raise run.error
        if run.answer is None:
            raise UnrecordedError("no reply on record")
        return run.answer

    def _mark_late(self, run: Run, patience_seconds: float) -> None:
        if not run.has_row:
            interim = run.interim or self._dispatcher.texts.waiting(run.event)
            run.has_row = self._settling.give_up(run, interim, patience_seconds=patience_seconds)
            run.is_late = run.has_row
            if run.has_row:
                self.watch.hold(run)
        if not run.is_late:
            self._records.mark_late(run.event, patience_seconds=patience_seconds)
            run.is_late = True
        metrics.deadline_missed()
        if run.handler and not run.is_slow:
            self.breaker.hung(run.handler)
        log.warning("no reply within %s s; the interim text was sent", self._deadline_seconds)

    def _answer_unwritten(self, run: Run, error: Exception) -> Answer:
        """That the deadline passed could not be written: without a row the spool keeps the event."""
        if isinstance(error, SQLAlchemyError):
            self._outage.note(error)
        # With a row it says one thing or another, and a settling thread may still change it; the repeat will
        # find out. A light run that is being written answers what it writes.
        if run.has_row:
            raise UnrecordedError(type(error).__name__) from error
        if run.outcome is not None:
            return self._spool(run.delivery, run.outcome)
        if not run.abandon():
            raise UnrecordedError(type(error).__name__) from error
        return self._spool_abandoned(run)

    def _end_without_database(self, run: Run, error: SQLAlchemyError) -> None:
        """End a run that the database did not take: the spool keeps it, with its reply if it has one."""
        self._outage.note(error, has_waited=True)
        with run.lock:
            if run.is_abandoned:
                return
            run.is_abandoned = True
        try:
            if run.has_row:
                # Its row says one thing or another; the repeat will find out.
                raise UnrecordedError(type(error).__name__)
            answer = self._spool(run.delivery, run.outcome)
        except UnrecordedError as unrecorded:
            self._leave(run, error=unrecorded)
        else:
            self._leave(run, answer)

    def _spool_abandoned(self, run: Run) -> Answer:
        """Keep the event of an abandoned run, and end that: a repeat would wait for nothing."""
        try:
            answer = self._spool(run.delivery)
        except (ForbiddenError, UnrecordedError) as error:
            self._leave(run, error=error)
            raise
        self._leave(run, answer)
        return answer

    def _spool(self, delivery: Delivery, outcome: Outcome | None = None) -> Answer:
        try:
            return self._outage.keep(delivery, outcome)
        except SpoolError as error:
            raise UnrecordedError(str(error)) from error
