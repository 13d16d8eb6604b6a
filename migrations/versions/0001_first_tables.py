"""Events, signatures and followers."""

import sqlalchemy as sa

from wxbot.db.schema import drop_table, make_table
from wxbot.db.statements import digest

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the three tables."""
    make_table(
        "events",
        sa.Column("key", digest(), nullable=False),
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("person", digest(), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("scene", sa.String(255)),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("run", digest(), nullable=False),
        sa.Column("lease_until", sa.BigInteger),
        sa.Column("outcome", sa.String(16)),
        sa.Column("handler", sa.String(128)),
        sa.Column("detail", sa.String(255)),
        sa.Column("seconds", sa.Float),
        sa.Column("reply", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.PrimaryKeyConstraint("key", name="pk_events"),
        sqlite_with_rowid=False,
    )
    make_table(
        "signatures",
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("digest", digest(), nullable=False),
        sa.Column("event_key", digest(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account", "digest", name="pk_signatures"),
        sqlite_with_rowid=False,
    )
    make_table(
        "followers",
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("person", digest(), nullable=False),
        sa.Column("openid", sa.String(64)),
        sa.Column("first_seen_at", sa.BigInteger, nullable=False),
        sa.Column("followed_at", sa.BigInteger),
        sa.Column("unfollowed_at", sa.BigInteger),
        sa.Column("follows", sa.Integer, nullable=False),
        sa.Column("first_scene", sa.String(255)),
        sa.PrimaryKeyConstraint("account", "person", name="pk_followers"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Take them away again."""
    for table in ("followers", "signatures", "events"):
        drop_table(table)
