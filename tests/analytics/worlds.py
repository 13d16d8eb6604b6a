"""Histories for tests: events and claims put into the tables as the bot does, and kept aside."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Engine, delete, insert, update

from tests.analytics.oracle import RANK, Happening
from wxbot.analytics.forgetting import forget
from wxbot.db.business import bindings, channels, claims
from wxbot.db.figures import state
from wxbot.db.models import events

ACCOUNT = "default"
# Midnight in China before Monday, 5 January 2026.
START = int(datetime(2026, 1, 4, 16, tzinfo=UTC).timestamp())
DAY = 86_400
LINKS = ("link", "offered")
# When all of it is heard of.
NOW = datetime(2026, 4, 1, 4, tzinfo=UTC)


class World:
    """Puts what happens into the database, and remembers it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.happened: list[Happening] = []
        # The scenes of the channels that each group and promoter has now.
        self.teams: dict[tuple[str, str], set[str | None]] = {}
        self._names: dict[str, str] = {}
        self._number = 0

    def happen(
        self, kind: str, name: str, at: int, scene: str | None = None, *, recorded_at: int | None = None
    ) -> bytes:
        """Let a person follow, unfollow, scan, claim or link at a time; recorded now, or at a time.

        A link is a claim as soon as the person confirms it; who was only `offered` one has claimed nothing.
        """
        self._number += 1
        key = sha256(f"{self._number}".encode()).digest()[:16]
        person = self._names.get(name, name)
        what = "claim" if kind in LINKS else kind
        happening = Happening(at, RANK[what], key, what, person, scene)
        if kind != "offered":
            self.happened.append(happening)
        row = self._claim(happening, kind) if what == "claim" else self._event(happening, recorded_at)
        with self.engine.begin() as connection:
            connection.execute(insert(claims if what == "claim" else events).values(row))
            if kind == "link":
                connection.execute(insert(bindings).values(self._binding(happening)))
            # Claims are made now; those of a history lie in the past.
            connection.execute(update(state).values(claims_until=0))
        return key

    def forget(self, name: str) -> bytes:
        """Call a person something else from now on, everywhere; returns the digest they had."""
        before = self._names.get(name, name)
        self._number += 1
        self._names[name] = f"{name} {self._number}"
        after = f"forgotten {self._number}"
        self.happened = [
            Happening(each.at, each.rank, each.key, each.kind, after, each.scene)
            if each.person == before
            else each
            for each in self.happened
        ]
        with self.engine.begin() as connection:
            theirs = update(events).where(events.c.person == digest(before))
            connection.execute(theirs.values(person=digest(after)))
            connection.execute(update(claims).where(claims.c.person == digest(before)).values(person=None))
            connection.execute(delete(bindings).where(bindings.c.person == digest(before)))
        with self.engine.begin() as connection:
            forget(connection, ACCOUNT, digest(before), pseudonym=digest(after))
        return digest(before)

    def channel(self, name: str, scene: str, **details: Any) -> None:
        """Make a channel."""
        row = {"account": ACCOUNT, "name": name, "scene": scene, "title": name.title(), "replies": "{}"}
        with self.engine.begin() as connection:
            connection.execute(
                insert(channels).values({**row, "created_at": START, "changed_at": START, **details})
            )

    def give(self, name: str, scene: str, *, group: str | None, promoter: str | None) -> None:
        """Let a channel be those of a group and a promoter, and of no others, from now on."""
        mine = update(channels).where(channels.c.name == name)
        with self.engine.begin() as connection:
            connection.execute(mine.values(group_name=group, promoter=promoter))
        for theirs in self.teams.values():
            theirs.discard(scene)
        for team in (("group", group), ("promoter", promoter)):
            if team[1] is not None:
                self.teams.setdefault((team[0], team[1]), set()).add(scene)

    def _event(self, happening: Happening, recorded_at: int | None) -> dict[str, Any]:
        return {
            "key": happening.key,
            "account": ACCOUNT,
            "person": digest(happening.person),
            "kind": happening.kind,
            "scene": happening.scene,
            "created_at": happening.at,
            "recorded_at": int(NOW.timestamp()) if recorded_at is None else recorded_at,
            "state": "done",
            "run": happening.key,
            "reply": "{}",
        }

    def _claim(self, happening: Happening, kind: str) -> dict[str, Any]:
        purpose, ago = ("link", 5 * DAY) if kind in LINKS else ("order", 0)
        return {
            "id": happening.key,
            "account": ACCOUNT,
            "purpose": purpose,
            "subject": happening.key.hex(),
            "scene": f"{purpose}:{happening.key.hex()}",
            "state": "confirmed" if kind == "link" else "claimed",
            "is_exclusive": False,
            "person": digest(happening.person),
            "data": "{}",
            "made_by": purpose,
            "created_at": happening.at - ago,
            "expires_at": happening.at + DAY,
            "claimed_at": happening.at - ago,
        }

    def _binding(self, happening: Happening) -> dict[str, Any]:
        return {
            "id": happening.key[::-1],
            "account": ACCOUNT,
            "site_user": happening.key.hex(),
            "person": digest(happening.person),
            "claim": happening.key,
            "bound_at": happening.at,
        }


def digest(person: str) -> bytes:
    """Return what stands for a person in the tables."""
    return sha256(f"person {person}".encode()).digest()[:16]
