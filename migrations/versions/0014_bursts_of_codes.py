"""Bursts are counted of codes alone: nobody asks for those of all follows together, which every hour has."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take away what is not counted any more."""
    op.execute(
        "DELETE FROM figure_bursts WHERE scene IN"
        " (SELECT id FROM figure_scenes WHERE kind IN ('all', 'none'))"
    )


def downgrade() -> None:
    """Leave it: it was read by nobody."""
