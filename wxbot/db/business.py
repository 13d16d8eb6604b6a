"""The tables of what the bot is for; times as in wxbot/db/models.py."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from wxbot.db.metadata import metadata
from wxbot.db.statements import digest

# Something that one person may claim by scanning a code, once: an order, the link to an account, a login.
claims = Table(
    "claims",
    metadata,
    Column("id", digest(), primary_key=True),
    Column("account", String(32), nullable=False),
    Column("purpose", String(16), nullable=False),  # order, link, login, or one of a plugin's own
    Column("subject", String(128), nullable=False),  # the order's number, the site's user, a browser
    Column("scene", String(64), nullable=False),
    Column("state", String(12), nullable=False),  # open, claimed, confirmed, cancelled, released, expired
    Column("is_exclusive", Boolean, nullable=False),  # the subject has one holder at a time
    Column("person", digest()),
    Column("openid", String(64)),  # empty when the person is to be forgotten
    # Digest of account, purpose and subject while an exclusive one is claimed: there can only be one.
    Column("held", digest()),
    Column("data", Text, nullable=False),  # JSON that the site or the kit attached
    Column("made_by", String(32), nullable=False),  # an API key's id, or a plugin
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("claimed_at", BigInteger),
    Column("ended_at", BigInteger),
    Index("ix_claims_account_scene", "account", "scene", unique=True),
    Index("ix_claims_held", "held", unique=True),
    Index("ix_claims_account_purpose_subject", "account", "purpose", "subject"),
    Index("ix_claims_account_person", "account", "person"),
    Index("ix_claims_created_at", "created_at"),
    Index("ix_claims_claimed_at", "claimed_at"),
    Index("ix_claims_state_expires_at", "state", "expires_at"),
)

# What happened to claims, for those who ask later.
claim_steps = Table(
    "claim_steps",
    metadata,
    Column("claim", digest(), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("step", String(24), nullable=False),
    Column("person", digest()),
    Column("detail", String(255)),
)

# Who is whom: a follower and a user of the deployer's site.
bindings = Table(
    "bindings",
    metadata,
    Column("id", digest(), primary_key=True),
    Column("account", String(32), nullable=False),
    Column("site_user", String(128), nullable=False),
    Column("person", digest(), nullable=False),
    Column("openid", String(64)),  # empty when it has ended
    Column("claim", digest()),
    Column("bound_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("ended_by", String(16)),  # site, person, unfollow, rebind
    # Digests while it lasts, where the policy allows one only.
    Column("held_user", digest()),
    Column("held_person", digest()),
    Index("ix_bindings_held_user", "held_user", unique=True),
    Index("ix_bindings_held_person", "held_person", unique=True),
    Index("ix_bindings_account_site_user", "account", "site_user"),
    Index("ix_bindings_account_person", "account", "person"),
    Index("ix_bindings_bound_at", "bound_at"),
)

# A named place where a code hangs: what it says, whose it is, and when it answers.
channels = Table(
    "channels",
    metadata,
    Column("account", String(32), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("scene", String(64), nullable=False),
    Column("title", String(64), nullable=False),
    Column("owner", String(64)),
    Column("promoter", String(64)),  # the name of one
    Column("group_name", String(64)),
    Column("replies", Text, nullable=False),  # JSON: one for people who are new, one for all others
    Column("tag", String(30)),  # WeChat's, put on whoever scans
    Column("starts_at", BigInteger),
    Column("ends_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("archived_at", BigInteger),
    Index("ix_channels_account_scene", "account", "scene", unique=True),
    Index("ix_channels_account_promoter", "account", "promoter"),
)

promoters = Table(
    "promoters",
    metadata,
    Column("account", String(32), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("title", String(64), nullable=False),
    Column("target", Integer),  # new followers that they are to win
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("archived_at", BigInteger),
)

# Who came through which channel; written after the answer, by the job that hears of a scan.
channel_people = Table(
    "channel_people",
    metadata,
    Column("account", String(32), primary_key=True),
    Column("channel", String(64), primary_key=True),
    Column("person", digest(), primary_key=True),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("scans", Integer, nullable=False),
    Column("is_new", Boolean, nullable=False),  # followed for the first time with a scan of it
    Index("ix_channel_people_account_person", "account", "person"),
)

# The tags that we put on people, and the numbers under which WeChat knows them.
follower_tags = Table(
    "follower_tags",
    metadata,
    Column("account", String(32), primary_key=True),
    Column("person", digest(), primary_key=True),
    Column("tag", String(30), primary_key=True),
    Column("tagged_at", BigInteger, nullable=False),
)

wechat_tags = Table(
    "wechat_tags",
    metadata,
    Column("account", String(32), primary_key=True),
    Column("name", String(30), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("fetched_at", BigInteger, nullable=False),
)

# Where the site wants to be told, and of what.
webhooks = Table(
    "webhooks",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("account", String(32)),  # empty: of all accounts
    Column("url", String(1024), nullable=False),
    Column("kinds", Text, nullable=False),  # JSON: a list of what it is told of
    Column("secret", LargeBinary, nullable=False),  # sealed with a key made from secret_key
    Column("old_secret", LargeBinary),  # signs as well until the site has the new one
    Column("old_until", BigInteger),
    Column("description", String(64), nullable=False),
    Column("made_by", String(32), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
    Column("disabled_because", String(255)),
)

# One message to one webhook; written with what it tells of.
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", digest(), primary_key=True),  # the message's id, the same at every attempt
    Column("webhook", String(16), nullable=False),
    Column("account", String(32), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("person", digest()),
    Column("body", Text, nullable=False),
    Column("state", String(10), nullable=False),  # waiting, delivered, dead
    Column("attempts", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Index("ix_webhook_deliveries_state", "webhook", "state", "created_at"),
    Index("ix_webhook_deliveries_created_at", "created_at"),
    Index("ix_webhook_deliveries_person", "person"),
)

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    Column("delivery", digest(), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("status", Integer),  # empty: no answer
    Column("detail", String(255)),
)

# Requests to the API that carried a key of their own: what was answered, so that a repeat does nothing.
idempotent_requests = Table(
    "idempotent_requests",
    metadata,
    Column("api_key", String(16), primary_key=True),
    Column("key", digest(), primary_key=True),
    Column("request", digest(32), nullable=False),
    Column("status", Integer),  # empty while the first is being answered
    Column("body", LargeBinary),
    Column("created_at", BigInteger, nullable=False),
    Index("ix_idempotent_requests_created_at", "created_at"),
)
