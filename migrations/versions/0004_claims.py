"""Claims: what one person may claim by scanning a code, and who is whom on the site."""

import sqlalchemy as sa

from wxbot.db.schema import drop_table, make_index, make_table
from wxbot.db.statements import digest

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _make_claims()
    _make_claim_steps()
    _make_bindings()


def downgrade() -> None:
    """Take them away again, with all they hold."""
    for table in ("bindings", "claim_steps", "claims"):
        drop_table(table)


def _make_claims() -> None:
    make_table(
        "claims",
        sa.Column("id", digest(), nullable=False),
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("scene", sa.String(64), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("is_exclusive", sa.Boolean, nullable=False),
        sa.Column("person", digest()),
        sa.Column("openid", sa.String(64)),
        sa.Column("held", digest()),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("made_by", sa.String(32), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("claimed_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_claims"),
    )
    make_index("ix_claims_account_scene", "claims", ["account", "scene"], unique=True)
    make_index("ix_claims_held", "claims", ["held"], unique=True)
    make_index("ix_claims_account_purpose_subject", "claims", ["account", "purpose", "subject"])
    make_index("ix_claims_account_person", "claims", ["account", "person"])
    make_index("ix_claims_created_at", "claims", ["created_at"])
    make_index("ix_claims_state_expires_at", "claims", ["state", "expires_at"])


def _make_claim_steps() -> None:
    make_table(
        "claim_steps",
        sa.Column("claim", digest(), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("step", sa.String(24), nullable=False),
        sa.Column("person", digest()),
        sa.Column("detail", sa.String(255)),
        sa.PrimaryKeyConstraint("claim", "number", name="pk_claim_steps"),
    )


def _make_bindings() -> None:
    make_table(
        "bindings",
        sa.Column("id", digest(), nullable=False),
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("site_user", sa.String(128), nullable=False),
        sa.Column("person", digest(), nullable=False),
        sa.Column("openid", sa.String(64)),
        sa.Column("claim", digest()),
        sa.Column("bound_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("ended_by", sa.String(16)),
        sa.Column("held_user", digest()),
        sa.Column("held_person", digest()),
        sa.PrimaryKeyConstraint("id", name="pk_bindings"),
    )
    make_index("ix_bindings_held_user", "bindings", ["held_user"], unique=True)
    make_index("ix_bindings_held_person", "bindings", ["held_person"], unique=True)
    make_index("ix_bindings_account_site_user", "bindings", ["account", "site_user"])
    make_index("ix_bindings_account_person", "bindings", ["account", "person"])
