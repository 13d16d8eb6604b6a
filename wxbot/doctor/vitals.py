"""What the database says about the state of a deployment, read at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, func, select

from wxbot.db.models import access_tokens, heartbeats, jobs
from wxbot.db.statements import database_now
from wxbot.events.reserve import has_room

# A worker gives a sign of life every two seconds.
WORKER_SECONDS = 15
# A worker begins a job within a second, or after what came before it.
_LATE_SECONDS = 300
# Done jobs are not counted: there may be millions of them.
_OPEN_STATES = ("waiting", "running", "kept", "dead", "unknown")


@dataclass(frozen=True, kw_only=True)
class TokenVitals:
    """An account's access token; times are seconds since 1970 by the bot's clock, 0 for never."""

    fetched_at: int
    expires_at: int
    renewed_at: int
    blocked_until: int
    blocked_because: str


@dataclass(frozen=True, kw_only=True)
class Vitals:
    """One look at the database.

    `now` is the database's clock; `worker_age` the seconds since the last sign of life of any worker, None if
    there never was one; `hosts` the machines of all processes that gave one lately; `late` the names of jobs
    that were due minutes ago and that nobody has begun, with how many there are.
    """

    now: int
    worker_age: int | None
    hosts: frozenset[str]
    jobs: Mapping[str, int]
    late: Mapping[str, int]
    tokens: Mapping[str, TokenVitals]

    @property
    def has_worker(self) -> bool:
        """Whether a worker is at work."""
        return self.worker_age is not None and self.worker_age <= WORKER_SECONDS


def read_vitals(engine: Engine) -> Vitals:
    """Return what the database says now; raises SQLAlchemyError when it says nothing."""
    with engine.connect() as connection:
        now = int(connection.scalar(select(database_now())) or 0)
        seen = connection.execute(
            select(heartbeats.c.kind, heartbeats.c.host, func.max(heartbeats.c.seen_at)).group_by(
                heartbeats.c.kind, heartbeats.c.host
            )
        ).all()
        counted = connection.execute(
            select(jobs.c.state, func.count().label("jobs"))
            .where(jobs.c.state.in_(_OPEN_STATES))
            .group_by(jobs.c.state)
        ).all()
        late = connection.execute(
            select(jobs.c.name, func.count().label("jobs"))
            .where(jobs.c.state == "waiting", jobs.c.run_at < now - _LATE_SECONDS, jobs.c.attempts == 0)
            .group_by(jobs.c.name)
        ).all()
        tokens = _tokens(connection)
    ages = [max(now - at, 0) for kind, _, at in seen if kind == "worker"]
    return Vitals(
        now=now,
        worker_age=min(ages, default=None),
        hosts=frozenset(host for _, host, at in seen if now - at <= WORKER_SECONDS),
        jobs=dict.fromkeys(_OPEN_STATES, 0) | {str(row.state): int(row.jobs) for row in counted},
        late={str(row.name): int(row.jobs) for row in late},
        tokens=tokens,
    )


def is_disk_full(engine: Engine) -> bool:
    """Tell whether the disk of an SQLite file is full: the file can be read all the same."""
    file = engine.url.database if engine.dialect.name == "sqlite" else None
    return bool(file) and not has_room(Path(str(file)).absolute().parent)


def _tokens(connection: Connection) -> dict[str, TokenVitals]:
    rows = connection.execute(
        select(
            access_tokens.c.account,
            access_tokens.c.fetched_at,
            access_tokens.c.expires_at,
            access_tokens.c.renewed_at,
            access_tokens.c.blocked_until,
            access_tokens.c.blocked_because,
        )
    ).mappings()
    return {
        row["account"]: TokenVitals(
            fetched_at=row["fetched_at"],
            expires_at=row["expires_at"],
            renewed_at=row["renewed_at"],
            blocked_until=row["blocked_until"],
            blocked_because=row["blocked_because"] or "",
        )
        for row in rows
    }
