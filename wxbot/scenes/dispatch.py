"""From an event and its match to an outcome. Foreign code is called here and nowhere else.

The reply is never empty: the handler is asked first, then the plugin's fallback, then the account's, and
the text from the settings stands at the end of the row.
"""

import logging
import os
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from wxbot.db.faults import is_busy
from wxbot.errors import NotAReplyError, WxbotError
from wxbot.outcome import Outcome, Status
from wxbot.scenes.background import JobHandler, ObserverHandler
from wxbot.scenes.handler import PASS, Handler, Match, finished
from wxbot.scenes.inject import Context
from wxbot.scenes.registry import Registry
from wxbot.wechat.events import Event, Follow, Scan, Unfollow, always_visible
from wxbot.wechat.replies import ACK, Acknowledgement, Replies, Reply, Text, as_replies

log = logging.getLogger(__name__)

_FRAMES = 20
_MESSAGE_LENGTH = 300
_APART_SECONDS = 0.2
_SUGGESTIONS = 100  # a process makes; anybody may print a code with any scene

_random = random.SystemRandom()

# The registry whose handler this thread runs, for `wxbot.scene_for`.
current_registry: ContextVar[Registry] = ContextVar("current_registry")


class Work(Context, Protocol):
    """What a run lends to its handlers, attempt by attempt."""

    def flush(self) -> None:
        """Send what is pending, so that its errors count as the handler's."""

    def close(self) -> None:
        """Roll back the attempt."""


@dataclass(frozen=True, kw_only=True)
class AccountTexts:
    """What an account says when no handler does."""

    fallback: Text
    interim: Text
    recorded: Text
    welcome: Text


@dataclass(frozen=True)
class _Attempt:
    """What came of asking one handler: replies, and in a few words why it failed; at least one of them."""

    replies: Replies | None = None
    failure: str = ""


@dataclass(frozen=True)
class Texts:
    """The texts of all accounts, for every event that waits for an answer and has none."""

    accounts: Mapping[str, AccountTexts]

    def closing(self, event: Event) -> Reply | Acknowledgement:
        """Return what is said when nobody else answered."""
        if not always_visible(event):
            return ACK
        follows = isinstance(event, Follow) or (isinstance(event, Scan) and event.when == "follow")
        own = self.accounts[event.account]
        return own.welcome if follows else own.fallback

    def waiting(self, event: Event) -> Reply | Acknowledgement:
        """Return what is said when the deadline passes first."""
        return self.accounts[event.account].interim if always_visible(event) else ACK

    def recorded(self, event: Event) -> Reply | Acknowledgement:
        """Return what is said while the database is out of reach."""
        return self.accounts[event.account].recorded if always_visible(event) else ACK


