"""The clock of the emulated platform, which is not the bot's and can be moved on request."""

from collections.abc import Callable

from wxbot import clock

# The year 2106, in which the four bytes that a ticket has for seconds come to their end.
END = 4_291_747_200


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

    def move(self, offset_seconds: float) -> None:
        """Differ from the system's time by so much; ValueError if that leads out of 1970 to 2105."""
        # The largest of integers can be compared with a float, but not added to one.
        start = self._source()
        if not -start <= offset_seconds < END - start:
            raise ValueError("offset_seconds leads to a time before 1970 or after 2105")
        self.offset_seconds = float(offset_seconds)

    def now(self) -> float:
        """Return the platform's time in seconds, fractions included."""
        return self._source() + self.offset_seconds

    def seconds(self) -> int:
        """Return the platform's time as WeChat writes it: whole seconds."""
        return int(self.now())
