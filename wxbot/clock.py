"""The only place that reads the system's clocks; everything else is handed the time."""

import time
from datetime import UTC, datetime, timedelta, timezone, tzinfo

# Where WeChat counts its days, all year: China has no summer time.
CHINA = timezone(timedelta(hours=8))
DAY_SECONDS = 86_400
# The end of 30 December 9999: what comes later has no date in every time zone.
LAST_MOMENT = 253_402_214_399


def now() -> datetime:
    """Return the current time, aware and in UTC."""
    return datetime.now(UTC)


def there(seconds: float, zone: tzinfo | None = None) -> datetime:
    """Return what the clocks of a zone show, the local ones unless given, at a time in seconds since 1970.

    LAST_MOMENT stands for all that comes later.
    """
    return datetime.fromtimestamp(min(seconds, LAST_MOMENT), UTC).astimezone(zone)


def moment(seconds: float) -> str:
    """Return a time in seconds since 1970 as it is written for programs, in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def moment_or_none(seconds: float | None) -> str | None:
    """Return a time that may be missing as it is written for programs."""
    return None if seconds is None else moment(seconds)


def monotonic() -> float:
    """Return seconds of a clock that never goes back, for measuring durations."""
    return time.monotonic()
