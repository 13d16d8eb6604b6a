"""Who follows: events arrive late and twice, and who has left stays forgotten."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from wxbot import followers
from wxbot.db import migrate, models
from wxbot.db.engine import open_engine
from wxbot.wechat.events import Event, Follow, Scan, Unfollow


def event(kind: type[Event], second: int, **more: Any) -> Event:
    return kind(
        account="default",
        to_user="gh_1",
        openid="oChen",
        created_at=datetime.fromtimestamp(1_700_000_000 + second, UTC),
        msg_type="event",
        digest=bytes(16),
        body=b"",
        **more,
    )


def scan(second: int, when: str = "scan") -> Event:
    return event(Scan, second, scene="vip", when=when)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path / 'followers.db'}"
    migrate.upgrade(url)
    engine = open_engine(url)
    yield engine
    engine.dispose()


def known(engine: Engine) -> followers.Follower | None:
    with engine.connect() as connection:
        row = connection.execute(models.followers.select()).mappings().one_or_none()
    if row is None:
        return None
    return followers.Follower(**{key: row[key] for key in row if key not in ("account", "person")})


def note(engine: Engine, happened: Event, before: followers.Follower | None) -> None:
    with engine.begin() as connection:
        followers.note(connection, happened, before)


def test_scan_that_arrives_after_the_unfollow_brings_nobody_back(engine: Engine) -> None:
    note(engine, event(Follow, 0), None)
    note(engine, event(Unfollow, 9), known(engine))

    note(engine, scan(5), known(engine))

    left = known(engine)
    assert left is not None
    assert (left.openid, left.unfollowed_at) == (None, 1_700_000_009)


def test_slow_handler_does_not_undo_an_unfollow_meanwhile(engine: Engine) -> None:
    seen_before_the_handler = known(engine)
    note(engine, event(Unfollow, 2), None)

    note(engine, scan(0, when="follow"), seen_before_the_handler)

    left = known(engine)
    assert left is not None
    assert left.openid is None


def test_two_follows_at_once_are_both_counted(engine: Engine) -> None:
    note(engine, event(Follow, 0), None)
    stale = known(engine)
    note(engine, event(Unfollow, 1), stale)
    note(engine, scan(2, when="follow"), known(engine))
    note(engine, event(Unfollow, 3), known(engine))

    note(engine, scan(4, when="follow"), stale)

    now = known(engine)
    assert now is not None
    assert (now.openid, now.follows, now.first_scene) == ("oChen", 3, "vip")


@given(st.permutations(range(4)))
def test_order_of_arrival_does_not_matter_for_who_is_known(order: list[int]) -> None:
    happened = [event(Follow, 0), scan(1), event(Unfollow, 2), scan(3, when="follow")]
    follower: followers.Follower | None = None
    for index in order:
        follower = followers.after(happened[index], follower)

    assert follower is not None
    assert follower.openid == "oChen"