class Dispatcher:
    """Runs the handler of an event and, where it gives no reply, the fallbacks behind it.

    `answered_by` says who has a scene that no rule takes, before the fallbacks; on the answer path.
    """

    def __init__(
        self,
        registry: Registry,
        texts: Texts,
        *,
        answered_by: Callable[[Scan], Handler | None] = lambda _: None,
    ) -> None:
        self.texts = texts
        self._answered_by = answered_by
        # How often each handler, error handler, job and observer was called in this process.
        self.runs: Counter[str] = Counter()
        self.registry = registry
        self._suggested: set[str] = set()

    def find(self, event: Event) -> Match:
        """Return who answers an event."""
        match = self.registry.find(event)
        if match.handler is None and isinstance(event, Scan):
            handler = self._answered_by(event)
            return match if handler is None else Match(handler=handler)
        return match

    def dispatch(self, event: Event, match: Match, work: Work) -> Outcome:
        """Return the outcome; never raises, whatever the handlers do."""
        started = time.monotonic()
        current_registry.set(self.registry)
        name, failure = "", ""
        if match.handler is None and always_visible(event):
            self._suggest(event)
        for number, (handler, values) in enumerate(match.asked):
            may_pass = number < match.may_pass
            attempt = self._attempt(handler, event, values=values, work=work, may_pass=may_pass)
            if attempt is None:
                continue
            name, failure = handler.name, attempt.failure
            if attempt.replies is not None:
                status = Status.FAILED if failure else Status.HANDLED
                return _answered(status, attempt.replies, started, handler=handler, failure=failure)
            break
        for handler in match.fallbacks:
            attempt = self._attempt(handler, event, values={}, work=work) or _Attempt()
            failure = failure or attempt.failure
            if attempt.replies is not None:
                status = Status.FAILED if failure else Status.UNMATCHED
                return _answered(status, attempt.replies, started, handler=handler, failure=failure)
        status = Status.FAILED if failure else Status.UNMATCHED
        return _outcome(status, Replies(self.texts.closing(event)), started, handler=name, detail=failure)

    def run_job(self, job: JobHandler, arguments: Mapping[str, object], *, context: Context) -> None:
        """Call a job; raises what it raises, SystemExit and its kin as a WxbotError."""
        self._call(job.name, lambda: job.call(arguments, context=context))

    def run_observer(self, observer: ObserverHandler, scan: Scan, *, context: Context) -> None:
        """Tell an observer of a scan; raises as `run_job` does."""
        self._call(observer.name, lambda: observer.call(scan, context=context))

    def _call(self, name: str, function: Callable[[], object]) -> None:
        self.runs[name] += 1
        token = current_registry.set(self.registry)
        try:
            _returned(function)
        except Exception:
            raise
        # They would end the worker instead of the job.
        except BaseException as error:
            raise WxbotError(
                f"{name} ended with {type(error).__name__}: raise an Exception instead"
            ) from error
        finally:
            current_registry.reset(token)

    def _suggest(self, event: Event) -> None:
        """Log the handler that is missing, once for each scene: it takes longer to write than the answer."""
        missing = event.scene if isinstance(event, Scan) else event.wire_name
        if missing not in self._suggested and len(self._suggested) < _SUGGESTIONS:
            self._suggested.add(missing)
            log.warning("%s", self.registry.suggestion(event))

    def _attempt(
        self,
        handler: Handler,
        event: Event,
        *,
        values: Mapping[str, object],
        work: Work,
        may_pass: bool = False,
        is_second: bool = False,
    ) -> _Attempt | None:
        """Return what came of asking a handler; None when it leaves the event to others."""
        try:
            self.runs[handler.name] += 1
            returned = _returned(lambda: handler.call(event, values, context=work))
            if returned is PASS and may_pass:
                _close(work)
                return None
            result = _result_of(returned, event)
            work.flush()
            return _Attempt(result)
        # SystemExit and KeyboardInterrupt too: on a server's thread they would take the process with them.
        except BaseException as error:
            _close(work)
            if is_busy(error) and not is_second:
                log.warning("handler %s met others in the database and is run once more", handler.name)
                # Both may have lost, and would meet again.
                time.sleep(_random.uniform(0, _APART_SECONDS))
                return self._attempt(
                    handler, event, values=values, work=work, may_pass=may_pass, is_second=True
                )
            return self._after_error(handler, event, error=error, work=work)

    def _after_error(self, handler: Handler, event: Event, *, error: BaseException, work: Work) -> _Attempt:
        if isinstance(error, NotAReplyError):
            log.error("handler %s (%s) gave no reply: %s", handler.name, handler.location, error)
            return _Attempt(failure=f"{handler.name}: {error}")
        replies = None
        if isinstance(error, Exception):
            replies = self._rescued(handler, event, error=error, work=work)
            if replies is not None and self.registry.expects(handler, error):
                return _Attempt(replies)
        log.error("handler %s (%s) failed:\n%s", handler.name, handler.location, _told(error, event))
        return _Attempt(replies, f"{handler.name}: {type(error).__name__}")

    def _rescued(self, handler: Handler, event: Event, *, error: Exception, work: Work) -> Replies | None:
        """Return what the plugin's error handler answers; None without one, or when it fails itself."""
        rescue = self.registry.error_handlers(handler, error)
        if rescue is None:
            return None
        self.runs[rescue.name] += 1
        try:
            called = _returned(lambda: rescue.call(event, {}, context=work, error=error))
            result = _result_of(called, event)
            work.flush()
            return result
        except BaseException as second:
            _close(work)
            log.error("error handler %s failed:\n%s", rescue.name, _told(second, event))
            return None


def _returned(function: Callable[[], object]) -> object:
    """Return what foreign code returns; the recursion limit, which is the process's, stays as it was.

    In a process that it forked and let go on, this is the end: that one must neither settle nor stay.
    """
    limit, process = sys.getrecursionlimit(), os.getpid()
    try:
        return finished(function())
    finally:
        if os.getpid() != process:
            os._exit(0)
        if sys.getrecursionlimit() != limit:
            sys.setrecursionlimit(limit)


def _result_of(returned: object, event: Event) -> Replies:
    if isinstance(event, Unfollow) or (returned is None and not always_visible(event)):
        return Replies(ACK)
    if returned is PASS:
        raise NotAReplyError("PASS is for @plugin.text(..., is_ahead=True) alone")
    return as_replies(returned, event)


def _answered(status: Status, result: Replies, started: float, *, handler: Handler, failure: str) -> Outcome:
    _log_dropped(handler, result)
    return _outcome(status, result, started, handler=handler.name, detail=failure)


def _log_dropped(handler: Handler, result: Replies) -> None:
    for reason in result.dropped:
        log.warning("handler %s (%s) returned a list: left out %s", handler.name, handler.location, reason)


def _close(work: Work) -> None:
    try:
        work.close()
    except Exception:
        log.exception("the session of a failed handler could not be closed")


def _told(error: BaseException, event: Event) -> str:
    """Return the traceback as it may be logged: no person, and no line that the error's text forges."""
    lines = traceback.format_tb(error.__traceback__, limit=-_FRAMES)
    try:
        # Clipped last: half an openid would not be recognised, and be left.
        text = str(error).replace(event.openid, "<openid>")[:_MESSAGE_LENGTH]
    except BaseException as second:
        text = f"(its text cannot be had: {type(second).__name__})"
    text = text if text.isprintable() else ascii(text)
    head = "Traceback (most recent call last):\n"
    return f"{head}{''.join(lines)}{type(error).__name__}: {text}"


def _outcome(status: Status, result: Replies, started: float, *, handler: str, detail: str) -> Outcome:
    seconds = time.monotonic() - started
    return Outcome(
        status=status, reply=result.first, more=result.more, handler=handler, detail=detail, seconds=seconds
    )
