"""What the three databases say differently: first inserts, their clock, and search within texts."""

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any

from sqlalchemy import (
    ARRAY,
    BINARY,
    BigInteger,
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Executable,
    Insert,
    Integer,
    LargeBinary,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from wxbot.db import direct
from wxbot.db.direct import driver_sql

_DUPLICATE_ENTRY = 1062


class database_now(FunctionElement[int]):
    """Seconds since 1970 by the database's clock: machines agree about a lease."""

    type = BigInteger()
    inherit_cache = True


@compiles(database_now, "sqlite")
def _sqlite_now(_element: Any, _compiler: Any, **_options: Any) -> str:
    return "CAST(strftime('%s', 'now') AS INTEGER)"


@compiles(database_now, "postgresql")
def _postgresql_now(_element: Any, _compiler: Any, **_options: Any) -> str:
    # Not now(), which stands still during a transaction.
    return "CAST(floor(extract(epoch FROM clock_timestamp())) AS BIGINT)"


@compiles(database_now, "mysql", "mariadb")
def _mysql_now(_element: Any, _compiler: Any, **_options: Any) -> str:
    # Not of SYSDATE(): in the hour that the end of summer time repeats, the server could only guess.
    return "UNIX_TIMESTAMP()"


class _place_of(FunctionElement[int]):
    """Where a text or bytes begin within a column, 0 for nowhere."""

    type = Integer()
    inherit_cache = True


@compiles(_place_of)
def _place_in(element: Any, compiler: Any, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


@compiles(_place_of, "postgresql")
def _postgresql_place_in(element: Any, compiler: Any, **options: Any) -> str:
    column, part = (compiler.process(each, **options) for each in element.clauses)
    return f"position({part} IN {column})"


def holds(column: Column[Any], text: str | BindParameter[Any]) -> ColumnElement[bool]:
    """Say whether a column, of texts or of bytes, has a text somewhere in it, letter for letter.

    A parameter has to be of the column's kind.
    """
    if isinstance(text, str):
        is_bytes = isinstance(column.type, LargeBinary)
        text = literal(text.encode() if is_bytes else text, LargeBinary() if is_bytes else Text())
    return _place_of(column, text) > 0


def digest(length: int = 16) -> LargeBinary:
    """Return the column type of bytes of one length; as MySQL's BLOB they could not be a key."""
    return LargeBinary(length).with_variant(BINARY(length), "mysql", "mariadb")


def begins_with(column: Column[bytes], digits: str) -> ColumnElement[bool]:
    """Return the condition that an id of 16 bytes begins with these hexadecimal digits."""
    return column.between(bytes.fromhex(digits.ljust(32, "0")), bytes.fromhex(digits.ljust(32, "f")))


def insert_first(connection: Connection, table: Table, row: Mapping[str, object]) -> bool:
    """Insert a row; False, and nothing changed, when its key is taken.

    MySQL's row count cannot tell an insert from an update, so there the duplicate is caught. It leaves a lock
    on the row that won: end the transaction before asking what that row says.
    """
    statement = _insert_or_nothing(table, connection.dialect.name)
    # Values as parameters, so that the statement is made once; what the database computes is part of it.
    computed = {name: value for name, value in row.items() if isinstance(value, ColumnElement)}
    values = {name: value for name, value in row.items() if name not in computed}
    if computed:
        statement = statement.values(computed)
    if connection.dialect.name in ("mysql", "mariadb"):
        try:
            connection.execute(statement, values)
        except IntegrityError as error:
            if error.orig is not None and error.orig.args[:1] == (_DUPLICATE_ENTRY,):
                return False
            raise
        return True
    return connection.execute(statement, values).rowcount == 1


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> bool:
    """Insert rows that have the same columns; False when a key is taken: roll back, some may be inserted.

    Values only, nothing for the database to compute.
    """
    if not rows:
        return True
    try:
        inserted = direct.insert(connection, _insert_or_nothing(table, connection.dialect.name), rows)
    except IntegrityError as error:
        if error.orig is not None and error.orig.args[:1] == (_DUPLICATE_ENTRY,):
            return False
        raise
    return bool(inserted.rowcount == len(rows))


def insert_missing(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert those of the rows whose keys are not taken."""
    statement: Executable
    if connection.dialect.name in ("mysql", "mariadb"):
        # Not INSERT IGNORE, which lets values pass that do not fit.
        key = next(iter(table.primary_key.columns))
        statement = _into(table, "mysql").on_duplicate_key_update({key.name: key})
    else:
        statement = _into(table, connection.dialect.name).on_conflict_do_nothing()
    connection.execute(statement, [dict(row) for row in rows])


def put(connection: Connection, table: Table, row: Mapping[str, object]) -> None:
    """Insert a row, or change the one that has its primary key."""
    key: Collection[str] = table.primary_key.columns.keys()
    values = {name: value for name, value in row.items() if name not in key}
    statement: Executable
    if connection.dialect.name in ("mysql", "mariadb"):
        statement = _into(table, "mysql").values(dict(row)).on_duplicate_key_update(values)
    else:
        new = _into(table, connection.dialect.name).values(dict(row))
        statement = new.on_conflict_do_update(index_elements=list(key), set_=values)
    connection.execute(statement)


def insert_all(connection: Connection, table: Table, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert many rows, whose values stand in the order of the table's columns."""
    _run_all(connection, table, _plain_insert(table), rows)


def add_all(connection: Connection, table: Table, rows: Sequence[tuple[object, ...]]) -> None:
    """Add each row's numbers to the row that has its primary key; insert it where there is none.

    Values stand in the order of the table's columns.
    """
    _run_all(connection, table, _insert_or_add(table, connection.dialect.name), rows)


def add_selected(connection: Connection, table: Table, rows: Select[Any]) -> int:
    """Add the numbers of selected rows as `add_all` does; returns how many rows that changed.

    The columns are selected in the order of the table's.
    """
    adding = _insert_or_add(table, connection.dialect.name)
    adding = adding.from_select(list(table.c.keys()), rows)
    return connection.execute(adding.execution_options(preserve_rowcount=True)).rowcount


def _run_all(
    connection: Connection, table: Table, statement: Insert, rows: Sequence[tuple[object, ...]]
) -> None:
    """Hand rows to the driver as they are: SQLAlchemy takes longer for thousands than the database does."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        _run_by_columns(connection, table, statement, rows)
        return
    sql, order = driver_sql(statement, connection.dialect)
    names = [column.name for column in table.c]
    if order is None:
        connection.exec_driver_sql(sql, [dict(zip(names, row, strict=True)) for row in rows])
    elif order == names:
        connection.exec_driver_sql(sql, list(rows))
    else:
        places = [names.index(name) for name in order]
        connection.exec_driver_sql(sql, [tuple(row[place] for place in places) for row in rows])


def _run_by_columns(
    connection: Connection, table: Table, statement: Insert, rows: Sequence[tuple[object, ...]]
) -> None:
    """Hand PostgreSQL's driver a list for each column: a statement a row takes it twice the time."""
    names = table.c.keys()
    lists = {
        column.name: _list_of(column, values)
        for column, values in zip(table.c, zip(*rows, strict=True), strict=True)
    }
    connection.execute(statement.from_select(names, _unnested(table)), lists)


def _list_of(column: Column[Any], values: Sequence[object]) -> str | list[object]:
    """Return numbers as PostgreSQL writes a list of them: the driver takes five times as long to do that."""
    if isinstance(column.type, Integer):
        return f"{{{','.join(map(str, values)).replace('None', 'NULL')}}}"
    return list(values)


@cache
def _unnested(table: Table) -> Select[Any]:
    """Return the query for rows whose columns are in parameters, each a list as of `_list_of`."""
    lists: list[ColumnElement[Any]] = []
    for column in table.c:
        of_column = ARRAY(column.type)
        is_number = isinstance(column.type, Integer)
        lists.append(
            cast(bindparam(column.name, type_=Text()), of_column)
            if is_number
            else bindparam(column.name, type_=of_column)
        )
    return select(func.unnest(*lists).table_valued(*table.c.keys()).render_derived())


@cache
def _plain_insert(table: Table) -> Insert:
    return insert(table)


@cache
def _insert_or_add(table: Table, dialect: str) -> Insert:
    """Return the insert that adds up where the key is taken."""
    key: Collection[str] = table.primary_key.columns.keys()
    names = [column.name for column in table.c if column.name not in key]
    if dialect in ("mysql", "mariadb"):
        into = _into(table, "mysql")
        summed = {name: table.c[name] + into.inserted[name] for name in names}
        adding: Insert = into.on_duplicate_key_update(summed)
        return adding
    new = _into(table, dialect)
    added = {name: table.c[name] + new.excluded[name] for name in names}
    upsert: Insert = new.on_conflict_do_update(index_elements=list(key), set_=added)
    return upsert


@cache
def _insert_or_nothing(table: Table, dialect: str) -> Insert:
    """Return the insert that changes nothing where the key is taken; on MySQL it is refused there."""
    if dialect in ("mysql", "mariadb"):
        return insert(table)
    # Of an INSERT, SQLAlchemy forgets the row count unless it is asked to keep it.
    into = _into(table, dialect).on_conflict_do_nothing()
    first: Insert = into.execution_options(preserve_rowcount=True)
    return first


def _into(table: Table, dialect: str) -> Any:
    """Return the insert of one database, which knows what to do with a key that is taken."""
    # MySQL's dialect is a megabyte that few need.
    return import_module(f"sqlalchemy.dialects.{dialect}").insert(table)
