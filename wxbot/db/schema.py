"""The steps of migrations. On MySQL each is final at once, so that there they skip what is done already."""

from typing import Any

import sqlalchemy as sa
from alembic import op

_MYSQL = {
    "mysql_engine": "InnoDB",
    # Its usual collation takes openids that differ in case for the same, and cannot hold every text.
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}


def make_table(name: str, *parts: sa.schema.SchemaItem, **options: Any) -> None:
    """Make a table."""
    op.create_table(name, *parts, if_not_exists=_may_be_half_done(), **_MYSQL, **options)


def drop_table(name: str) -> None:
    """Take a table away."""
    op.drop_table(name, if_exists=_may_be_half_done())


def add_column(table: str, column: sa.Column[Any]) -> None:
    """Add a column."""
    if not (_may_be_half_done() and column.name in _columns(table)):
        op.add_column(table, column)


def drop_column(table: str, name: str) -> None:
    """Take a column away."""
    if not _may_be_half_done() or name in _columns(table):
        op.drop_column(table, name)


def make_index(name: str, table: str, columns: list[str], **options: Any) -> None:
    """Make an index."""
    if not (_may_be_half_done() and name in _indexes(table)):
        op.create_index(name, table, columns, **options)


def drop_index(name: str, table: str) -> None:
    """Take an index away."""
    if not _may_be_half_done() or name in _indexes(table):
        op.drop_index(name, table)


def allow_from(revision: str) -> None:
    """Let programs that know this revision, or a later one, use the database from now on; no older ones."""
    table = sa.table("compatibility", sa.column("id"), sa.column("oldest"))
    op.execute(sa.delete(table))
    op.execute(sa.insert(table).values(id=1, oldest=revision))


def _may_be_half_done() -> bool:
    return op.get_bind().dialect.name == "mysql"


def _columns(table: str) -> set[str]:
    return {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}


def _indexes(table: str) -> set[str | None]:
    return {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}
