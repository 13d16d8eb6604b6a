"""What a database knows of its tables when it chooses between indexes."""

from sqlalchemy import Engine

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
    with engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA analysis_limit={_ROWS}")
    patiently(engine, lambda connection: connection.exec_driver_sql("ANALYZE"))
