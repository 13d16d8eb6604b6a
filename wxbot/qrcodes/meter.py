"""How much of an account's 100,000 permanent numbers is used, and the warning when it gets tight."""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from wxbot import clock
from wxbot.db.models import permanent_numbers
from wxbot.qrcodes.kinds import LARGEST_PERMANENT_NUMBER

WARNING_SHARES = (0.80, 0.95)

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Usage:
    """How much of an account's numbers is left. Those that rest are not free."""

    account: str
    taken: int
    quarantined: int

    @property
    def free(self) -> int:
        """How many can be taken now."""
        return LARGEST_PERMANENT_NUMBER - self.taken - self.quarantined

    @property
    def share(self) -> float:
        """The part that is not free, from 0 to 1."""
        return (self.taken + self.quarantined) / LARGEST_PERMANENT_NUMBER

    @property
    def warning(self) -> str:
        """What to tell the operator, empty below 80 %."""
        if self.share < WARNING_SHARES[0]:
            return ""
        urgency = "only " if self.share >= WARNING_SHARES[1] else ""
        return (
            f"{self.share:.0%} of the permanent numbers of account {self.account!r} are in use, {urgency}"
            f"{self.free} are free; release those whose prints are gone, or use texts and temporary codes"
        )


# By database and account: how much was used when this process looked last. What takes numbers has each its
# own meter, and a process warns once of what it finds.
_seen: WeakKeyDictionary[Engine, dict[str, int]] = WeakKeyDictionary()
_lock = threading.Lock()


class Meter:
    """Counts what is used, and warns when a change crosses a share. Safe to use from any thread."""

    def __init__(self, engine: Engine, *, now: Callable[[], datetime] = clock.now) -> None:
        self._engine = engine
        self._now = now

    def usage(self, account: str) -> Usage:
        """Return how many numbers are taken, rest, and are free."""
        table = permanent_numbers.c
        count = select(func.count()).select_from(permanent_numbers).where(table.account == account)
        is_taken = table.state == "taken"
        does_rest = table.state == "quarantined", table.free_at > int(self._now().timestamp())
        with self._engine.connect() as connection:
            taken = connection.execute(count.where(is_taken)).scalar_one()
            quarantined = connection.execute(count.where(*does_rest)).scalar_one()
        return Usage(account=account, taken=taken, quarantined=quarantined)

    def note(self, account: str, taken: int) -> None:
        """Log a warning if a share was crossed since this process looked last, or by what is taken now.

        Raises nothing when the database fails: what was taken is taken, and the next one counts again.
        """
        if not taken:
            return
        # One at a time: of two who count the same, only one warns.
        with suppress(SQLAlchemyError), _lock:
            usage = self.usage(account)
            used = usage.taken + usage.quarantined
            seen = _seen.setdefault(self._engine, {})
            before, seen[account] = seen.get(account, used - taken), used
            if _shares_below(used) > _shares_below(before):
                log.warning("%s", usage.warning)


def _shares_below(used: int) -> int:
    """Return how many of the shares are reached."""
    return sum(used >= round(share * LARGEST_PERMANENT_NUMBER) for share in WARNING_SHARES)
