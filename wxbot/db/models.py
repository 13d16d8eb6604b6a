"""All tables, as a picture of the data: columns and constraints, no behaviour.

Times are whole seconds since 1970 in UTC: eight bytes, the same on every database, compared without a
cast. Tables are keyed by what is looked up on the answer path and have no other index there, because
each one more is paid for at every scan.
"""

from sqlalchemy import BigInteger, Column, Float, Integer, LargeBinary, MetaData, String, Table, Text

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
