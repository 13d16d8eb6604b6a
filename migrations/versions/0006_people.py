"""When somebody scanned last, and the documents that go when they leave."""

import sqlalchemy as sa

from wxbot.db.schema import add_column, drop_column, drop_index, make_index

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and the index."""
    add_column("followers", sa.Column("last_scanned_at", sa.BigInteger))
    kept = sa.text("body IS NOT NULL")
    make_index("ix_events_documents", "events", ["person"], sqlite_where=kept, postgresql_where=kept)


def downgrade() -> None:
    """Take them away again."""
    drop_index("ix_events_documents", "events")
    drop_column("followers", "last_scanned_at")
