"""The only place that reads the system's clocks; everything else is handed the time."""

import time
from datetime import UTC, datetime, timedelta, timezone

# Where WeChat counts its days, all year: China has no summer time.
CHINA = timezone(timedelta(hours=8))


def now() -> datetime:
    """Return the current time, aware and in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Return seconds of a clock that never goes back, for measuring durations."""
    return time.monotonic()
