"""The addresses from which WeChat calls, as it names them."""

import sqlalchemy as sa

from wxbot.db.schema import drop_table, make_table

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    make_table(
        "callers",
        sa.Column("account", sa.String(32), primary_key=True),
        sa.Column("networks", sa.Text, nullable=False),
        sa.Column("fetched_at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Take it away again."""
    drop_table("callers")
