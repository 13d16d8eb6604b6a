"""Database work that a request waits for, but only so long: a frozen database must not freeze the server."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from wxbot.scenes.pool import Pool, PoolFullError

Result = TypeVar("Result")


class TooSlowError(Exception):
    """The work was not done in time; it may still be done later."""


class _Task(Generic[Result]):
    def __init__(self, work: Callable[[], Result]) -> None:
        self._work = work
        self._done = threading.Event()
        self._result: list[Result] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._result.append(self._work())
        except BaseException as error:  # handed to the request, where it belongs
            self._error = error
        finally:
            self._done.set()

    def wait(self, seconds: float) -> Result:
        if not self._done.wait(max(0.0, seconds)):
            raise TooSlowError
        if self._error is not None:
            raise self._error
        return self._result[0]


class Clerks:
    """A few threads of their own, which no handler can keep busy."""

    def __init__(self, threads: int = 8) -> None:
        self._pool = Pool(threads, waiting=256)

    def do(self, work: Callable[[], Result], *, until: float) -> Result:
        """Return what `work` returns, or raise what it raises; TooSlowError after `until`."""
        task = _Task(work)
        try:
            self._pool.submit(task.run)
        except PoolFullError as full:
            raise TooSlowError from full
        return task.wait(until - time.monotonic())

    def close(self) -> None:
        """End the threads, each as soon as it is free."""
        self._pool.close()

    def start(self, work: Callable[[], None], *, or_else: Callable[[], None]) -> None:
        """Have `work` done without waiting for it; `or_else` at once when there is no room for it."""
        try:
            self._pool.submit(work)
        except PoolFullError:
            or_else()
