"""From one database into another, empty one, whichever two of the three they are: all rows or none."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table, func, inspect, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from wxbot.db.bulk import insert_many
from wxbot.db.faults import in_words
from wxbot.db.models import compatibility, heartbeats, metadata
from wxbot.db.statements import database_now
from wxbot.errors import WxbotError

ALIVE_SECONDS = 15
_PORTION = 1000
# What migrations write themselves says how old the target is, not the source.
_COPIED = [table for table in metadata.sorted_tables if table is not compatibility]


class CopyError(WxbotError):
    """The copy was not begun, or was undone; the text says why, and what to do."""


def copy(source: Connection, target: Connection, *, tell: Callable[[int, int], None]) -> dict[str, int]:
    """Copy every row, within the transactions of both callers; return how many of each table.

    Both must be at this program's revision. `tell` hears how many of how many rows are written. Raises
    CopyError when a worker uses the source, when the target holds rows, or when it holds others than
    those of the source in the end; the caller then rolls back.
    """
    _require_rest(source)
    if held := [table.name for table in _COPIED if target.execute(select(table).limit(1)).first()]:
        raise CopyError(
            f"the database to copy into has rows already, in {', '.join(held)}; name an empty one"
        )
    counts = {table.name: _count(source, table) for table in _COPIED}
    total, done = sum(counts.values()), 0
    for table in _COPIED:
        for portion in _portions(source, table):
            _write(target, table, portion)
            done += len(portion)
            tell(done, total)
    _require_equal(counts, {table.name: _count(target, table) for table in _COPIED})
    return counts


def _portions(source: Connection, table: Table) -> Iterator[Sequence[Row[Any]]]:
    try:
        rows = source.execution_options(yield_per=_PORTION).execute(select(table))
        yield from rows.partitions()
    except SQLAlchemyError as error:  # the caller takes every other for one of the target
        raise CopyError(f"reading failed: {in_words(error, str(source.engine.url))}") from None


def _write(target: Connection, table: Table, rows: Sequence[Row[Any]]) -> None:
    driver: Any = target.dialect.dbapi
    try:
        insert_many(target, table, table.columns.keys(), rows)
    except (DBAPIError, driver.Error) as error:  # COPY goes past SQLAlchemy, and so do its errors
        words = in_words(error, str(target.engine.url))
        raise CopyError(f"a row of {table.name} was not taken, and nothing was copied: {words}") from None


def foreign_tables(connection: Connection) -> list[str]:
    """Return the names of tables that are not wxbot's, such as a handler's own; `copy` leaves them."""
    ours = {*metadata.tables, "alembic_version"}
    return sorted(name for name in inspect(connection).get_table_names() if name not in ours)


def _require_rest(source: Connection) -> None:
    """What is written after the copy would be lost without a word; only workers give a sign of life."""
    seen = select(heartbeats).where(heartbeats.c.seen_at > database_now() - ALIVE_SECONDS)
    if alive := source.execute(seen).mappings().all():
        who = ", ".join(f"{each['kind']} {each['pid']} on {each['host']}" for each in alive)
        raise CopyError(
            f"processes work with the database to copy from ({who}). Stop web servers and workers; one that "
            f"was killed counts for {ALIVE_SECONDS} seconds"
        )


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _require_equal(wanted: Mapping[str, int], written: Mapping[str, int]) -> None:
    differing = [
        f"{name} ({written[name]} instead of {count})"
        for name, count in wanted.items()
        if written[name] != count
    ]
    if differing:
        raise CopyError(
            f"the copy was undone, since something else wrote meanwhile: {', '.join(differing)}. Stop "
            "what uses the two databases"
        )
