"""Pages of long tables, the newest first: what one costs does not grow with the table.

An index leads along the time. Where rows are chosen by what no index knows, a page looks at so many of them
and says how far it came, instead of reading on to the beginning of the table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, RowMapping, Select, or_

# Read in some 20 ms on each database, also when every row has to be fetched by itself.
LOOKED_AT = 5000


@dataclass(frozen=True)
class Place:
    """A row by its time (seconds since 1970) and its key; pages go on behind it."""

    at: int
    key: bytes


@dataclass(frozen=True, kw_only=True)
class Found:
    """Some rows, and where to go on; `after` is None when there is nothing behind them.

    `is_cut`: there may be fewer rows than were asked for, and more behind `after`.
    """

    rows: Sequence[RowMapping]
    after: Place | None
    is_cut: bool = False


@dataclass(frozen=True)
class Window:
    """The times of the rows that are asked for, in seconds since 1970; `until` without it."""

    since: int | None = None
    until: int | None = None


ALWAYS = Window()


@dataclass(frozen=True)
class Order:
    """The columns that a table is paged by: an index begins with the time; the key tells rows apart."""

    at: Column[Any]
    key: Column[Any]
    looked_at: int = LOOKED_AT

    def newest(
        self,
        connection: Connection,
        query: Select[Any],
        *,
        chosen: Sequence[ColumnElement[bool]] = (),
        window: Window = ALWAYS,
        after: Place | None = None,
        limit: int,
    ) -> Found:
        """Return the newest rows of a query, which names both columns.

        `chosen` are conditions that no index knows; of what is left without them so many rows are looked at.
        The query's own conditions must be such that an index knows them together with the time.
        """
        behind = self._behind(window, after)
        edge = self._edge(connection, query.where(*behind, *self._since(window))) if chosen else None
        before = self._since(window) if edge is None else self._up_to(edge)
        wanted = query.where(*behind, *before, *chosen).order_by(self.at.desc(), self.key.desc())
        found = connection.execute(wanted.limit(limit + 1)).mappings().all()
        if len(found) > limit:
            last = found[limit - 1]
            return Found(rows=found[:limit], after=Place(*self._place(last)))
        return Found(rows=found, after=edge, is_cut=edge is not None)

    def merged(self, parts: Sequence[Found], limit: int) -> Found:
        """Return the newest rows of several pages, of which each began at the same place."""
        # Beyond the newest of these a part has not said all; what others say there waits for the next page.
        cut = max(((part.after.at, part.after.key) for part in parts if part.after is not None), default=None)
        rows = sorted((row for part in parts for row in part.rows), key=self._place, reverse=True)
        whole = [row for row in rows if cut is None or self._place(row) >= cut]
        if len(whole) > limit or (len(whole) == limit and cut is not None):
            return Found(rows=whole[:limit], after=Place(*self._place(whole[limit - 1])))
        after = None if cut is None else Place(*cut)
        return Found(rows=whole, after=after, is_cut=after is not None)

    def _place(self, row: RowMapping) -> tuple[int, bytes]:
        return row[self.at], row[self.key]

    # Of several bounds of one column SQLite takes any for the range of the index: there must be one a side.

    def _behind(self, window: Window, after: Place | None) -> list[ColumnElement[bool]]:
        if after is None or (window.until is not None and window.until <= after.at):
            return [] if window.until is None else [self.at < window.until]
        # Not one OR alone, which no database takes for a range of the index.
        return [self.at <= after.at, or_(self.at != after.at, self.key < after.key)]

    def _since(self, window: Window) -> list[ColumnElement[bool]]:
        return [] if window.since is None else [self.at >= window.since]

    def _up_to(self, edge: Place) -> list[ColumnElement[bool]]:
        return [self.at >= edge.at, or_(self.at != edge.at, self.key >= edge.key)]

    def _edge(self, connection: Connection, query: Select[Any]) -> Place | None:
        """Return the last row that is looked at; None when the query ends before."""
        along = query.with_only_columns(self.at, self.key, maintain_column_froms=True)
        along = along.order_by(self.at.desc(), self.key.desc()).offset(self.looked_at - 1).limit(1)
        row = connection.execute(along).first()
        return None if row is None else Place(row[0], row[1])
