"""The dashboard: its users, their sessions, passwords that were tried, and what was changed by whom."""

import sqlalchemy as sa

from wxbot.db.schema import drop_table, make_index, make_table
from wxbot.db.statements import digest

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _make_users()
    _make_sessions()
    _make_guesses()
    _make_audit()


def downgrade() -> None:
    """Take them away again, with all they hold."""
    for table in ("audit", "admin_guesses", "admin_sessions", "admin_users"):
        drop_table(table)


def _make_users() -> None:
    make_table(
        "admin_users",
        sa.Column("id", sa.String(12), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("password", sa.String(255), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("password_at", sa.BigInteger, nullable=False),
        sa.Column("logged_in_at", sa.BigInteger),
        sa.Column("disabled_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_admin_users"),
    )
    make_index("ix_admin_users_name", "admin_users", ["name"], unique=True)


def _make_sessions() -> None:
    make_table(
        "admin_sessions",
        sa.Column("id", digest(32), nullable=False),
        sa.Column("user", sa.String(12), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("device", sa.String(64), nullable=False),
        sa.Column("place", sa.String(48), nullable=False),
        sa.Column("notes", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_admin_sessions"),
    )
    make_index("ix_admin_sessions_user", "admin_sessions", ["user"])
    make_index("ix_admin_sessions_seen_at", "admin_sessions", ["seen_at"])


def _make_guesses() -> None:
    make_table(
        "admin_guesses",
        sa.Column("id", digest(), nullable=False),
        sa.Column("began_at", sa.BigInteger, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_admin_guesses"),
    )
    make_index("ix_admin_guesses_began_at", "admin_guesses", ["began_at"])


def _make_audit() -> None:
    make_table(
        "audit",
        sa.Column("id", digest(), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("user", sa.String(12)),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("account", sa.String(32)),
        sa.Column("action", sa.String(48), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    make_index("ix_audit_user_id", "audit", ["user", "id"])
