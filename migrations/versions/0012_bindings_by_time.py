"""An index to list bindings by, the newest first."""

from wxbot.db.schema import drop_index, make_index

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    make_index("ix_bindings_bound_at", "bindings", ["bound_at"])


def downgrade() -> None:
    """Take it away again."""
    drop_index("ix_bindings_bound_at", "bindings")
