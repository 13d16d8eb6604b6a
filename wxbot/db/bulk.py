"""Many rows at once, in the way that each of the databases takes them fastest."""

from collections.abc import Sequence

from sqlalchemy import Connection, Table


def insert_many(
    connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    """Insert rows with these columns, in the caller's transaction; nothing for no rows.

    Values are given to the driver as they are: there is no conversion, nor a default that is not the
    database's. Raises IntegrityError, or the driver's own error, when a key is taken.
    """
    if not rows:
        return
    preparer = connection.dialect.identifier_preparer
    names = ", ".join(preparer.quote(name) for name in columns)
    into = f"{preparer.format_table(table)} ({names})"
    if connection.dialect.name == "postgresql":
        if not connection.in_transaction():
            # What goes past SQLAlchemy begins nothing that its commit would end.
            connection.begin()
        driver = connection.connection.cursor()
        with driver.copy(f"COPY {into} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    marks = ", ".join([mark] * len(columns))
    connection.exec_driver_sql(f"INSERT INTO {into} VALUES ({marks})", [tuple(row) for row in rows])
