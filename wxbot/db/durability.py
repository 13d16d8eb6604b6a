"""Whether a server keeps what it has confirmed, also through a power cut."""

from typing import NamedTuple

from sqlalchemy import Connection, text

_POSTGRESQL = text(
    "SELECT name FROM pg_settings WHERE setting = 'off' "
    "AND name IN ('fsync', 'full_page_writes', 'synchronous_commit') ORDER BY name"
)
_MYSQL = "innodb_flush_log_at_trx_commit"
_NAMES = {"postgresql": "PostgreSQL", "mysql": "MySQL"}


class Weak(NamedTuple):
    """A setting of a server, what it is, and what it should be."""

    name: str
    value: str
    right: str


def weak_settings(connection: Connection) -> list[Weak]:
    """Return what makes a server forget what it confirmed."""
    if connection.dialect.name == "postgresql":
        return [Weak(name, "off", "on") for name in connection.scalars(_POSTGRESQL)]
    if connection.dialect.name == "mysql":
        value = int(connection.scalar(text(f"SELECT @@{_MYSQL}")) or 0)
        return [] if value in (1, 3) else [Weak(_MYSQL, str(value), "1")]
    return []


def durability_faults(connection: Connection) -> list[str]:
    """Return what is wrong, one line each. A scan that was acknowledged must not be forgotten."""
    server = _NAMES.get(connection.dialect.name, connection.dialect.name)
    return [
        f"[database] this {server} may lose what it has confirmed, because {name} is {value}: "
        f"set it to {right}"
        for name, value, right in weak_settings(connection)
    ]
