"""Forgetting one person at an operator's word, and the export of what is stored about one."""

import json
import re
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, func, select

from wxbot.analytics import forgetting as figures
from wxbot.db import sqlite
from wxbot.db.business import bindings, claims
from wxbot.db.figures import people as figure_people
from wxbot.db.models import events, followers, metadata
from wxbot.db.patience import patiently
from wxbot.errors import WxbotError
from wxbot.events.rows import State
from wxbot.events.spooled import from_line
from wxbot.people.erasing import Write, take_out
from wxbot.people.places import PLACES, Who, about, naming, of_account, stored

SHORTEST_DIGEST = 8
_PAUSE_SECONDS = 0.5
_DIGEST = re.compile(rf"[0-9a-f]{{{SHORTEST_DIGEST},32}}")
# An openid has 28 characters and begins with an o; nothing of a digest does.
_OPENID = re.compile(r"[A-Za-z0-9_-]{1,64}")

Told = Callable[[str], None]


class NobodyError(WxbotError):
    """No person, or more than one, is meant by what was given."""


@dataclass(frozen=True, kw_only=True)
class Forgotten:
    """What was taken away, and what still names the person: rows by table, and by table and column."""

    removed: Mapping[str, int]
    left: Mapping[str, int]


def find_who(engine: Engine, account: str, given: str) -> Who:
    """Return the person that an openid, or a digest's first eight digits or more, stands for.

    Raises NobodyError, whose text does not repeat an openid.
    """
    text = given.strip()
    if _DIGEST.fullmatch(text):
        return _by_digest(engine, account, text)
    if not _OPENID.fullmatch(text):
        raise NobodyError("that is neither an openid nor the digest of a person")
    return of_account(account, text)


def export(engine: Engine, who: Who, *, told: Told = lambda table: None) -> dict[str, list[dict[str, Any]]]:
    """Return all that is stored about a person, by table; times in UTC, bytes as hexadecimal digits."""
    found = {}
    for place in PLACES:
        told(place.table.name)
        with engine.connect() as connection:
            rows = stored(connection, place, who)
        if rows:
            found[place.table.name] = [_shown(row) for row in rows]
    return found


def count(engine: Engine, who: Who, *, told: Told = lambda table: None) -> dict[str, int]:
    """Return how many rows of each table are about a person."""
    counts = {}
    for place in PLACES:
        told(place.table.name)
        query = select(func.count()).select_from(place.table).where(about(place, who))
        with engine.connect() as connection:
            counts[place.table.name] = connection.execute(query).scalar_one()
    return {name: number for name, number in counts.items() if number}


def forget(
    engine: Engine, who: Who, *, wait_seconds: float = 15.0, told: Told = lambda table: None
) -> Forgotten:
    """Delete what is stored about a person, or take them out of it, and look whether anything is left.

    Waits a while for runs and jobs of theirs that are under way. What they do afterwards is recorded again.
    """
    _wait_for_runs(engine, who, wait_seconds)
    pseudonym = secrets.token_bytes(16)

    def write(work: Callable[[Connection], int]) -> int:
        return patiently(engine, work)

    removed: Counter[str] = Counter()
    swap = partial(figures.forget, account=who.account, person=who.person, pseudonym=pseudonym)
    for place in PLACES:
        told(place.table.name)
        with engine.connect() as connection:
            rows = stored(connection, place, who)
        if place.table is figure_people:
            # Not row by row: at this moment somebody may be counting them.
            removed[figure_people.name] += write(swap)
        elif place.table is events:
            both = _Both(write, swap)
            # What is not counted yet is among the newest, and must be counted as the same person's.
            rows.sort(key=lambda row: row["recorded_at"], reverse=True)
            removed[events.name] = take_out(both, place, rows, who, pseudonym=pseudonym)
            removed[figure_people.name] += both.swapped
        else:
            removed[place.table.name] = take_out(write, place, rows, who, pseudonym=pseudonym)
    _empty_log(engine)
    return Forgotten(
        removed={name: number for name, number in removed.items() if number}, left=leftovers(engine, who)
    )


def leftovers(engine: Engine, who: Who) -> dict[str, int]:
    """Return in how many rows each column of any table still names a person, as `table.column`."""
    left = {}
    for table in metadata.sorted_tables:
        with engine.connect() as connection:
            named = naming(connection, who, table)
        left.update({f"{table.name}.{column}": number for column, number in named.items()})
    return left


def spooled(folder: Path, who: Who) -> dict[str, int]:
    """Return how many events of a person the files of the spool hold, by name: they are not on record yet."""
    counts = {}
    for file in sorted(folder.glob("*.jsonl")) if who.openid else []:
        with file.open("rb") as lines:
            entries = (from_line(line) for line in lines)
            name = (who.openid or "").encode()
            counts[str(file)] = sum(entry is not None and name in entry.body for entry in entries)
    return {file: number for file, number in counts.items() if number}


class _Both:
    """Changes events and the number in the figures together: nobody counts for one without the other."""

    def __init__(self, write: Write, swap: Callable[[Connection], int]) -> None:
        self.swapped = 0
        self._write = write
        self._swap = swap

    def __call__(self, work: Callable[[Connection], int]) -> int:
        swapped = 0

        def both(connection: Connection) -> int:
            nonlocal swapped
            swapped = self._swap(connection)
            return work(connection)

        done = self._write(both)
        self.swapped += swapped
        return done


def _wait_for_runs(engine: Engine, who: Who, seconds: float) -> None:
    under_way = select(events.c.key).where(
        events.c.person == who.person, events.c.body.is_not(None), events.c.state != State.DONE
    )
    give_up_at = time.monotonic() + seconds
    while time.monotonic() < give_up_at:
        with engine.connect() as connection:
            if connection.execute(under_way.limit(1)).first() is None:
                return
        time.sleep(_PAUSE_SECONDS)


def _empty_log(engine: Engine) -> None:
    """Let SQLite's log end, in which the pages stand as they were before; not while others read from it."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            sqlite.guarded(connection).empty_log()


def _by_digest(engine: Engine, account: str, digits: str) -> Who:
    low, high = bytes.fromhex(digits.ljust(32, "0")), bytes.fromhex(digits.ljust(32, "f"))
    people: dict[bytes, str | None] = {low: None} if low == high else {}
    with engine.connect() as connection:
        for table in (followers, bindings, claims):
            query = select(table.c.person, table.c.openid).where(
                table.c.account == account, table.c.person.between(low, high)
            )
            for row in connection.execute(query.limit(100)):
                people[row.person] = people.get(row.person) or row.openid
        if not people:  # who is known by events alone; no index leads there
            mine = events.c.account == account, events.c.person.between(low, high)
            found = connection.execute(select(events.c.person).where(*mine).distinct().limit(2))
            people = dict.fromkeys(found.scalars())
    if len(people) != 1:
        what = "nobody" if not people else "more than one person"
        raise NobodyError(f"{digits} is {what} of the account {account}; give more digits, or the openid")
    [(person, openid)] = people.items()
    return Who(account=account, person=person, openid=openid)


def _shown(row: RowMapping) -> dict[str, Any]:
    return {name: _value(name, value) for name, value in row.items() if value is not None}


def _value(name: str, value: object) -> object:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace") if name == "body" else value.hex()
    if isinstance(value, int) and name.endswith(("_at", "_until")):
        return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, str) and name in ("reply", "arguments", "data", "body"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
