"""WeChat's own counts of followers, day by day, and how it tells them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

MOST_DAYS = 7  # a call may ask for


@dataclass(frozen=True, kw_only=True)
class UserDay:
    """How many followed and unfollowed on a day of China, of one source; 30: who scanned a code."""

    day: date
    source: int
    followed: int
    unfollowed: int


def user_day(told: object) -> UserDay:
    """Return one line of an answer; raises ValueError for what is none."""
    if not isinstance(told, Mapping):
        raise ValueError("no line of a summary")
    numbers = [told.get(name) for name in ("user_source", "new_user", "cancel_user")]
    if not all(isinstance(number, int) for number in numbers):
        raise ValueError("a line of a summary has three numbers")
    source, followed, unfollowed = (int(number or 0) for number in numbers)
    day = date.fromisoformat(str(told.get("ref_date")))
    return UserDay(day=day, source=source, followed=followed, unfollowed=unfollowed)
