"""What became of an event: the word shared by dispatch, records and charts."""

from dataclasses import dataclass
from enum import StrEnum

from wxbot.wechat.replies import Acknowledgement, Reply


class Status(StrEnum):
    """How an event ended, in the words of the dashboard and of the log."""

    HANDLED = "handled"
    UNMATCHED = "unmatched"
    FAILED = "failed"
    LATE = "late"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The end of one event: what is answered and who answered.

    `more` are service messages to send after the reply. `handler` is the endpoint that gave the reply, empty
    when none did; `detail` says in one line why a handler failed and holds no personal data; `seconds` is
    the time the handlers took.
    """

    status: Status
    reply: Reply | Acknowledgement
    more: tuple[Reply, ...] = ()
    handler: str = ""
    detail: str = ""
    seconds: float = 0.0

    @property
    def milliseconds(self) -> float:
        """The time the handlers took, as the log tells it."""
        return self.seconds * 1000

    @property
    def is_fallback(self) -> bool:
        """Whether the person reads something in place of a handler's reply."""
        is_without = self.status in (Status.FAILED, Status.UNMATCHED)
        return is_without and not isinstance(self.reply, Acknowledgement)
