"""Times as people read them: of China, where the accounts' days begin and end."""

from datetime import UTC, datetime

from wxbot.clock import CHINA


def moment_of(seconds: float | None) -> str:
    """Return a moment, empty for none."""
    return "" if seconds is None else f"{_there(seconds):%Y-%m-%d %H:%M:%S}"


def day_of(seconds: float | None) -> str:
    """Return the day of a moment, empty for none."""
    return "" if seconds is None else f"{_there(seconds):%Y-%m-%d}"


def _there(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).astimezone(CHINA)
