"""The tables of the dashboard: who may use it, and what they did; times as in wxbot/db/models.py."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from wxbot.db.metadata import metadata
from wxbot.db.statements import digest

admin_users = Table(
    "admin_users",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("name", String(64), nullable=False),  # in lower case
    Column("role", String(10), nullable=False),  # owner, operator, viewer
    Column("password", String(255), nullable=False),  # argon2id, with its parameters
    Column("created_at", BigInteger, nullable=False),
    Column("password_at", BigInteger, nullable=False),
    Column("logged_in_at", BigInteger),
    Column("disabled_at", BigInteger),
    Index("ix_admin_users_name", "name", unique=True),
)

# Who is logged in. A row that is deleted logs its browser out.
admin_sessions = Table(
    "admin_sessions",
    metadata,
    Column("id", digest(32), primary_key=True),  # digest of what the browser holds
    Column("user", String(12), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("device", String(64), nullable=False),
    Column("place", String(48), nullable=False),  # the part of the address that says where
    Column("notes", Text),  # JSON: what the next page tells
    Index("ix_admin_sessions_user", "user"),
    Index("ix_admin_sessions_seen_at", "seen_at"),
)

# Passwords that were tried, by account name and address.
admin_guesses = Table(
    "admin_guesses",
    metadata,
    Column("id", digest(), primary_key=True),
    Column("began_at", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    Index("ix_admin_guesses_began_at", "began_at"),
)

# Every change that somebody made, the newest with the largest id.
audit = Table(
    "audit",
    metadata,
    Column("id", digest(), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("user", String(12)),  # empty: somebody at the command line
    Column("name", String(64), nullable=False),  # as it was then
    Column("account", String(32)),  # empty: it is about no Official Account
    Column("action", String(48), nullable=False),  # as in channel.pause
    Column("subject", String(255), nullable=False),
    Column("detail", Text, nullable=False),  # JSON
    Index("ix_audit_user_id", "user", "id"),
)
