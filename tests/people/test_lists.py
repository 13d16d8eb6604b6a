"""Lists of people, page by page: nobody twice, nobody missed, and no page that reads everything."""

from typing import Any

import pytest
from sqlalchemy import Engine, insert
from sqlalchemy import event as listening

from wxbot.db.business import follower_tags
from wxbot.db.models import followers
from wxbot.followers import State
from wxbot.people import profiles
from wxbot.people.places import Who


def keep(engine: Engine, number: int, *, is_gone: bool = False) -> bytes:
    """Put somebody on record whose place in lists is this number."""
    return keep_all(engine, [number], is_gone=is_gone)[0]


def keep_all(engine: Engine, numbers: list[int], *, is_gone: bool = False) -> list[bytes]:
    """Put several on record."""
    people = [number.to_bytes(16, "big") for number in numbers]
    known = {"account": "default", "openid": None, "first_seen_at": 5, "followed_at": 5, "follows": 1}
    known["unfollowed_at"] = 9 if is_gone else None
    with engine.begin() as connection:
        connection.execute(insert(followers), [{**known, "person": person} for person in people])
    return people


def walked(engine: Engine, *, state: State | None = None, limit: int) -> list[list[str]]:
    """Return all pages."""
    pages, after = [], b""
    while True:
        page = profiles.page(engine, "default", state=state, after=after, limit=limit)
        pages.append([each.person for each in page.found])
        if page.next is None:
            return pages
        after = page.next


def test_pages_hold_everybody_once(engine: Engine) -> None:
    people = keep_all(engine, [1, 2, 3, 4, 5])

    pages = walked(engine, limit=2)

    assert pages == [[each.hex() for each in some] for some in (people[:2], people[2:4], people[4:])]
    assert walked(engine, limit=5) == [[each.hex() for each in people]]


def test_pages_of_a_state_hold_who_stands_so(engine: Engine) -> None:
    gone = keep_all(engine, [1, 4, 6], is_gone=True)
    keep_all(engine, [2, 3, 5])

    assert walked(engine, state=State.LEFT, limit=2) == [[each.hex() for each in gone[:2]], [gone[2].hex()]]


def test_somebody_rare_is_found_without_a_page_that_reads_everything(engine: Engine) -> None:
    keep_all(engine, list(range(1, 1011)))
    rare = keep(engine, 5000, is_gone=True)

    assert walked(engine, state=State.LEFT, limit=50) == [[], [rare.hex()]]


def test_a_page_names_the_tags_of_each(engine: Engine) -> None:
    first, second = keep_all(engine, [1, 2])
    with engine.begin() as connection:
        for tag in ("b", "a"):
            row = {"account": "default", "person": second, "tag": tag, "tagged_at": 1}
            connection.execute(insert(follower_tags).values(row))

    found = profiles.page(engine, "default").found

    assert [(each.person, each.tags) for each in found] == [(first.hex(), ()), (second.hex(), ("a", "b"))]


@pytest.mark.sqlite_only
def test_channels_of_a_person_are_found_by_the_person(engine: Engine) -> None:
    who = Who(account="default", person=keep(engine, 1))
    asked: list[tuple[str, Any]] = []
    listening.listen(engine, "before_cursor_execute", lambda *seen: asked.append((seen[2], seen[3])))

    profiles.profile(engine, who)

    [(query, values)] = [each for each in asked if "FROM channel_people" in each[0]]
    with engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values).all()
    assert "ix_channel_people_account_person" in str(plan)
