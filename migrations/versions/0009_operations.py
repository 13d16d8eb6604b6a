"""Indexes for who looks at jobs of an event, and at the deliveries of a webhook by their state."""

from wxbot.db.schema import drop_index, make_index

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the indexes; one of them takes the place of another."""
    make_index("ix_jobs_event_key", "jobs", ["event_key"])
    make_index("ix_webhook_deliveries_state", "webhook_deliveries", ["webhook", "state", "created_at"])
    drop_index("ix_webhook_deliveries_webhook", "webhook_deliveries")


def downgrade() -> None:
    """Take them away again."""
    make_index("ix_webhook_deliveries_webhook", "webhook_deliveries", ["webhook", "created_at"])
    drop_index("ix_webhook_deliveries_state", "webhook_deliveries")
    drop_index("ix_jobs_event_key", "jobs")
