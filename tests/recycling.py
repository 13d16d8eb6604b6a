"""Empties a database that a test has used, so that another test can have it: faster than to make one.

Only where nobody is connected any more and nothing but rows was changed; all others are dropped.
"""

from sqlalchemy import Connection, Row, create_engine, make_url, text
from sqlalchemy.pool import NullPool

# What a migrated database has from its beginning.
_KEPT = ("alembic_version", "compatibility")
_CONNECTED = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE datname = :name AND pid <> pg_backend_pid()",
    "mysql": "SELECT count(*) FROM information_schema.processlist WHERE db = :name AND id <> connection_id()",
}
# Tables with their columns and indexes, and whatever else a test may leave in a database.
_SHAPE = {
    "postgresql": (
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' "
        "UNION ALL SELECT tablename, indexname FROM pg_indexes WHERE schemaname = 'public' "
        "UNION ALL SELECT 'trigger', tgname FROM pg_trigger WHERE NOT tgisinternal "
        "UNION ALL SELECT 'setting', array_to_string(setconfig, ' ') FROM pg_db_role_setting "
        "JOIN pg_database ON pg_database.oid = setdatabase WHERE datname = current_database()"
    ),
    "mysql": (
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = database() "
        "UNION ALL SELECT table_name, index_name FROM information_schema.statistics "
        "WHERE table_schema = database() "
        "UNION ALL SELECT 'trigger', trigger_name FROM information_schema.triggers "
        "WHERE trigger_schema = database()"
    ),
}


class Recycling:
    """Knows a migrated database, and makes others of the same server like it again."""

    def __init__(self, url: str) -> None:
        with _connect(url) as connection:
            self._shape = _shape(connection)
            self._rows = {table: _rows(connection, table) for table in _KEPT}
            names = sorted({table for table, _ in self._shape})
        self._tables = [name for name in names if name not in _KEPT]

    def empty(self, url: str) -> bool:
        """Empty a database; False when it cannot be given to anybody else."""
        with _connect(url) as connection:
            name = make_url(url).database
            if connection.scalar(text(_CONNECTED[connection.dialect.name]), {"name": name}):
                return False
            if _shape(connection) != self._shape:
                return False
            if {table: _rows(connection, table) for table in _KEPT} != self._rows:
                return False
            self._delete(connection)
            return True

    def _delete(self, connection: Connection) -> None:
        """Ask once which tables have rows: most are empty after most tests."""
        asked = [f"EXISTS (SELECT 1 FROM {table}) AS {table}" for table in self._tables]
        row = connection.execute(text(f"SELECT {', '.join(asked)}")).mappings().one()
        for table in self._tables:
            if row[table]:
                connection.execute(text(f"DELETE FROM {table}"))


def _connect(url: str) -> Connection:
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    return engine.connect()


def _shape(connection: Connection) -> frozenset[tuple[str, str]]:
    found = connection.execute(text(_SHAPE[connection.dialect.name]))
    return frozenset((table, part) for table, part in found)


def _rows(connection: Connection, table: str) -> list[Row[tuple[object, ...]]]:
    return list(connection.execute(text(f"SELECT * FROM {table}")))
