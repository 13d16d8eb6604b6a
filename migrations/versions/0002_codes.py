"""Access tokens, codes and what belongs to them, keys of the HTTP API."""

import sqlalchemy as sa

from wxbot.db.schema import drop_table, make_index, make_table
from wxbot.db.statements import digest

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of the life of a code."""
    _make_tokens()
    _make_codes()
    _make_numbers()
    _make_batches()


def downgrade() -> None:
    """Take them away again."""
    for table in (
        "api_keys",
        "batch_lines",
        "batches",
        "number_history",
        "permanent_numbers",
        "living_codes",
        "mintings",
        "qrcodes",
        "access_tokens",
    ):
        drop_table(table)


def _make_tokens() -> None:
    make_table(
        "access_tokens",
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("token", sa.LargeBinary),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("fetched_at", sa.BigInteger, nullable=False),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
        sa.Column("lease_by", digest()),
        sa.Column("renewed_at", sa.BigInteger, nullable=False),
        sa.Column("forced_at", sa.BigInteger, nullable=False),
        sa.Column("forces", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("blocked_until", sa.BigInteger, nullable=False),
        sa.Column("blocked_because", sa.String(255)),
        sa.PrimaryKeyConstraint("account", name="pk_access_tokens"),
    )


def _make_codes() -> None:
    make_table(
        "qrcodes",
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("scene", sa.String(64), nullable=False),
        sa.Column("is_permanent", sa.Boolean, nullable=False),
        sa.Column("is_integer", sa.Boolean, nullable=False),
        sa.Column("ticket", sa.String(512), nullable=False),
        sa.Column("url", sa.String(255), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("account", "scene", "is_permanent", name="pk_qrcodes"),
    )
    make_index("ix_qrcodes_created_at", "qrcodes", ["created_at"])
    make_table(
        "mintings",
        sa.Column("id", digest(), nullable=False),
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("scene", sa.String(64), nullable=False),
        sa.Column("is_permanent", sa.Boolean, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("detail", sa.String(255)),
        sa.PrimaryKeyConstraint("id", name="pk_mintings"),
    )
    make_index("ix_mintings_outcome", "mintings", ["outcome", "started_at"])
    make_table(
        "living_codes",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("scene", sa.String(64), nullable=False),
        sa.Column("is_integer", sa.Boolean, nullable=False),
        sa.Column("lifetime_seconds", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_living_codes"),
    )


def _make_numbers() -> None:
    make_table(
        "permanent_numbers",
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(255), nullable=False),
        sa.Column("taken_at", sa.BigInteger, nullable=False),
        sa.Column("free_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("account", "number", name="pk_permanent_numbers"),
    )
    make_table(
        "number_history",
        sa.Column("id", digest(), nullable=False),
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(255), nullable=False),
        sa.Column("taken_at", sa.BigInteger, nullable=False),
        sa.Column("released_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_number_history"),
    )
    make_index("ix_number_history_number", "number_history", ["account", "number"])


def _make_batches() -> None:
    make_table(
        "batches",
        sa.Column("id", digest(), nullable=False),
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("file_name", sa.String(255), nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_batches"),
    )
    make_table(
        "batch_lines",
        sa.Column("batch", digest(), nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("scene", sa.String(64), nullable=False),
        sa.Column("is_integer", sa.Boolean, nullable=False),
        sa.Column("is_permanent", sa.Boolean, nullable=False),
        sa.Column("caption", sa.String(255), nullable=False),
        sa.Column("is_done", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("batch", "line", name="pk_batch_lines"),
    )
    make_table(
        "api_keys",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("digest", digest(32), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("last_used_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
    )
