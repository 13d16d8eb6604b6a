"""Counters of groups and promoters, beside those of their channels' codes; an index to count numbers by.

A worker adds them up in its next rounds; until then groups and promoters have too few.
"""

import sqlalchemy as sa
from alembic import op

from wxbot.db.schema import add_column, allow_from, drop_column, drop_index, make_index

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_COLUMNS = ("in_group", "in_promoter")
_COUNTERS = ("figure_counts", "figure_hours", "figure_returns", "figure_stays")


def upgrade() -> None:
    """Make the index, and the columns that say with whom a code is counted.

    Older programs would count without them.
    """
    for name in _COLUMNS:
        add_column("figure_scenes", sa.Column(name, sa.Integer))
    make_index("ix_permanent_numbers_state", "permanent_numbers", ["account", "state", "free_at"])
    allow_from(revision)


def downgrade() -> None:
    """Take columns and counters away again, so that a later upgrade does not count twice."""
    scenes = sa.table("figure_scenes", sa.column("id"), sa.column("kind"))
    is_team = scenes.c.kind.in_(("group", "promoter"))
    for name in _COUNTERS:
        counters = sa.table(name, sa.column("scene"))
        op.execute(sa.delete(counters).where(counters.c.scene.in_(sa.select(scenes.c.id).where(is_team))))
    op.execute(sa.delete(scenes).where(is_team))
    for name in _COLUMNS:
        drop_column("figure_scenes", name)
    drop_index("ix_permanent_numbers_state", "permanent_numbers")
    allow_from("0003")
