"""One run of one event in this process, and what it lends to its handlers."""

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from wxbot.db.session import UnitOfWork
from wxbot.errors import WxbotError
from wxbot.events.records import Delivery
from wxbot.followers import Follower, after, whom
from wxbot.jobs.outbox import Job, enqueue
from wxbot.outcome import Outcome
from wxbot.scenes.registry import Registry
from wxbot.wechat.api import ApiClient
from wxbot.wechat.events import Event
from wxbot.wechat.replies import Acknowledgement, Reply

Answer = Reply | Acknowledgement


class UnrecordedError(WxbotError):
    """The answer could not be written down, so none may be given; WeChat will repeat the delivery."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long a handler has for an answer in time, and after how long it counts as hung."""

    deadline_seconds: float
    give_up_seconds: float


@dataclass(eq=False)
class Run:
    """One run of one event; its deliveries in this process share it.

    `lock` decides between its thread, which settles, and the requests, which may find it late. `asking_since`
    is when its thread asked the database for the record, None before and after. `is_abandoned`: the person
    has been told that the event is recorded, so that nothing may be run or written here any more.
    """

    delivery: Delivery
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    lock: threading.Lock = field(default_factory=threading.Lock)
    ended: threading.Event = field(default_factory=threading.Event)
    began_at: float = field(default_factory=time.monotonic)
    asking_since: float | None = None
    called_at: float | None = None  # when its handler was called, as the breaker knows it
    known: Follower | None = None
    interim: Answer | None = None
    handler: str = ""
    unit: UnitOfWork | None = None
    outcome: Outcome | None = None
    is_slow: bool = False  # its handler has an interim text: to be late is no sign that it hangs
    is_abandoned: bool = False
    is_late: bool = False
    is_repeat: bool = False  # what is answered was on record before
    has_row: bool = False
    answer: Answer | None = None
    error: Exception | None = None

    @property
    def event(self) -> Event:
        """The event that is run."""
        return self.delivery.event

    @property
    def age_seconds(self) -> float:
        """How long ago it began."""
        return time.monotonic() - self.began_at

    @property
    def told(self) -> str:
        """How the deliveries were answered, as the metrics call it."""
        if self.is_repeat or self.outcome is None:
            return "repeat" if self.is_repeat else "spooled"
        return self.outcome.status

    def end(self, answer: Answer | None = None, *, error: Exception | None = None) -> None:
        """Give the deliveries their answer; only the first end counts."""
        if not self.ended.is_set():
            self.answer, self.error = answer, error
            self.ended.set()

    def wait(self, until: float) -> Answer | None:
        """Return the answer as soon as there is one, None when there is none by then (monotonic seconds)."""
        if not self.ended.wait(max(0.0, until - time.monotonic())):
            return None
        if self.error is not None:
            raise self.error
        return self.answer

    def abandon(self) -> bool:
        """Take the event away from its thread, for the spool alone; False: it is being written."""
        if not self.lock.acquire(blocking=False):
            return False
        try:
            self.is_abandoned |= not self.has_row and self.outcome is None
            return self.is_abandoned
        finally:
            self.lock.release()

    def abandon_asking(self) -> bool:
        """Take the event away if its thread still waits for the record; False: it does not, or is writing."""
        if self.lock.acquire(blocking=False):
            try:
                self.is_abandoned |= self.asking_since is not None
            finally:
                self.lock.release()
        return self.is_abandoned

    def cut_off(self, *, patience_seconds: float) -> bool:
        """Undo what its handler wrote and keep it from writing more; False: it is being written just now."""
        if not self.lock.acquire(timeout=patience_seconds):
            return False
        try:
            self.is_abandoned = True
            if self.unit is not None:
                self.unit.abandon()
            return True
        finally:
            self.lock.release()


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What handlers may use besides the session: other plugins' jobs, WeChat's API, what others lend."""

    registry: Registry
    client_for: Callable[[str], ApiClient]
    lenders: Mapping[str, "Lender"] = field(default_factory=dict)


class Work:
    """What one attempt lends to its handlers; `key` is the same at every attempt."""

    def __init__(
        self,
        unit: UnitOfWork,
        *,
        tools: Tools,
        account: str,
        key: str,
        find_follower: Callable[[], Follower | None] = lambda: None,
        event: Event | None = None,
    ) -> None:
        self.unit = unit
        self.key = key
        self.account = account
        self.event = event
        self._tools = tools
        self._find_follower = find_follower

    @cached_property
    def follower(self) -> Follower | None:
        """Whom the event is about; made when somebody asks, as most handlers do not."""
        return self._find_follower()

    def session(self) -> Session:
        """Return the attempt's database session."""
        return self.unit.session()

    def defer(self, function: Callable[..., Any], /, *unnamed: object, **arguments: object) -> None:
        """Enqueue a job in the same transaction as what the session writes."""
        wanted = self._tools.registry.deferred(function, arguments, unnamed=unnamed)
        # Whose it is, so that what it holds of a person can be found when they leave.
        whose = whom(self.event) if self.event else None
        job = Job(account=self.account, name=wanted.name, arguments=wanted.arguments, person=whose)
        self.unit.caused += enqueue(self.session().connection(), [job])

    def wechat(self) -> ApiClient:
        """Return the account's client of WeChat's API."""
        return self._tools.client_for(self.account)

    def lent(self, name: str) -> object:
        """Return what another part of the bot lends to this attempt."""
        return self._tools.lenders[name](self)

    def flush(self) -> None:
        """Send what is pending, so that its errors count as the handler's."""
        self.unit.flush()

    def close(self) -> None:
        """Roll back the attempt; what it deferred is gone with it."""
        self.unit.caused.clear()
        self.unit.close()


Lender = Callable[[Work], object]


def work_for(run: Run, engine: Engine, *, tools: Tools) -> Work:
    """Return what a run lends to its handlers."""
    run.unit = UnitOfWork(engine)
    event = run.event
    return Work(
        run.unit,
        tools=tools,
        account=event.account,
        key=event.key,
        find_follower=lambda: after(event, run.known),
        event=event,
    )
