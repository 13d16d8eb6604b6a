"""From an event and its match to an outcome. Foreign code is called here and nowhere else.

The reply is never empty: the handler is asked first, then the plugin's fallback, then the account's, and
the text from the settings stands at the end of the row.
"""

import asyncio
import inspect
import logging
import time
import traceback
from collections import Counter
from collections.abc import Coroutine, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.orm import Session

from wxbot.errors import NotAReplyError
from wxbot.outcome import Outcome, Status
from wxbot.scenes.handler import Handler, Match
from wxbot.scenes.registry import Registry
from wxbot.wechat.events import Event, Follow, Scan, Unfollow, always_visible
from wxbot.wechat.replies import ACK, Acknowledgement, Reply, Text, as_reply

log = logging.getLogger(__name__)

_FRAMES = 20
_MESSAGE_LENGTH = 300
_SUGGESTIONS = 100  # a process makes; anybody may print a code with any scene

# The registry whose handler this thread runs, for `wxbot.scene_for`.
current_registry: ContextVar[Registry] = ContextVar("current_registry")


class Work(Protocol):
    """What a run lends to its handlers, attempt by attempt."""

    @property
    def follower(self) -> object:
        """The follower as this event leaves them."""

    def session(self) -> Session:
        """Return the attempt's database session."""

    def flush(self) -> None:
        """Send what is pending, so that its errors count as the handler's."""

    def close(self) -> None:
        """Roll back the attempt."""


@dataclass(frozen=True, kw_only=True)
class Texts:
    """The texts that answer when no handler does."""

    fallback: Text
    interim: Text
    welcome: Text

    def closing(self, event: Event) -> Reply | Acknowledgement:
        """Return what is said when nobody else answered."""
        if not always_visible(event):
            return ACK
        follows = isinstance(event, Follow) or (isinstance(event, Scan) and event.when == "follow")
        return self.welcome if follows else self.fallback

    def waiting(self, event: Event) -> Reply | Acknowledgement:
        """Return what is said when the deadline passes first."""
        return self.interim if always_visible(event) else ACK


class Dispatcher:
    """Runs the handler of an event and, where it gives no reply, the fallbacks behind it."""

    def __init__(self, registry: Registry, texts: Texts) -> None:
        self.texts = texts
        self.runs: Counter[str] = Counter()  # how often each handler was called in this process
        self._registry = registry
        self._suggested: set[str] = set()

    def find(self, event: Event) -> Match:
        """Return who answers an event."""
        return self._registry.find(event)

    def dispatch(self, event: Event, match: Match, work: Work) -> Outcome:
        """Return the outcome; never raises, whatever the handlers do."""
        started = time.monotonic()
        current_registry.set(self._registry)
        failure = ""
        if match.handler is None and always_visible(event):
            self._suggest(event)
        for handler in (match.handler, *match.fallbacks):
            if handler is None:
                continue
            values = match.values if handler is match.handler else {}
            attempt = self._attempt(handler, event, values=values, work=work)
            if isinstance(attempt, str):
                failure = failure or attempt
                continue
            status = Status.FAILED if failure else Status.HANDLED
            if handler is not match.handler and not failure:
                status = Status.UNMATCHED
            return _outcome(status, attempt, started, handler=handler.name, detail=failure)
        status = Status.FAILED if failure else Status.UNMATCHED
        name = match.handler.name if match.handler else ""
        return _outcome(status, self.texts.closing(event), started, handler=name, detail=failure)

    def _suggest(self, event: Event) -> None:
        """Log the handler that is missing, once for each scene: it takes longer to write than the answer."""
        missing = event.scene if isinstance(event, Scan) else event.wire_name
        if missing not in self._suggested and len(self._suggested) < _SUGGESTIONS:
            self._suggested.add(missing)
            log.warning("%s", self._registry.suggestion(event))

    def _attempt(
        self, handler: Handler, event: Event, *, values: Mapping[str, object], work: Work
    ) -> Reply | Acknowledgement | str:
        """Return the handler's reply, or in a few words why there is none."""
        try:
            self.runs[handler.name] += 1
            reply = _reply_of(handler.call(event, values, context=work), event)
            work.flush()
            return reply
        # SystemExit and KeyboardInterrupt too: on a server's thread they would take the process with them.
        except BaseException as error:
            _close(work)
            return self._after_error(handler, event, error=error, work=work)

    def _after_error(
        self, handler: Handler, event: Event, *, error: BaseException, work: Work
    ) -> Reply | Acknowledgement | str:
        if isinstance(error, NotAReplyError):
            log.error("handler %s (%s) gave no reply: %s", handler.name, handler.location, error)
            return f"{handler.name}: {error}"
        if (
            isinstance(error, Exception)
            and (rescue := self._registry.error_handlers(handler, error)) is not None
        ):
            try:
                reply = _reply_of(rescue.call(event, {}, context=work, error=error), event)
                work.flush()
                return reply
            except BaseException as second:
                _close(work)
                log.error("error handler %s failed:\n%s", rescue.name, _told(second, event))
        log.error("handler %s (%s) failed:\n%s", handler.name, handler.location, _told(error, event))
        return f"{handler.name}: {type(error).__name__}"


def _reply_of(result: object, event: Event) -> Reply | Acknowledgement:
    if inspect.iscoroutine(result):
        result = asyncio.run(_finish(result))
    if isinstance(event, Unfollow) or (result is None and not always_visible(event)):
        return ACK
    return as_reply(result, event)


async def _finish(result: Coroutine[Any, Any, object]) -> object:
    return await result


def _close(work: Work) -> None:
    try:
        work.close()
    except Exception:
        log.exception("the session of a failed handler could not be closed")


def _told(error: BaseException, event: Event) -> str:
    """Return the traceback as it may be logged: no person, and no line that the error's text forges."""
    lines = traceback.format_tb(error.__traceback__, limit=-_FRAMES)
    try:
        text = str(error)[:_MESSAGE_LENGTH]
    except BaseException as second:
        text = f"(its text cannot be had: {type(second).__name__})"
    text = ascii(text.replace(event.openid, "<openid>")) if not text.isprintable() else text
    head = "Traceback (most recent call last):\n"
    return f"{head}{''.join(lines)}{type(error).__name__}: {text.replace(event.openid, '<openid>')}"


def _outcome(
    status: Status, reply: Reply | Acknowledgement, started: float, *, handler: str, detail: str
) -> Outcome:
    seconds = time.monotonic() - started
    return Outcome(status=status, reply=reply, handler=handler, detail=detail, seconds=seconds)
