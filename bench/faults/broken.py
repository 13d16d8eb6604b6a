"""Bots that are broken on purpose. A harness that does not fail on its own kind of these proves nothing."""

import random
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from typing import Any

from sqlalchemy import Pool, event

from bench.faults import points
from wxbot.db.guard import guarded

_LATER_SECONDS = 0.2


def apply(names: str) -> None:
    """Break what is imported into this process from now on, in the ways of these names (with commas)."""
    for name in names.split(","):
        _FAULTS[name]()


def _synchronous(level: str) -> Callable[[], None]:
    """Make SQLite promise less."""

    def weaken(connection: Any, _record: object, _proxy: object) -> None:
        connection.cursor().execute(f"PRAGMA synchronous={level}")

    return lambda: event.listen(Pool, "checkout", weaken)


def _forgetful() -> None:
    """Take every delivery for an event of its own."""
    answer: Any = import_module("wxbot.callback.answer")
    parse = answer.parse_event

    def parse_as_new(*arguments: Any, **named: Any) -> Any:
        found = parse(*arguments, **named)
        aside = timedelta(seconds=random.SystemRandom().randrange(1, 1000))
        return replace(found, digest=secrets.token_bytes(16), created_at=found.created_at - aside)

    answer.parse_event = parse_as_new


def _answer_first() -> None:
    """Answer before the record is written."""
    records: Any = import_module("wxbot.events.records").Records
    settle = records.settle

    def settle_later(*arguments: Any, **named: Any) -> bool:
        def work() -> None:
            time.sleep(_LATER_SECONDS)
            settle(*arguments, **named)

        threading.Thread(target=work, daemon=True).start()
        return True

    records.settle = settle_later


def _no_watchdog() -> None:
    """Let a handler keep the write lock for as long as it likes."""
    guarded: Any = import_module("wxbot.db.sqlite").GuardedConnection
    lend = guarded.lend

    def lend_for_long(self: Any, write_seconds: float) -> None:
        lend(self, write_seconds + 60)

    guarded.lend = lend_for_long


def _no_breaker() -> None:
    """Call a handler however often it hangs."""
    breaker: Any = import_module("wxbot.scenes.breaker").Breaker
    breaker.is_open = lambda *_arguments, **_named: False


def _no_fence() -> None:
    """Let a run that was taken away commit what it wrote all the same."""
    records: Any = import_module("wxbot.events.records").Records
    finish = records.finish

    def finish_anyway(*arguments: Any, **named: Any) -> Any:
        return finish(*arguments, **named) or []

    records.finish = finish_anyway


def _two_commits() -> None:
    """Commit what a handler wrote, and then the end of its run."""
    unit: Any = import_module("wxbot.db.session").UnitOfWork
    commit = unit.commit

    def commit_twice(self: Any, last: Any) -> bool:
        self.flush()
        connection = self._open()
        guarded(connection).take_back()
        with points.asleep():
            connection.commit()
        connection.begin()
        return bool(commit(self, last))

    unit.commit = commit_twice


def _no_spool() -> None:
    """Say that an event is kept, and forget it."""
    spool: Any = import_module("wxbot.events.spool").Spool
    spool.append = lambda *_arguments, **_named: None


def _import_twice() -> None:
    """Enter what the spool holds once more, as if it were new."""
    outage: Any = import_module("wxbot.events.outage")
    enter, parse = outage.Outage._enter_together, outage.parse_event

    def enter_twice(self: Any, entries: Any) -> None:
        outage.parse_event = parse
        enter(self, entries)
        outage.parse_event = lambda *given, **named: replace(
            parse(*given, **named), digest=secrets.token_bytes(16)
        )
        enter(self, entries)

    outage.Outage._enter_together = enter_twice


def _repeat_blindly() -> None:
    """Do every job again of which nobody knows how it ended."""
    jobs: Any = import_module("wxbot.events.works").EventJobs
    find = jobs.find

    def find_idempotent(self: Any, name: str) -> Any:
        work = find(self, name)
        return work and replace(work, is_idempotent=True)

    jobs.find = find_idempotent


def _done_first() -> None:
    """Mark a job as done when it begins."""
    runner: Any = import_module("wxbot.jobs.running").Runner
    do = runner._do

    def finish_first(self: Any, claimed: Any, work: Any) -> None:
        self._ledger.end(claimed, "done", "")
        do(self, claimed, work)

    runner._do = finish_first


def _trust_the_queue() -> None:
    """Take the queue for the truth: what it loses is lost."""
    ledger: Any = import_module("wxbot.jobs.ledger").Ledger
    ledger.take_due = lambda *_arguments, **_named: []


_FAULTS: dict[str, Callable[[], None]] = {
    "synchronous-off": _synchronous("OFF"),
    "synchronous-normal": _synchronous("NORMAL"),
    "forgetful": _forgetful,
    "answer-first": _answer_first,
    "no-watchdog": _no_watchdog,
    "no-breaker": _no_breaker,
    "no-fence": _no_fence,
    "two-commits": _two_commits,
    "no-spool": _no_spool,
    "import-twice": _import_twice,
    "repeat-blindly": _repeat_blindly,
    "done-first": _done_first,
    "trust-the-queue": _trust_the_queue,
    "points": points.arm,
}
