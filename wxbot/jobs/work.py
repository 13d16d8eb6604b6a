"""What a job is to those who do it, and how it may end other than by returning."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from wxbot.db.session import UnitOfWork
from wxbot.errors import WxbotError


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A job in the hands of one worker, which holds it as long as its `token` is the job's.

    `attempt` counts from 1. `is_last`: no further attempt if this one fails. `is_resumed`: a worker that had
    begun it was lost. `is_expired`: it was to begin earlier than this. `is_old`: it was due more than a day
    ago.
    """

    id: bytes
    account: str
    name: str
    arguments: Mapping[str, object] = field(repr=False)
    body: bytes | None = field(repr=False)
    event_key: bytes | None
    person: bytes | None
    attempt: int
    token: bytes = field(repr=False)
    is_last: bool = False
    is_resumed: bool = False
    is_expired: bool = False
    is_old: bool = False

    @property
    def key(self) -> str:
        """The same text at every attempt: what makes a call elsewhere idempotent."""
        return self.id.hex()


@dataclass(frozen=True, kw_only=True)
class Work:
    """How jobs of one name are done.

    `call` gets the job and the unit of work that is committed together with the job's end; it raises to fail.
    Work that is not idempotent is never begun a second time: once it has begun, an end that nobody saw is an
    unknown outcome. `attempts` is None for the setting's. After `longest_seconds` a job counts as lost. A job
    that has expired is put aside as dead, or with `is_kept` kept for the person's next contact.
    `if_dead` is called with a job that is given up, before that is written; so it may be called again.
    """

    call: Callable[[Claimed, UnitOfWork], object]
    is_idempotent: bool = True
    attempts: int | None = None
    longest_seconds: float = 300.0
    is_kept: bool = False
    if_dead: Callable[[Claimed], object] | None = None


class Ending(WxbotError):
    """Raised by a job to end other than by returning; what it wrote through its session is rolled back.

    `detail` says why, without personal data. `arguments` take the place of the job's own: what is left to do.
    """

    def __init__(self, detail: str = "", *, arguments: Mapping[str, object] | None = None) -> None:
        self.detail = detail
        self.arguments = arguments
        super().__init__(detail or type(self).__name__)


class Later(Ending):
    """Not now: tried again in so many seconds, which does not count as a failure."""

    def __init__(
        self, seconds: float, detail: str = "", *, arguments: Mapping[str, object] | None = None
    ) -> None:
        self.seconds = seconds
        super().__init__(detail, arguments=arguments)


class Unknown(Ending):
    """It may have happened or not: put aside for a person to decide, never repeated blindly."""


class Keep(Ending):
    """It cannot be sent now: kept until the person makes contact again."""


class Drop(Ending):
    """There is nothing to do any more: done."""
