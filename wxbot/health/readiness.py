"""Whether scans can be answered, and what is not as it should be."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from wxbot.db import migrate
from wxbot.db.fit import Fit
from wxbot.doctor.vitals import Vitals, is_disk_full, read_vitals
from wxbot.errors import ConfigurationError
from wxbot.events.spool import Spool

log = logging.getLogger(__name__)


class State(StrEnum):
    """How one part is, or the whole: degraded still answers scans."""

    READY = "ready"
    DEGRADED = "degraded"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was found about one part; the text holds no secret, no personal data and no path."""

    part: str
    state: State = State.READY
    detail: str = "ok"


@dataclass(frozen=True, kw_only=True)
class Watched:
    """The parts of a bot whose state is told; `stuck` counts the handlers that do not return."""

    engine: Engine
    spool: Spool
    skipped: Sequence[str]
    stuck: Callable[[], int]
    now: Callable[[], datetime]


def findings(watched: Watched) -> list[Finding]:
    """Return what was found about each part; never raises what a database or a disk may do."""
    found = [*_of_spool(watched.spool), *_of_process(watched)]
    is_spooling = found[0].state is not State.UNAVAILABLE
    try:
        fit = migrate.fit(watched.engine)
        vitals = read_vitals(watched.engine) if fit.is_usable else None  # another may lack the tables
    except SQLAlchemyError as error:
        log.error("the database does not answer: %s", type(error).__name__)
        # With it gone scans are answered with the recorded text, as long as the spool takes them.
        state = State.DEGRADED if is_spooling else State.UNAVAILABLE
        return [Finding(part="database", state=state, detail="unreachable"), *found]
    if vitals is None:
        detail = "needs `wxbot db upgrade`" if fit is Fit.OLDER else "too new for this wxbot"
        return [Finding(part="database", state=State.UNAVAILABLE, detail=detail), *found]
    database = _of_database(watched.engine, fit, is_spooling=is_spooling)
    return [database, *_of_vitals(vitals, int(watched.now().timestamp())), *found]


def overall(found: Sequence[Finding]) -> State:
    """Return the state of the whole. A spool that cannot be written only matters with the database gone."""
    states = {each.part: each.state for each in found}
    if states["database"] is State.UNAVAILABLE:
        return State.UNAVAILABLE
    return State.READY if set(states.values()) == {State.READY} else State.DEGRADED


def _of_database(engine: Engine, fit: Fit, *, is_spooling: bool) -> Finding:
    if is_disk_full(engine):
        state = State.DEGRADED if is_spooling else State.UNAVAILABLE
        return Finding(part="database", state=state, detail="the disk is full")
    if fit is Fit.EXACT:
        return Finding(part="database")
    return Finding(
        part="database", state=State.DEGRADED, detail="upgraded by a newer wxbot; upgrade this one"
    )


def _of_spool(spool: Spool) -> Iterator[Finding]:
    try:
        spool.check()
        files, size = spool.size()
        has_space = spool.reserve.helps()
    except (ConfigurationError, OSError):
        yield Finding(part="spool", state=State.UNAVAILABLE, detail="cannot be written")
        return
    if not has_space:
        yield Finding(part="spool", state=State.UNAVAILABLE, detail="the disk is full")
    elif files:
        yield Finding(part="spool", state=State.DEGRADED, detail=f"{size} bytes wait for import")
    else:
        yield Finding(part="spool")


def _of_process(watched: Watched) -> Iterator[Finding]:
    if watched.skipped:
        detail = f"{len(watched.skipped)} left out; `wxbot check` says why"
        yield Finding(part="plugins", state=State.DEGRADED, detail=detail)
    else:
        yield Finding(part="plugins")
    if stuck := watched.stuck():
        yield Finding(part="handlers", state=State.DEGRADED, detail=f"{stuck} do not return")
    else:
        yield Finding(part="handlers")


def _of_vitals(vitals: Vitals, now: int) -> Iterator[Finding]:
    if vitals.has_worker:
        yield Finding(part="worker")
    else:
        seen = "never seen" if vitals.worker_age is None else f"last seen {vitals.worker_age} s ago"
        yield Finding(part="worker", state=State.DEGRADED, detail=f"{seen}; start `wxbot worker`")
    for account, token in sorted(vitals.tokens.items()):
        part = f"access token {account}"
        if token.blocked_until > now:
            detail = f"cannot be fetched; asked again in {token.blocked_until - now} s"
            yield Finding(part=part, state=State.DEGRADED, detail=detail)
        elif token.fetched_at:
            yield Finding(part=part, detail=f"{max(now - token.fetched_at, 0)} s old")
