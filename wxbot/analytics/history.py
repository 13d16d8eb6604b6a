"""What one person did, from the facts that figures are counted from."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Engine, select

from wxbot.analytics.naming import SCENE
from wxbot.analytics.tally import Kind
from wxbot.db.figures import facts, people, scenes

Did = Literal["follow", "unfollow", "claim", "scan"]
_WORDS: dict[int, Did] = {
    Kind.FOLLOW: "follow",
    Kind.UNFOLLOW: "unfollow",
    Kind.CLAIM: "claim",
    Kind.SCAN: "scan",
}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing a person did, at a time in seconds since 1970; `scene` is that of the code, if any."""

    at: int
    did: Did
    scene: str | None


def latest(engine: Engine, account: str, person: bytes, *, limit: int) -> list[Step]:
    """Return what a person did, the newest first; what was not counted yet is missing."""
    query = (
        select(facts.c.at, facts.c.kind, scenes.c.kind.label("of"), scenes.c.scene)
        .join(people, people.c.id == facts.c.who)
        .outerjoin(scenes, scenes.c.id == facts.c.scene)
        .where(people.c.account == account, people.c.person == person)
        .order_by(facts.c.at.desc(), facts.c.kind.desc())
        .limit(limit)
    )
    with engine.connect() as connection:
        return [
            Step(at=row.at, did=_WORDS[row.kind], scene=row.scene if row.of == SCENE else None)
            for row in connection.execute(query)
        ]
