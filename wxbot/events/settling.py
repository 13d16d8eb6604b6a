"""The rows of a run, each written once whatever happens to the connection meanwhile."""

import logging
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from wxbot import metrics
from wxbot.events.records import Records
from wxbot.events.rows import State
from wxbot.events.run import Answer, Run, UnrecordedError, Work
from wxbot.outcome import Outcome, Status
from wxbot.scenes.dispatch import Texts

log = logging.getLogger(__name__)


class Settling:
    """Settles runs; called on the run's own thread, under its lock."""

    def __init__(self, records: Records, texts: Texts) -> None:
        self._records = records
        self._texts = texts

    def settle(self, run: Run, outcome: Outcome) -> bool:
        """Write the end of a light run; False: the row says something else, as another run was faster."""
        if run.has_row:  # it was late before its turn came: what the person was told stays
            self._records.finish_alone(run.event, outcome, run=run.id)
            return False
        return self._is_ours(
            run, lambda: self._records.settle(run.delivery, outcome, run=run.id, known=run.known)
        )

    def claim(self, run: Run, interim: Answer) -> bool:
        """Write `running` before a handler that writes starts; False: another run was faster."""
        return self._is_ours(
            run, lambda: self._records.claim(run.delivery, interim, run=run.id, known=run.known)
        )

    def give_up(self, run: Run, interim: Answer, *, patience_seconds: float) -> bool:
        """Write `late` for a run that has no row yet; False: another run was faster."""
        return self._is_ours(
            run,
            lambda: self._records.give_up(
                run.delivery, interim, run=run.id, known=run.known, patience_seconds=patience_seconds
            ),
        )

    def finish(self, run: Run, outcome: Outcome, work: Work) -> None:
        """Commit the row's end together with what the handler wrote, or the fallback without it."""
        caused = list(work.unit.caused)

        def write(connection: Connection) -> bool:
            ids = self._records.finish(connection, run.event, outcome, run=run.id)
            caused.extend(ids or ())
            return ids is not None

        try:
            is_ours = work.unit.commit(write)
        # Whatever a handler has hung on to the commit raises, SystemExit and its kin too.
        except BaseException as error:
            work.close()
            if self._records.recall(run.delivery).state is State.DONE:
                return  # the commit had worked, only its answer was lost
            log.error("what %s wrote could not be committed: %s", outcome.handler, type(error).__name__)
            metrics.fallback("commit")
            reply = self._texts.closing(run.event)
            detail = f"commit: {type(error).__name__}"
            failed = replace(outcome, status=Status.FAILED, reply=reply, more=(), detail=detail)
            self._records.finish_alone(run.event, failed, run=run.id)
        else:
            self._records.dispatch(caused if is_ours else ())

    def _is_ours(self, run: Run, write: Callable[[], bool]) -> bool:
        """Write the first row of a run, and find out whose it is when the connection was lost meanwhile."""
        try:
            return write()
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            recalled = self._records.recall(run.delivery)
            if recalled.state is not None:  # the commit whose answer was lost may have been ours
                return recalled.run == run.id
            return write()

    def after_fault(self, run: Run, error: Exception) -> tuple[Answer | None, Exception | None]:
        """Return how to end a run that a fault of our own has broken off: with an answer, or with an error.

        One that has a row is settled with the fallback: beside the row no other answer may be given.
        """
        if not run.has_row:
            return None, error
        metrics.fallback("fault")
        reply = self._texts.closing(run.event)
        failed = Outcome(status=Status.FAILED, reply=reply, handler=run.handler, detail="fault")
        try:
            self._records.finish_alone(run.event, failed, run=run.id)
            return self._records.recall(run.delivery).reply, None
        except Exception as second:
            return None, UnrecordedError(type(second).__name__)
