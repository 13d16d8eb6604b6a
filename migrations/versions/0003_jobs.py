"""Jobs, heartbeats and schedules; what events, followers and mintings need besides."""

import sqlalchemy as sa

from wxbot.db.schema import (
    add_column,
    allow_from,
    drop_column,
    drop_index,
    drop_table,
    make_index,
    make_table,
)
from wxbot.db.statements import digest

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the outbox and what goes with it."""
    add_column("events", sa.Column("messages_sent", sa.SmallInteger, nullable=False, server_default="0"))
    add_column("followers", sa.Column("kept_messages", sa.Integer, nullable=False, server_default="0"))
    add_column("mintings", sa.Column("claim", digest()))
    make_index("ix_mintings_claim", "mintings", ["claim"], unique=True)
    _make_compatibility()
    leased = sa.text("lease_until IS NOT NULL")
    make_index(
        "ix_events_lease_until", "events", ["lease_until"], sqlite_where=leased, postgresql_where=leased
    )
    _make_jobs()
    make_table(
        "heartbeats",
        sa.Column("id", digest(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("host", sa.String(64), nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_heartbeats"),
    )
    make_table(
        "schedules",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("next_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_schedules"),
    )


def downgrade() -> None:
    """Take it away again; jobs that were not done are lost."""
    for table in ("schedules", "heartbeats", "jobs", "compatibility"):
        drop_table(table)
    drop_index("ix_events_lease_until", "events")
    drop_index("ix_mintings_claim", "mintings")
    drop_column("mintings", "claim")
    drop_column("followers", "kept_messages")
    drop_column("events", "messages_sent")


def _make_compatibility() -> None:
    make_table(
        "compatibility",
        sa.Column("id", sa.SmallInteger, nullable=False, autoincrement=False),
        sa.Column("oldest", sa.String(8), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_compatibility"),
    )
    allow_from(revision)


def _make_jobs() -> None:
    make_table(
        "jobs",
        sa.Column("id", digest(), nullable=False),
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("arguments", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.Column("event_key", digest()),
        sa.Column("person", digest()),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("run_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("dispatched_at", sa.BigInteger),
        sa.Column("lease_until", sa.BigInteger),
        sa.Column("lease_by", digest()),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger),
        sa.Column("detail", sa.String(255)),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
    )
    make_index("ix_jobs_state", "jobs", ["state", "run_at"])
    make_index("ix_jobs_person", "jobs", ["person"])
