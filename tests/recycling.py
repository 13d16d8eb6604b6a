"""Empties a database that a test has used, so that another test can have it: faster than to make one.

Only where nobody is connected any more and nothing but rows was changed; all others are dropped.
"""

from typing import Any

from sqlalchemy import Connection, Row, create_engine, event, make_url, text
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
        self._name: str | None = None
        # One for all databases of the server, so that statements are compiled and types are asked for once.
        self._engine = create_engine(
            url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=_options(url)
        )
        event.listen(self._engine, "do_connect", self._name_database)
        with self._connect(url) as connection:
            self._shape = _shape(connection)
            self._rows = {table: _rows(connection, table) for table in _KEPT}
            names = sorted({table for table, _ in self._shape})
        self._tables = [name for name in names if name not in _KEPT]

    def empty(self, url: str) -> bool:
        """Empty a database; False when it cannot be given to anybody else."""
        with self._connect(url) as connection:
            if connection.scalar(text(_CONNECTED[connection.dialect.name]), {"name": self._name}):
                return False
            if _shape(connection) != self._shape:
                return False
            if {table: _rows(connection, table) for table in _KEPT} != self._rows:
                return False
            self._delete(connection)
            return True

    def _connect(self, url: str) -> Connection:
        self._name = make_url(url).database
        return self._engine.connect()

    def _name_database(self, _dialect: Any, _record: Any, _given: Any, named: dict[str, Any]) -> None:
        """Connect to the database that is meant, not to the one the engine was made for."""
        named["database" if "database" in named else "dbname"] = self._name

    def _delete(self, connection: Connection) -> None:
        """Ask once which tables have rows: most are empty after most tests."""
        asked = [f"EXISTS (SELECT 1 FROM {table}) AS {table}" for table in self._tables]
        row = connection.execute(text(f"SELECT {', '.join(asked)}")).mappings().one()
        for table in self._tables:
            if row[table]:
                connection.execute(text(f"DELETE FROM {table}"))


def _options(url: str) -> dict[str, Any]:
    # PyMySQL would read all certificates of the machine for each connection, and look at none of them.
    return {"ssl_disabled": True} if make_url(url).get_backend_name() == "mysql" else {}


def _shape(connection: Connection) -> frozenset[tuple[str, str]]:
    found = connection.execute(text(_SHAPE[connection.dialect.name]))
    return frozenset((table, part) for table, part in found)


def _rows(connection: Connection, table: str) -> list[Row[tuple[object, ...]]]:
    return list(connection.execute(text(f"SELECT * FROM {table}")))
