"""All tables, as a picture of the data: columns and constraints, no behaviour.

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
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

events = Table(
    "events",
    metadata,
    Column("key", LargeBinary(16), primary_key=True),
    Column("account", String(32), nullable=False),
    Column("person", LargeBinary(16), nullable=False),  # digest of the openid, see wxbot/followers.py
    Column("kind", String(64), nullable=False),  # the event's name in lower case, or its message type
    Column("scene", String(255)),
    Column("created_at", BigInteger, nullable=False),  # WeChat's CreateTime
    Column("recorded_at", BigInteger, nullable=False),
    Column("state", String(8), nullable=False),  # running, late, done
    Column("run", LargeBinary(16), nullable=False),
    Column("lease_until", BigInteger),  # by the database's clock; empty when done
    Column("outcome", String(16)),
    Column("handler", String(128)),
    Column("detail", String(255)),
    Column("seconds", Float),
    Column("reply", Text, nullable=False),  # as data, not XML: it is addressed and sealed anew each time
    Column("body", LargeBinary),  # only while a run may still need it, or to look into a malformed event
    sqlite_with_rowid=False,
)

signatures = Table(
    "signatures",
    metadata,
    Column("account", String(32), primary_key=True),
    Column("digest", LargeBinary(16), primary_key=True),
    Column("event_key", LargeBinary(16), nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

followers = Table(
    "followers",
    metadata,
    Column("account", String(32), primary_key=True),
    Column("person", LargeBinary(16), primary_key=True),
    Column("openid", String(64)),  # empty after an unfollow
    Column("first_seen_at", BigInteger, nullable=False),
    Column("followed_at", BigInteger),  # empty: followed before wxbot was there
    Column("unfollowed_at", BigInteger),
    Column("follows", Integer, nullable=False),
    Column("first_scene", String(255)),
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
    Column("lease_by", LargeBinary(16)),
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
    Column("id", LargeBinary(16), primary_key=True),
    Column("account", String(32), nullable=False),
    Column("scene", String(64), nullable=False),
    Column("is_permanent", Boolean, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("outcome", String(16), nullable=False),  # asked, minted, refused, unknown
    Column("detail", String(255)),
    Index("ix_mintings_outcome", "outcome", "started_at"),
)

permanent_numbers = Table(
    "permanent_numbers",
    metadata,
    Column("account", String(32), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("state", String(16), nullable=False),  # taken, quarantined
    Column("owner", String(64), nullable=False),
    Column("purpose", String(255), nullable=False),
    Column("taken_at", BigInteger, nullable=False),
    Column("free_at", BigInteger),  # the end of the quarantine
)

# What a number meant before: old prints of it are still out there.
number_history = Table(
    "number_history",
    metadata,
    Column("id", LargeBinary(16), primary_key=True),
    Column("account", String(32), nullable=False),
    Column("number", Integer, nullable=False),
    Column("owner", String(64), nullable=False),
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
    Column("id", LargeBinary(16), primary_key=True),  # digest of the file, so that the same file resumes
    Column("account", String(32), nullable=False),
    Column("file_name", String(255), nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
)

batch_lines = Table(
    "batch_lines",
    metadata,
    Column("batch", LargeBinary(16), primary_key=True),
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
    Column("digest", LargeBinary(32), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
    Column("revoked_at", BigInteger),
)
