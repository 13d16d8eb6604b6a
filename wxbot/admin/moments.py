"""Times as people read them: of China, where the accounts' days begin and end."""

from wxbot.clock import CHINA, there


def moment_of(seconds: float | None) -> str:
    """Return a moment, empty for none."""
    return "" if seconds is None else f"{there(seconds, CHINA):%Y-%m-%d %H:%M:%S}"


def day_of(seconds: float | None) -> str:
    """Return the day of a moment, empty for none."""
    return "" if seconds is None else f"{there(seconds, CHINA):%Y-%m-%d}"
