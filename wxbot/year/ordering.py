"""Sorts more records than memory should hold: sorted runs in a file, merged when all are there."""

import heapq
from collections.abc import Iterator
from typing import IO

_RUN = 100_000
_CHUNK_BYTES = 1 << 16


class Ordering:
    """Takes records of `size` bytes each in any order, gives them back in the order of their bytes.

    `file` is empty, and for nothing else; `run` is how many are in memory at most.
    """

    def __init__(self, file: IO[bytes], *, size: int, run: int = _RUN) -> None:
        self._size = size
        self._run = run
        self._file = file
        self._runs: list[tuple[int, int]] = []
        self._records: list[bytes] = []
        self.count = 0

    def add(self, record: bytes) -> None:
        """Take a record."""
        self._records.append(record)
        self.count += 1
        if len(self._records) >= self._run:
            self._write()

    def ordered(self) -> Iterator[bytes]:
        """Yield all records in order."""
        self._write()
        yield from heapq.merge(*(self._read(start, end) for start, end in self._runs))

    def _write(self) -> None:
        self._records.sort()
        start = self._file.seek(0, 2)
        self._file.write(b"".join(self._records))
        self._runs.append((start, self._file.tell()))
        self._records.clear()

    def _read(self, start: int, end: int) -> Iterator[bytes]:
        size = self._size
        chunk = _CHUNK_BYTES // size * size
        while start < end:
            self._file.seek(start)
            data = self._file.read(min(chunk, end - start))
            start += len(data)
            for place in range(0, len(data), size):
                yield data[place : place + size]
