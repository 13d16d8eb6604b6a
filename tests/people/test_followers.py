"""Who follows: events arrive late and twice, and who has left stays forgotten."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy import event as listening

from wxbot import followers
from wxbot.db import models
from wxbot.followers import Follower, State
from wxbot.people import profiles
from wxbot.wechat import events
from wxbot.wechat.events import Event, Follow, Scan, TextMessage, Unfollow


def event(kind: type[Event], second: int, /, **more: Any) -> Event:
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


def scan(second: int, when: str = "scan", scene: str = "vip") -> Event:
    return event(Scan, second, scene=scene, when=when)


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


@pytest.mark.sqlite_only
@given(st.permutations(range(4)))
def test_order_of_arrival_does_not_matter_for_who_is_known(order: list[int]) -> None:
    happened = [event(Follow, 0), scan(1), event(Unfollow, 2), scan(3, when="follow")]
    follower: followers.Follower | None = None
    for index in order:
        follower = followers.after(happened[index], follower)

    assert follower is not None
    assert follower.openid == "oChen"


SCANS = [
    scan(0, scene="a"),
    scan(1, scene="b"),
    scan(2, scene="a"),
    scan(100, scene="c"),
    scan(180, scene="a"),
]


@pytest.mark.sqlite_only
@given(st.permutations(range(len(SCANS))))
def test_latest_scan_is_the_last_scene_in_whatever_order_they_arrive(order: list[int]) -> None:
    follower: Follower | None = None
    for index in order:
        follower = followers.after(SCANS[index], follower)

    assert follower is not None
    assert (follower.last_scene, follower.last_scanned_at) == ("a", 1_700_000_180)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
def test_row_has_the_latest_scene_though_each_run_knew_less(engine: Engine, order: tuple[int, ...]) -> None:
    happened = [scan(0, scene="a"), scan(10, scene="b"), scan(20, scene="c")]
    note(engine, event(Follow, 0), None)
    stale = known(engine)

    for index in order:
        note(engine, happened[index], stale)

    now = known(engine)
    assert now is not None
    assert (now.last_scene, now.last_scanned_at) == ("c", 1_700_000_020)


def test_same_code_scanned_again_at_once_writes_nothing(engine: Engine) -> None:
    note(engine, scan(0), None)
    before = known(engine)
    statements: list[str] = []
    listening.listen(engine, "before_cursor_execute", lambda *details: statements.append(details[2]))

    with engine.begin() as connection:
        statements.clear()
        followers.note(connection, scan(59), before)
        unchanged = list(statements)
        followers.note(connection, scan(59, scene="door"), before)

    assert (len(unchanged), len(statements)) == (0, 1)


def test_late_scan_of_a_past_follow_does_not_count_as_the_last(engine: Engine) -> None:
    note(engine, scan(0, when="follow", scene="a"), None)
    note(engine, event(Unfollow, 5), known(engine))

    note(engine, scan(3, scene="b"), known(engine))

    now = known(engine)
    assert now is not None
    assert (now.last_scene, now.state) == ("a", State.LEFT)


STORIES = {
    "followed": ([event(Follow, 0)], State.NEW, 0),
    "followed with a code": ([scan(0, when="follow")], State.NEW, 0),
    "followed and wrote": ([event(Follow, 0), scan(1)], State.NEW, 0),
    "wrote before its follow arrived": ([scan(1), event(Follow, 0)], State.NEW, 0),
    "was there": ([scan(0)], State.EXISTING, 0),
    "was there and left": ([scan(0), event(Unfollow, 1)], State.LEFT, 0),
    "left at first sight": ([event(Unfollow, 0)], State.LEFT, 0),
    "was there, left, came back": ([scan(0), event(Unfollow, 1), event(Follow, 2)], State.RETURNING, 0),
    "was there, left unseen, came back": ([scan(0), event(Follow, 2)], State.RETURNING, 0),
    "left at first sight and came back": ([event(Unfollow, 0), event(Follow, 1)], State.RETURNING, 0),
    "came back": ([event(Follow, 0), event(Unfollow, 1), event(Follow, 2)], State.RETURNING, 1),
    "came back and left": (
        [event(Follow, 0), event(Unfollow, 1), event(Follow, 2), event(Unfollow, 3)],
        State.LEFT,
        1,
    ),
    "came back unseen": ([event(Unfollow, 0), scan(5)], State.EXISTING, 0),
}


@pytest.mark.sqlite_only
@pytest.mark.parametrize("story", STORIES)
def test_state_says_where_a_person_stands(story: str) -> None:
    happened, state, refollows = STORIES[story]

    follower: Follower | None = None
    for each in happened:
        follower = followers.after(each, follower)

    assert follower is not None
    assert (followers.state_of(follower), follower.refollows) == (state, refollows)


BY_FOLLOWERS = (
    scan(1),
    scan(1, when="follow"),
    event(Follow, 1),
    event(TextMessage, 1, content="hello"),
    event(events.LinkMessage, 1, title="news"),
    event(events.Click, 1, event_key="help"),
    event(events.View, 1, url="https://shop.example.com"),
    event(events.ViewMiniprogram, 1, path="pages/index"),
    event(events.ScanCode, 1, event_key="scan", kind="waitmsg"),
    event(events.PhotoSent, 1, event_key="photo", source="weixin"),
    event(events.LocationSelected, 1, event_key="where", latitude=1.0, longitude=1.0),
    event(events.LocationReport, 1, latitude=1.0, longitude=1.0),
)
OF_ANYBODY = (
    event(events.TemplateSent, 1, status="success"),
    event(events.MassSent, 1, status="send success"),
    event(events.SubscriptionAnswered, 1, kind="sent"),
    event(events.ServiceSession, 1, kind="close"),
    event(events.Verification, 1, kind="annual_renew"),
    event(events.PrivacyRequest, 1, kind="user_authorization_revoke"),
    event(events.Unknown, 1, name="of_tomorrow"),
)


def test_every_kind_of_event_tells_of_followers_or_does_not() -> None:
    kinds = {kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Event)}
    told = {type(each) for each in (*BY_FOLLOWERS, *OF_ANYBODY)}

    assert {kind for kind in kinds if not issubclass(kind, events.Message)} - told == {Event, Unfollow}


def test_message_of_a_kind_of_tomorrow_comes_from_a_follower(engine: Engine) -> None:
    note(engine, event(Unfollow, 0), None)

    note(engine, event(events.Unknown, 1), known(engine))

    follower = known(engine)
    assert follower is not None and (follower.openid, follower.unfollowed_at) == ("oChen", None)


@pytest.mark.parametrize("happened", BY_FOLLOWERS, ids=lambda each: type(each).__name__)
def test_what_only_a_follower_can_do_tells_of_one(engine: Engine, happened: Event) -> None:
    note(engine, event(Unfollow, 0), None)

    note(engine, happened, known(engine))

    row = known(engine)
    assert row == followers.after(happened, followers.after(event(Unfollow, 0), None))
    assert row is not None
    assert (row.openid, row.unfollowed_at) == ("oChen", None)


@pytest.mark.parametrize("second", [0, 1])
@pytest.mark.parametrize("happened", OF_ANYBODY, ids=lambda each: type(each).__name__)
def test_what_is_told_of_anybody_leaves_the_follower_as_is(
    engine: Engine, happened: Event, second: int
) -> None:
    note(engine, event(Follow, 0), None)
    following = known(engine)
    note(engine, event(Unfollow, second), following)
    left = known(engine)

    for before in (None, following, left):
        note(engine, happened, before)

    assert known(engine) == left == followers.after(happened, left)


@pytest.mark.parametrize("happened", OF_ANYBODY, ids=lambda each: type(each).__name__)
def test_what_is_told_of_anybody_makes_nobody_a_follower(engine: Engine, happened: Event) -> None:
    note(engine, happened, None)

    assert known(engine) is followers.after(happened, None) is None


def is_returning(happened: Event, before: Follower | None) -> tuple[bool, bool]:
    seen = followers.refine(happened, before)
    assert isinstance(seen, Follow | Scan)
    return seen.is_new_follower, seen.is_returning


def test_who_was_seen_before_the_follow_is_returning() -> None:
    wrote = followers.after(event(TextMessage, 0, content="hello"), None)

    assert is_returning(event(Follow, 9), wrote) == (False, True)


def test_new_follower_is_new_also_when_the_follow_is_run_again() -> None:
    follow = scan(5, when="follow")

    assert is_returning(follow, followers.after(follow, None)) == (True, False)


def test_database_says_of_everybody_what_the_function_says(engine: Engine) -> None:
    expected = []
    for number, (happened, state, _) in enumerate(STORIES.values()):
        for each in happened:
            theirs = replace(each, openid=f"o{number}")
            with engine.begin() as connection:
                before = followers.find(connection, "default", f"o{number}")
                followers.note(connection, theirs, before)
        expected.append((followers.person("default", f"o{number}").hex(), state))

    found = profiles.latest(engine, "default", limit=100)

    assert sorted((each.person, each.follower.state) for each in found) == sorted(expected)
    for state, number in profiles.counts(engine, "default").items():
        listed = profiles.latest(engine, "default", state=state, limit=100)
        assert len(listed) == number == [each for _, each in expected].count(state)
