"""The tables of figures: facts that last, and counters that are made from them; times as in models.py.

Days are ordinals of the proleptic calendar, as of `date.toordinal`. A `unit` is a day, or a block of 8 or 64
days: its level (0, 1, 2) times a million, and the first day (wxbot/analytics/units.py). People and scenes are
numbers here, so that rows are small and a person is taken out of all of them by a change of one row.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, String, Table

from wxbot.db.metadata import metadata
from wxbot.db.statements import digest

# One row: how far events were read, and by which definitions the counters of which edition were made.
state = Table(
    "figure_state",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("round", BigInteger, nullable=False),  # raised by everybody who writes: whoever read before loses
    Column("edition", SmallInteger, nullable=False),
    Column("timezone", String(64), nullable=False),
    Column("attribution", String(8), nullable=False),
    Column("events_until", BigInteger, nullable=False),  # recorded_at of the latest that was read
    Column("claims_until", BigInteger, nullable=False),
    Column("swept_at", BigInteger, nullable=False),  # when the last day was last read again
    Column("held_until", BigInteger),  # while counters are made anew nobody counts; by the database's clock
    Column("again_from", BigInteger),  # something older was recorded only now: to be read from there
)

# Who is meant by a number. To forget somebody is to put another digest here.
people = Table(
    "figure_people",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("account", String(32), nullable=False),
    Column("person", digest(), nullable=False),
    Column("first_scan_at", BigInteger),  # of scans as a follower: the person followed before
    Index("ix_figure_people_account_person", "account", "person", unique=True),
)

scenes = Table(
    "figure_scenes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("account", String(32), nullable=False),
    Column("digest", digest(), nullable=False),  # of account, kind and scene: exact on every database
    # scene, all (scenes and none together), none (no code), group, promoter (the lines of channels)
    Column("kind", String(8), nullable=False),
    Column("scene", String(255), nullable=False),
    # The lines to which this scene's counters are added as well: those of its channel.
    Column("in_group", Integer),
    Column("in_promoter", Integer),
    Index("ix_figure_scenes_digest", "digest", unique=True),
    Index("ix_figure_scenes_account_scene", "account", "scene"),
)

# What happened, once for each event or claim, however often it is read.
facts = Table(
    "figure_facts",
    metadata,
    Column("who", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),  # 1 follow 2 unfollow 3 claim 4 scan
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("key", digest(), primary_key=True),
    Column("scene", Integer, nullable=False),
    Index("ix_figure_facts_key", "key", unique=True),
    sqlite_with_rowid=False,
)

# On which days a person scanned which code.
visits = Table(
    "figure_visits",
    metadata,
    Column("edition", SmallInteger, primary_key=True, autoincrement=False),
    Column("who", BigInteger, primary_key=True, autoincrement=False),
    Column("scene", Integer, primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)


def _keyed(name: str, *parts: Column[int]) -> Table:
    """Return a table of counters: those of one unit stand together, for the boards."""
    return Table(
        name,
        metadata,
        Column("edition", SmallInteger, primary_key=True, autoincrement=False),
        Column("account", String(32), primary_key=True),
        Column("unit", Integer, primary_key=True, autoincrement=False),
        Column("scene", Integer, primary_key=True, autoincrement=False),
        *parts,
        sqlite_with_rowid=False,
    )


def _counter(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default="0")


counts = _keyed(
    "figure_counts",
    # On the day of what happened.
    _counter("scans"),
    _counter("new"),
    _counter("refollows"),
    _counter("unfollows"),
    _counter("lost"),
    _counter("claims"),
    # On the day on which the person was new.
    _counter("gone"),
    _counter("kept_1"),
    _counter("kept_7"),
    _counter("kept_30"),
    _counter("converted"),
    _counter("quick"),
    _counter("turning"),
)

# Scans by the hour: of a day, or of all days of one weekday in a block of 64 days.
hours = _keyed("figure_hours", *(_counter(f"h{hour}") for hour in range(24)))

# Whom a code saw in the unit, by when it had seen them last before: so people are counted once in any period.
returns = _keyed(
    "figure_returns",
    Column("previous", Integer, primary_key=True, autoincrement=False),  # day; 0: never before
    _counter("people"),
)

# How long those stayed who were new in the unit and left.
stays = _keyed(
    "figure_stays",
    Column("step", SmallInteger, primary_key=True, autoincrement=False),
    _counter("people"),
)

# New follows in ten minutes of a day.
bursts = _keyed(
    "figure_bursts",
    Column("slot", SmallInteger, primary_key=True, autoincrement=False),
    _counter("new"),
)
Index("ix_figure_bursts_new", bursts.c.edition, bursts.c.account, bursts.c.unit, bursts.c.new)

# What WeChat itself counts, by day and by how people came.
wechat_days = Table(
    "figure_wechat_days",
    metadata,
    Column("account", String(32), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("source", Integer, primary_key=True, autoincrement=False),
    Column("followed", Integer, nullable=False),
    Column("unfollowed", Integer, nullable=False),
    sqlite_with_rowid=False,
)
