"""What several threads write at the same moment becomes one transaction: a commit costs as much for many.

Whoever comes first leads. It starts to write at once, and takes what is waiting only when the database is
ready to be written to, so that the more there is to do the more goes into one commit; alone, nobody waits.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from sqlalchemy.exc import SQLAlchemyError

Item = TypeVar("Item")

# A transaction stays short, so that nobody waits long for the write lock.
MOST = 64

# Longer than any leader writes: each of its statements is bounded by the patience of the connection.
WAIT_SECONDS = 10.0


class NeverWrittenError(SQLAlchemyError):
    """The leader did not come back: whether this was written is not known."""


class _Place(Generic[Item]):
    """A place in the queue; its gate opens when the item is written, or when it is its turn to lead."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.gate = threading.Lock()
        self.gate.acquire()
        self.is_over = False
        self.is_written = False
        self.error: Exception | None = None

    def result(self) -> bool:
        """Return what became of the item, raising what the leader met."""
        # Read once: who has waited too long may be told at this very moment.
        if error := self.error:
            raise error
        return self.is_written


class Together(Generic[Item]):
    """Writes the items of many threads, as many as wait in one go.

    `write` is given a function that hands over the waiting items, the caller's among them, and says
    whether it has written all of these, or none. What it returns and what it raises is the result of each.
    """

    def __init__(
        self, write: Callable[[Callable[[], list[Item]]], bool], *, wait_seconds: float = WAIT_SECONDS
    ) -> None:
        self._write = write
        self._wait_seconds = wait_seconds
        self._lock = threading.Lock()
        self._waiting: deque[_Place[Item]] = deque()
        self._is_led = False

    def write(self, item: Item) -> bool:
        """Write an item with those that wait; False: none of them was written, each has to go alone.

        Raises what writing raises; NeverWrittenError when its outcome cannot be known.
        """
        place = _Place(item)
        with self._lock:
            self._waiting.append(place)
            is_leader, self._is_led = not self._is_led, True
        if not is_leader:
            self._await(place)
        if not place.is_over:
            self._lead()
        return place.result()

    def waiting(self) -> int:
        """Return how many wait to be taken."""
        return len(self._waiting)

    def _await(self, place: _Place[Item]) -> None:
        if place.gate.acquire(timeout=self._wait_seconds):
            return
        with self._lock:
            if place.gate.acquire(blocking=False):
                return  # at the last moment
            if place in self._waiting:
                self._waiting.remove(place)
        place.error = NeverWrittenError("another thread did not finish writing")
        place.is_over = True

    def _lead(self) -> None:
        """Write what waits, the first of which is the caller's, and hand the lead to who waits then."""
        taken: list[_Place[Item]] = []

        def take() -> list[Item]:
            with self._lock:
                while self._waiting and len(taken) < MOST:
                    taken.append(self._waiting.popleft())
            return [place.item for place in taken]

        is_written = False
        error: Exception | None = None
        try:
            is_written = self._write(take)
        except Exception as raised:
            error = raised
        except BaseException:
            error = NeverWrittenError("the thread that wrote was ended")
            raise
        finally:
            if not taken:
                take()  # what stopped the leader would stop the others
            for place in taken:
                place.is_written, place.error, place.is_over = is_written, error, True
            self._leave(taken)

    def _leave(self, taken: list[_Place[Item]]) -> None:
        with self._lock:
            self._is_led = bool(self._waiting)
            if self._waiting:
                self._waiting[0].gate.release()
        for place in taken:
            place.gate.release()
