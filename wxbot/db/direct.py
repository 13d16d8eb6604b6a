"""Statements in the driver's own words, where SQLAlchemy takes longer for one than the database does."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Executable
from sqlalchemy.exc import DBAPIError

Row = Mapping[str, object]


@lru_cache(maxsize=64)
def driver_sql(
    statement: Executable, dialect: Dialect, names: tuple[str, ...] | None = None
) -> tuple[str, list[str] | None]:
    """Return a statement in the driver's words, and the order of its values; None: it takes them by name.

    `names` are the columns of an insert that has not all of its table's.
    """
    compiled = statement.compile(dialect=dialect, column_keys=names)  # type: ignore[attr-defined]
    return str(compiled), list(compiled.positiontup) if compiled.positional else None


def run(connection: Connection, statement: Executable, row: Row) -> Any:
    """Run a statement with these values on the driver's cursor, and return that.

    Values go to the driver as they are, and come as it gives them. Raises what SQLAlchemy raises.
    """
    sql, order = driver_sql(statement, connection.dialect)
    return _execute(connection, "execute", sql, _values(row, order))


def run_alone(connection: Connection, statement: Executable, row: Row) -> Any:
    """Do `run` without a transaction around the statement, which takes two trips to PostgreSQL."""
    driver_connection: Any = connection.connection.driver_connection
    with driver_connection.alone():
        return run(connection, statement, row)


def insert(connection: Connection, statement: Executable, rows: Sequence[Row]) -> Any:
    """Run an insert of these rows, which have the same columns, on the driver's cursor, and return that."""
    sql, order = driver_sql(statement, connection.dialect, tuple(rows[0]))
    if len(rows) == 1:
        return _execute(connection, "execute", sql, _values(rows[0], order))
    return _execute(connection, "executemany", sql, [_values(row, order) for row in rows])


def _execute(connection: Connection, method: str, sql: str, parameters: Any) -> Any:
    listeners = connection.engine.dispatch
    if listeners.before_cursor_execute or listeners.after_cursor_execute:
        # Whoever traces statements is to hear of these as well.
        return connection.exec_driver_sql(sql, parameters, execution_options={"preserve_rowcount": True})
    try:
        cursor = connection.connection.cursor()
        getattr(cursor, method)(sql, parameters)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _told(connection, error, sql, parameters) from error
    return cursor


def _told(connection: Connection, error: Any, sql: str, parameters: Any) -> DBAPIError:
    """Return a driver's error as SQLAlchemy's."""
    dialect = connection.dialect
    if dialect.is_disconnect(error, connection.connection.dbapi_connection, None):
        # It fails again, at the hands of SQLAlchemy, which then mistrusts all connections of its pool.
        connection.exec_driver_sql(sql, parameters)
        connection.invalidate(error)  # if it did not, by a miracle
    driver_error = dialect.loaded_dbapi.Error
    told = DBAPIError.instance(sql, None, error, driver_error, hide_parameters=True, dialect=dialect)
    assert isinstance(told, DBAPIError)
    return told


def _values(row: Row, order: list[str] | None) -> Any:
    return dict(row) if order is None else tuple([row[name] for name in order])
