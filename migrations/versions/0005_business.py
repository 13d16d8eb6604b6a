"""What the bot is for: channels and promoters, tags, webhooks, and keys of the API that may do less."""

import sqlalchemy as sa

from wxbot.db.schema import add_column, drop_column, drop_table, make_index, make_table
from wxbot.db.statements import digest

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


_ADDED = {"followers": ["last_scene"], "api_keys": ["scopes", "accounts"]}
_TABLES = (
    "channels",
    "promoters",
    "channel_people",
    "follower_tags",
    "wechat_tags",
    "webhooks",
    "webhook_deliveries",
    "webhook_attempts",
    "idempotent_requests",
)


def upgrade() -> None:
    """Make the tables and add the columns."""
    _make_channels()
    _make_promoters()
    _make_channel_people()
    _make_follower_tags()
    _make_wechat_tags()
    _make_webhooks()
    _make_webhook_deliveries()
    _make_webhook_attempts()
    _make_idempotent_requests()
    add_column("followers", sa.Column("last_scene", sa.String(255)))
    add_column("api_keys", sa.Column("scopes", sa.Text))
    add_column("api_keys", sa.Column("accounts", sa.Text))


def downgrade() -> None:
    """Take them away again, with all they hold."""
    for table, columns in _ADDED.items():
        for column in columns:
            drop_column(table, column)
    for table in reversed(_TABLES):
        drop_table(table)


def _make_channels() -> None:
    make_table(
        "channels",
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("scene", sa.String(64), nullable=False),
        sa.Column("title", sa.String(64), nullable=False),
        sa.Column("owner", sa.String(64)),
        sa.Column("promoter", sa.String(64)),
        sa.Column("group_name", sa.String(64)),
        sa.Column("replies", sa.Text, nullable=False),
        sa.Column("tag", sa.String(30)),
        sa.Column("starts_at", sa.BigInteger),
        sa.Column("ends_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("archived_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("account", "name", name="pk_channels"),
    )
    make_index("ix_channels_account_scene", "channels", ["account", "scene"], unique=True)
    make_index("ix_channels_account_promoter", "channels", ["account", "promoter"])


def _make_promoters() -> None:
    make_table(
        "promoters",
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("title", sa.String(64), nullable=False),
        sa.Column("target", sa.Integer),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("archived_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("account", "name", name="pk_promoters"),
    )


def _make_channel_people() -> None:
    make_table(
        "channel_people",
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("person", digest(), nullable=False),
        sa.Column("first_at", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.Column("scans", sa.Integer, nullable=False),
        sa.Column("is_new", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("account", "channel", "person", name="pk_channel_people"),
    )
    make_index("ix_channel_people_account_person", "channel_people", ["account", "person"])


def _make_follower_tags() -> None:
    make_table(
        "follower_tags",
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("person", digest(), nullable=False),
        sa.Column("tag", sa.String(30), nullable=False),
        sa.Column("tagged_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account", "person", "tag", name="pk_follower_tags"),
    )


def _make_wechat_tags() -> None:
    make_table(
        "wechat_tags",
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("name", sa.String(30), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("fetched_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account", "name", name="pk_wechat_tags"),
    )


def _make_webhooks() -> None:
    make_table(
        "webhooks",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("account", sa.String(32)),
        sa.Column("url", sa.String(1024), nullable=False),
        sa.Column("kinds", sa.Text, nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("old_secret", sa.LargeBinary),
        sa.Column("old_until", sa.BigInteger),
        sa.Column("description", sa.String(64), nullable=False),
        sa.Column("made_by", sa.String(32), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("disabled_at", sa.BigInteger),
        sa.Column("disabled_because", sa.String(255)),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
    )


def _make_webhook_deliveries() -> None:
    make_table(
        "webhook_deliveries",
        sa.Column("id", digest(), nullable=False),
        sa.Column("webhook", sa.String(16), nullable=False),
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("person", digest()),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_deliveries"),
    )
    make_index("ix_webhook_deliveries_webhook", "webhook_deliveries", ["webhook", "created_at"])
    make_index("ix_webhook_deliveries_created_at", "webhook_deliveries", ["created_at"])
    make_index("ix_webhook_deliveries_person", "webhook_deliveries", ["person"])


def _make_webhook_attempts() -> None:
    make_table(
        "webhook_attempts",
        sa.Column("delivery", digest(), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("detail", sa.String(255)),
        sa.PrimaryKeyConstraint("delivery", "number", name="pk_webhook_attempts"),
    )


def _make_idempotent_requests() -> None:
    make_table(
        "idempotent_requests",
        sa.Column("api_key", sa.String(16), nullable=False),
        sa.Column("key", digest(), nullable=False),
        sa.Column("request", digest(32), nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("body", sa.LargeBinary),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("api_key", "key", name="pk_idempotent_requests"),
    )
    make_index("ix_idempotent_requests_created_at", "idempotent_requests", ["created_at"])
