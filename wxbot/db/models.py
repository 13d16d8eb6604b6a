"""The tables, as a picture of the data: columns and constraints, no behaviour.

Times are whole seconds since 1970 in UTC: eight bytes, the same on every database, compared without a
cast. Tables are keyed by what is looked up on the answer path and have no other index there, because
each one more is paid for at every scan.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    text,
)

from wxbot.db import administration, business, figures
from wxbot.db.statements import digest

# Who knows these tables knows those of the other modules, too.
metadata = business.claims.metadata
assert administration.audit.metadata is figures.state.metadata is metadata

# One row: the oldest revision whose programs can use this database. Later ones only add to it, so that
# machines can be upgraded one after the other; a revision that takes something away has to raise it.
compatibility = Table(
    "compatibility",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("oldest", String(8), nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("key", digest(), primary_key=True),
    Column("account", String(32), nullable=False),
    Column("person", digest(), nullable=False),  # digest of the openid, see wxbot/followers.py
    Column("kind", String(64), nullable=False),  # the event's name in lower case, or its message type
    Column("scene", String(255)),
    Column("created_at", BigInteger, nullable=False),  # WeChat's CreateTime
    Column("recorded_at", BigInteger, nullable=False),
    Column("state", String(8), nullable=False),  # running, late, done
    Column("run", digest(), nullable=False),
    Column("lease_until", BigInteger),  # by the database's clock; empty when done
    Column("outcome", String(16)),
    Column("handler", String(128)),
    Column("detail", String(255)),
    Column("seconds", Float),
    Column("reply", Text, nullable=False),  # as data, not XML: it is addressed and sealed anew each time
    Column("body", LargeBinary),  # only while a run may still need it, or to look into a malformed event
    # Of the service messages that the event allows (wxbot/events/windows.py).
    Column("messages_sent", SmallInteger, nullable=False, server_default="0"),
    # What is new: for what is counted, listed and followed. It grows at its end only.
    Index("ix_events_recorded_at", "recorded_at"),
    # Few events have a lease at a time; where the database can, the index holds only these. That PostgreSQL
    # can is said by the migration alone: said here, it would load PostgreSQL's dialect, 2 MB a process.
    Index("ix_events_lease_until", "lease_until", sqlite_where=text("lease_until IS NOT NULL")),
    # To find a person's documents when they leave: again few events have one.
    Index("ix_events_documents", "person", sqlite_where=text("body IS NOT NULL")),
    sqlite_with_rowid=False,
)

signatures = Table(
    "signatures",
    metadata,
    Column("account", String(32), primary_key=True),
    Column("digest", digest(), primary_key=True),
    Column("event_key", digest(), nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

followers = Table(
    "followers",
    metadata,
    Column("account", String(32), primary_key=True),
    Column("person", digest(), primary_key=True),
    Column("openid", String(64)),  # empty after an unfollow
    Column("first_seen_at", BigInteger, nullable=False),
    Column("followed_at", BigInteger),  # empty: followed before wxbot was there
    Column("unfollowed_at", BigInteger),
    Column("follows", Integer, nullable=False),
    Column("first_scene", String(255)),
    Column("last_scene", String(255)),
    Column("last_scanned_at", BigInteger),  # to the minute, for scans of the same code
    # Messages that came too late to be sent and wait for the next contact (jobs in the state `kept`).
    Column("kept_messages", Integer, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)

# The outbox: a job is written in the transaction that causes it. What executes it may lose it; this may not.
jobs = Table(
    "jobs",
    metadata,
    Column("id", digest(), primary_key=True),
    Column("account", String(32), nullable=False),
    Column("name", String(128), nullable=False),  # plugin.function, or wxbot.<what> for our own
    Column("arguments", Text, nullable=False),  # JSON
    Column("body", LargeBinary),  # the event's own document, for jobs that need all of it; only until done
    Column("event_key", digest()),  # the event that caused it
    Column("person", digest()),  # whom it is about, for messages
    Column("state", String(8), nullable=False),  # waiting, running, kept, done, dead, unknown
    Column("attempts", Integer, nullable=False),
    Column("run_at", BigInteger, nullable=False),  # all four by the database's clock
    Column("expires_at", BigInteger),  # not begun after that
    Column("dispatched_at", BigInteger),  # handed to the engine, or put off; again after a while
    Column("lease_until", BigInteger),
    Column("lease_by", digest()),
    Column("created_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("detail", String(255)),  # why it failed last; no personal data
    Index("ix_jobs_state", "state", "run_at"),
    Index("ix_jobs_person", "person"),
    Index("ix_jobs_event_key", "event_key"),
)

# Which workers there are: a line for each, renewed while it lives.
heartbeats = Table(
    "heartbeats",
    metadata,
    Column("id", digest(), primary_key=True),
    Column("kind", String(16), nullable=False),  # worker
    Column("host", String(64), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)

# Periodic work: who moves `next_at` on does it, so that several workers do it once.
schedules = Table(
    "schedules",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("next_at", BigInteger, nullable=False),
)

# Where WeChat calls from, as it last said (wxbot/callback/callers.py).
callers = Table(
    "callers",
    metadata,
    Column("account", String(32), primary_key=True),
    Column("networks", Text, nullable=False),  # JSON
    Column("fetched_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

access_tokens = Table(
    "access_tokens",
    metadata,
    Column("account", String(32), primary_key=True),
    Column("token", LargeBinary),  # sealed with a key made from secret_key; empty: none yet
    Column("expires_at", BigInteger, nullable=False),
    Column("fetched_at", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False),  # who holds the lease fetches, everybody else waits
    Column("lease_by", digest()),
    Column("renewed_at", BigInteger, nullable=False),  # when we last tried to replace a refused token
    Column("forced_at", BigInteger, nullable=False),  # when WeChat was last told to end the stable token
    Column("forces", Integer, nullable=False),  # how often on that day
    Column("failures", Integer, nullable=False),
    Column("blocked_until", BigInteger, nullable=False),  # the breaker: no call before
    Column("blocked_because", String(255)),
)

qrcodes = Table(
    "qrcodes",
    metadata,
    Column("account", String(32), primary_key=True),
    Column("scene", String(64), primary_key=True),
    Column("is_permanent", Boolean, primary_key=True),
    Column("is_integer", Boolean, nullable=False),
    Column("ticket", String(512), nullable=False),
    Column("url", String(255), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),  # empty: permanent
    Index("ix_qrcodes_created_at", "created_at"),
)

# Every call that mints is written down before it is made: one that never came back may have minted.
mintings = Table(
    "mintings",
    metadata,
    Column("id", digest(), primary_key=True),
    Column("account", String(32), nullable=False),
    Column("scene", String(64), nullable=False),
    Column("is_permanent", Boolean, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("outcome", String(16), nullable=False),  # asked, minted, refused, unknown
    Column("claim", digest()),  # digest of account and scene while asked: one call at a time for each
    Column("detail", String(255)),
    Index("ix_mintings_outcome", "outcome", "started_at"),
    Index("ix_mintings_claim", "claim", unique=True),
)

permanent_numbers = Table(
    "permanent_numbers",
    metadata,
    Column("account", String(32), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("state", String(16), nullable=False),  # taken, quarantined
    Column("owner", String(128), nullable=False),
    Column("purpose", String(255), nullable=False),
    Column("taken_at", BigInteger, nullable=False),
    Column("free_at", BigInteger),  # the end of the quarantine
    Index("ix_permanent_numbers_state", "account", "state", "free_at"),
)

# What a number meant before: old prints of it are still out there.
number_history = Table(
    "number_history",
    metadata,
    Column("id", digest(), primary_key=True),
    Column("account", String(32), nullable=False),
    Column("number", Integer, nullable=False),
    Column("owner", String(128), nullable=False),
    Column("purpose", String(255), nullable=False),
    Column("taken_at", BigInteger, nullable=False),
    Column("released_at", BigInteger, nullable=False),
    Index("ix_number_history_number", "account", "number"),
)

living_codes = Table(
    "living_codes",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("account", String(32), nullable=False),
    Column("scene", String(64), nullable=False),
    Column("is_integer", Boolean, nullable=False),
    Column("lifetime_seconds", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

batches = Table(
    "batches",
    metadata,
    Column("id", digest(), primary_key=True),  # digest of its lines, and of the file if it takes numbers
    Column("account", String(32), nullable=False),
    Column("file_name", String(255), nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
)

batch_lines = Table(
    "batch_lines",
    metadata,
    Column("batch", digest(), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("scene", String(64), nullable=False),
    Column("is_integer", Boolean, nullable=False),
    Column("is_permanent", Boolean, nullable=False),
    Column("caption", String(255), nullable=False),
    Column("is_done", Boolean, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(16), primary_key=True),  # the key's public part
    Column("name", String(64), nullable=False),
    Column("digest", digest(32), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("scopes", Text),  # JSON: a list of what it may do; empty: everything
    Column("accounts", Text),  # JSON: a list of the accounts it may see; empty: all
)
