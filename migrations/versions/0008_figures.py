"""The tables of figures, and what lets new events and claims be found.

The index on events takes about ten seconds for each ten million of them; scans that arrive meanwhile are
answered, and kept in the spool.
"""

import sqlalchemy as sa

from wxbot.db.schema import drop_index, drop_table, make_index, make_table
from wxbot.db.statements import digest

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_COUNTS = (
    "scans",
    "new",
    "refollows",
    "unfollows",
    "lost",
    "claims",
    "gone",
    "kept_1",
    "kept_7",
    "kept_30",
    "converted",
    "quick",
    "turning",
)
_INDEXES = {"events": "recorded_at", "claims": "claimed_at"}
_TABLES = (
    "figure_state",
    "figure_people",
    "figure_scenes",
    "figure_facts",
    "figure_visits",
    "figure_counts",
    "figure_hours",
    "figure_returns",
    "figure_stays",
    "figure_bursts",
    "figure_wechat_days",
)


def upgrade() -> None:
    """Make the tables and the indexes."""
    _make_state()
    _make_people()
    _make_scenes()
    _make_facts()
    _make_visits()
    _make_counters("figure_counts", *map(_counter, _COUNTS))
    _make_counters("figure_hours", *(_counter(f"h{hour}") for hour in range(24)))
    _make_counters("figure_returns", _key("previous", sa.Integer), _counter("people"))
    _make_counters("figure_stays", _key("step", sa.SmallInteger), _counter("people"))
    _make_counters("figure_bursts", _key("slot", sa.SmallInteger), _counter("new"))
    make_index("ix_figure_bursts_new", "figure_bursts", ["edition", "account", "unit", "new"])
    _make_wechat_days()
    for table, column in _INDEXES.items():
        make_index(f"ix_{table}_{column}", table, [column])


def downgrade() -> None:
    """Take them away again."""
    for table, column in _INDEXES.items():
        drop_index(f"ix_{table}_{column}", table)
    for table in reversed(_TABLES):
        drop_table(table)


def _make_state() -> None:
    make_table(
        "figure_state",
        _key("id", sa.SmallInteger),
        sa.Column("round", sa.BigInteger, nullable=False),
        sa.Column("edition", sa.SmallInteger, nullable=False),
        sa.Column("timezone", sa.String(64), nullable=False),
        sa.Column("attribution", sa.String(8), nullable=False),
        sa.Column("events_until", sa.BigInteger, nullable=False),
        sa.Column("claims_until", sa.BigInteger, nullable=False),
        sa.Column("swept_at", sa.BigInteger, nullable=False),
        sa.Column("held_until", sa.BigInteger),
        sa.Column("again_from", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_figure_state"),
    )


def _make_people() -> None:
    make_table(
        "figure_people",
        _key("id", sa.BigInteger),
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("person", digest(), nullable=False),
        sa.Column("first_scan_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_figure_people"),
    )
    make_index("ix_figure_people_account_person", "figure_people", ["account", "person"], unique=True)


def _make_scenes() -> None:
    make_table(
        "figure_scenes",
        _key("id", sa.Integer),
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("digest", digest(), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("scene", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_figure_scenes"),
    )
    make_index("ix_figure_scenes_digest", "figure_scenes", ["digest"], unique=True)
    make_index("ix_figure_scenes_account_scene", "figure_scenes", ["account", "scene"])


def _make_facts() -> None:
    make_table(
        "figure_facts",
        _key("who", sa.BigInteger),
        _key("kind", sa.SmallInteger),
        _key("at", sa.BigInteger),
        sa.Column("key", digest(), nullable=False),
        sa.Column("scene", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("who", "kind", "at", "key", name="pk_figure_facts"),
        sqlite_with_rowid=False,
    )
    make_index("ix_figure_facts_key", "figure_facts", ["key"], unique=True)


def _make_visits() -> None:
    make_table(
        "figure_visits",
        _key("edition", sa.SmallInteger),
        _key("who", sa.BigInteger),
        _key("scene", sa.Integer),
        _key("day", sa.Integer),
        sa.PrimaryKeyConstraint("edition", "who", "scene", "day", name="pk_figure_visits"),
        sqlite_with_rowid=False,
    )


def _make_counters(name: str, *parts: sa.Column[int]) -> None:
    key = ["edition", "account", "unit", "scene", *(part.name for part in parts if not part.server_default)]
    make_table(
        name,
        _key("edition", sa.SmallInteger),
        sa.Column("account", sa.String(32), nullable=False),
        _key("unit", sa.Integer),
        _key("scene", sa.Integer),
        *parts,
        sa.PrimaryKeyConstraint(*key, name=f"pk_{name}"),
        sqlite_with_rowid=False,
    )


def _make_wechat_days() -> None:
    make_table(
        "figure_wechat_days",
        sa.Column("account", sa.String(32), nullable=False),
        _key("day", sa.Integer),
        _key("source", sa.Integer),
        sa.Column("followed", sa.Integer, nullable=False),
        sa.Column("unfollowed", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("account", "day", "source", name="pk_figure_wechat_days"),
        sqlite_with_rowid=False,
    )


def _key(name: str, kind: type[sa.types.TypeEngine[int]]) -> sa.Column[int]:
    return sa.Column(name, kind, nullable=False, autoincrement=False)


def _counter(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default="0")
