"""Room for owners of numbers as `channel:` and the longest name of a channel."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TABLES = ("permanent_numbers", "number_history")
_BEFORE, _SINCE = 64, 128


def upgrade() -> None:
    """Make room."""
    for table in _TABLES:
        _resize(table, _BEFORE, _SINCE)


def downgrade() -> None:
    """Take it away again; of longer owners the beginning is kept."""
    for name in _TABLES:
        table = sa.table(name, sa.column("owner", sa.String))
        shortened = sa.func.substr(table.c.owner, 1, _BEFORE)
        op.execute(sa.update(table).where(sa.func.length(table.c.owner) > _BEFORE).values(owner=shortened))
        _resize(name, _SINCE, _BEFORE)


def _resize(table: str, before: int, after: int) -> None:
    # SQLite can change no column: there the table is made anew.
    with op.batch_alter_table(table) as batch:
        batch.alter_column(
            "owner", existing_type=sa.String(before), type_=sa.String(after), existing_nullable=False
        )
