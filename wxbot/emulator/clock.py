"""The clock of the emulated platform, which is not the bot's and can be moved on request."""

from collections.abc import Callable

from wxbot import clock


def _system_seconds() -> float:
    return clock.now().timestamp()


class Clock:
    """Seconds since 1970 as the emulated platform counts them.

    `source` is for tests that own time; `offset_seconds` is what control moves, so that tokens and codes
    expire without waiting.
    """

    def __init__(self, source: Callable[[], float] = _system_seconds) -> None:
        self._source = source
        self.offset_seconds = 0.0

    def now(self) -> float:
        """Return the platform's time in seconds, fractions included."""
        return self._source() + self.offset_seconds

    def seconds(self) -> int:
        """Return the platform's time as WeChat writes it: whole seconds."""
        return int(self.now())
