"""The outbox: jobs are written in the transaction that causes them, and are the truth about what is to do."""

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from sqlalchemy import Connection

from wxbot.db.models import jobs
from wxbot.db.statements import database_now, insert_first


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job to be done: what (`plugin.function`, or `wxbot.<what>` for our own), with what, for whom.

    `delay_seconds` from now it is due, and `within_seconds` from now it must have begun. `event_key` is the
    event that causes it; `person` whom it is about. `body` is the event's document, for jobs that need all of
    it. The id is made beforehand, so that the engine can be told of it after the commit. One that
    does not count as told is found by the next sweep.
    """

    account: str
    name: str
    arguments: Mapping[str, object] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    event_key: bytes | None = None
    person: bytes | None = None
    delay_seconds: int = 0
    within_seconds: int | None = None
    is_told: bool = True
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))


def derived_id(*parts: bytes) -> bytes:
    """Return an id that is the same for the same cause, so that it is enqueued once however often asked."""
    return sha256(b"".join(len(part).to_bytes(4, "big") + part for part in (b"job", *parts))).digest()[:16]


def enqueue(connection: Connection, wanted: Iterable[Job]) -> list[bytes]:
    """Write jobs in the caller's transaction; return the ids of those that were not there already."""
    return [job.id for job in wanted if _insert(connection, job)]


def note_done(connection: Connection, job: Job, *, name: str) -> bool:
    """Write a job as done, in the caller's transaction; False when it is there already, in whatever state.

    It is a note that its cause was dealt with, and goes when finished jobs are forgotten.
    """
    now = database_now()
    done = {"name": name, "arguments": "{}", "state": "done", "expires_at": None, "finished_at": now}
    return insert_first(connection, jobs, _row(job) | done)


def _insert(connection: Connection, job: Job) -> bool:
    return insert_first(connection, jobs, _row(job))


def _row(job: Job) -> dict[str, object]:
    now = database_now()
    until = None if job.within_seconds is None else now + job.within_seconds
    return {
        "id": job.id,
        "account": job.account,
        "name": job.name,
        "arguments": json.dumps(job.arguments, ensure_ascii=False),
        "body": job.body,
        "event_key": job.event_key,
        "person": job.person,
        "state": "waiting",
        "attempts": 0,
        "run_at": now + job.delay_seconds,
        "expires_at": until,
        # The caller tells the engine after the commit; the sweep does so a while later if nobody did.
        "dispatched_at": None if job.delay_seconds or not job.is_told else now,
        "created_at": now,
    }
