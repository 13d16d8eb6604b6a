"""Numbers for people and scenes, so that facts are small and lead to nobody once a digest was changed."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, and_, func, or_, select

from wxbot.analytics.tally import Scenes
from wxbot.db.business import channels
from wxbot.db.figures import people, scenes
from wxbot.scenes.once import counted_as

ALL, NONE, SCENE, GROUP, PROMOTER = "all", "none", "scene", "group", "promoter"
Person = tuple[str, bytes]  # an account and a digest


@dataclass
class Names:
    """The numbers of a batch's people and scenes; `new_people` and `new_scenes` have to be written."""

    people: dict[Person, int] = field(default_factory=dict)
    first_scans: dict[int, int | None] = field(default_factory=dict)
    scenes: dict[bytes, int] = field(default_factory=dict)
    new_people: list[tuple[int, str, bytes]] = field(default_factory=list)
    new_scenes: list[tuple[object, ...]] = field(default_factory=list)

    def scene(self, account: str, scene: str | None) -> int:
        """Return the number of a scene, or that of no code."""
        kind = SCENE if scene else NONE
        return self.scenes[scene_digest(account, kind, counted_as(scene or ""))]

    def ends(self, account: str) -> Scenes:
        """Return the numbers of an account's everything and nothing."""
        return Scenes(*(self.scenes[scene_digest(account, kind, "")] for kind in (ALL, NONE)))

    def is_new(self, who: int) -> bool:
        """Say whether nothing can be known yet of a person."""
        return who not in self.first_scans


@lru_cache(maxsize=16384)
def scene_digest(account: str, kind: str, scene: str) -> bytes:
    """Return what a scene is found by, letter for letter on every database."""
    return sha256("\0".join(("scene", account, kind, scene)).encode("utf-8", "surrogatepass")).digest()[:16]


def find(connection: Connection, wanted: Collection[Person], seen: Iterable[tuple[str, str | None]]) -> Names:
    """Return the numbers of people, and of the scenes of accounts; new ones follow the highest there are."""
    names = Names()
    _find_people(connection, names, wanted)
    names.scenes, names.new_scenes = number_scenes(connection, _all_scenes(seen))
    return names


def number_scenes(
    connection: Connection, wanted: Mapping[bytes, tuple[str, str, str]]
) -> tuple[dict[bytes, int], list[tuple[object, ...]]]:
    """Return the numbers of scenes (account, kind, text by digest), and the rows of those that are new."""
    query = select(scenes.c.digest, scenes.c.id).where(scenes.c.digest.in_(wanted))
    numbers = {row.digest: row.id for row in connection.execute(query)} if wanted else {}
    new: list[tuple[object, ...]] = []
    number = _highest(connection, scenes.c.id)
    for digest, (account, kind, scene) in wanted.items():
        if digest not in numbers:
            number += 1
            numbers[digest] = number
            new.append((number, account, digest, kind, scene, None, None))
    return numbers, new


def of_channel() -> ColumnElement[bool]:
    """Say which scene is the code of which channel."""
    is_same = and_(scenes.c.account == channels.c.account, scenes.c.scene == channels.c.scene)
    # MySQL takes texts for the same that differ by spaces at the end.
    is_as_long = func.length(scenes.c.scene) == func.length(channels.c.scene)
    return and_(is_same, is_as_long, scenes.c.kind == SCENE)


def _find_people(connection: Connection, names: Names, wanted: Collection[Person]) -> None:
    by_account: dict[str, list[bytes]] = {}
    for account, person in wanted:
        by_account.setdefault(account, []).append(person)
    ours = [
        and_(people.c.account == account, people.c.person.in_(digests))
        for account, digests in by_account.items()
    ]
    for row in connection.execute(select(people).where(or_(*ours))) if ours else ():
        names.people[row.account, row.person] = row.id
        names.first_scans[row.id] = row.first_scan_at
    number = _highest(connection, people.c.id)
    for account, person in wanted:
        if (account, person) not in names.people:
            number += 1
            names.people[account, person] = number
            names.new_people.append((number, account, person))


def _all_scenes(seen: Iterable[tuple[str, str | None]]) -> dict[bytes, tuple[str, str, str]]:
    found = {}
    for account, scene in dict.fromkeys(seen):
        for kind, text in ((ALL, ""), (NONE, ""), *([(SCENE, counted_as(scene))] if scene else [])):
            found[scene_digest(account, kind, text)] = (account, kind, text)
    return found


def _highest(connection: Connection, id: Column[Any]) -> int:
    return connection.execute(select(func.max(id))).scalar_one() or 0
