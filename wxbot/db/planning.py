"""What a database knows of its tables when it chooses between indexes."""

from sqlalchemy import Connection, Engine

from wxbot.db.patience import patiently

# Rows that are looked at for each index: a few milliseconds, however large the file is.
_ROWS = 400


def look_at_tables(engine: Engine) -> None:
    """Let SQLite see how full its indexes are; the servers do so by themselves. For once a day.

    Without it an index that holds all columns of a question is taken although it leads to everybody, and the
    page of one person reads the people of all channels.
    """
    if engine.dialect.name != "sqlite":
        return
    patiently(engine, _analyze)


def _analyze(connection: Connection) -> None:
    connection.exec_driver_sql(f"PRAGMA analysis_limit={_ROWS}")  # a connection's own
    connection.exec_driver_sql("ANALYZE")
