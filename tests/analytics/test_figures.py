"""Flags, comparisons and boards by example, and how the database finds what they ask for."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert, select, text

from tests.analytics.worlds import ACCOUNT, DAY, NOW, START, World
from wxbot.analytics.counting import Counting
from wxbot.analytics.figures import EVERYTHING, Figures, Of, Period
from wxbot.analytics.shapes import By
from wxbot.analytics.units import SIZES, balance, days, first_day, whole
from wxbot.db.business import promoters
from wxbot.db.figures import bursts, scenes
from wxbot.settings.model import AnalyticsSettings

MONDAY = date(2026, 1, 5)
WEEK = Period(first=MONDAY, last=MONDAY + timedelta(days=6))
LARGE = ("figure_facts", "figure_visits", "figure_counts", "figure_returns", "figure_hours", "figure_stays")
TODAY = date(2026, 4, 1)


@pytest.fixture
def count(engine: Engine) -> Callable[[], Figures]:
    """Return what counts all that has happened, and answers."""

    def count() -> Figures:
        settings = AnalyticsSettings()
        Counting(engine, settings, now=lambda: NOW, rest=0).count_all()
        return Figures(engine, settings, now=lambda: NOW)

    return count


def follow(world: World, number: int, scene: str, *, every: int, start: int = START) -> None:
    """Let so many people follow by a code, one after the other."""
    for person in range(number):
        world.happen("subscribe", f"{scene} {start} {person}", start + person * every, scene)


def test_followers_who_leave_within_minutes_are_told_of(world: World, count: Callable[[], Figures]) -> None:
    world.channel("shop", "door", promoter="li")
    world.channel("cafe", "table")
    follow(world, 12, "door", every=3600)
    follow(world, 12, "table", every=3600)
    for person in range(10):
        world.happen("unsubscribe", f"door {START} {person}", START + person * 3600 + 599)
        world.happen("unsubscribe", f"table {START} {person}", START + person * 3600 + 601)

    [suspect] = count().suspects(ACCOUNT, WEEK)

    assert (suspect.of.name, suspect.reason, suspect.promoter) == ("shop", "quick", "li")
    assert (suspect.count, suspect.out_of) == (10, 12)


def test_people_who_follow_again_and_again_are_told_of(world: World, count: Callable[[], Figures]) -> None:
    world.channel("shop", "door")
    for person in range(5):
        for turn in range(4):
            at = START + person * 3600 + turn * DAY
            world.happen("subscribe", f"turner {person}", at, "door")
            world.happen("unsubscribe", f"turner {person}", at + 7200)

    [suspect] = count().suspects(ACCOUNT, WEEK)

    assert (suspect.reason, suspect.count, suspect.out_of) == ("turning", 5, 5)
    assert count().totals(ACCOUNT, WEEK, Of("channel", "shop")).new == 5


def test_burst_is_told_of_unless_it_is_usual(world: World, count: Callable[[], Figures]) -> None:
    world.channel("shop", "door")
    world.channel("station", "gate")
    for week in range(4):
        follow(world, 60, "gate", every=1000, start=START - (week + 1) * 7 * DAY)
    for scene in ("door", "gate"):
        follow(world, 25, scene, every=20, start=START + 7 * 3600)

    [suspect] = count().suspects(ACCOUNT, WEEK)

    assert (suspect.of.name, suspect.reason, suspect.count, suspect.out_of) == ("shop", "burst", 25, 0)
    assert (suspect.on, suspect.minute) == (MONDAY, 7 * 60)


def test_burst_is_told_of_however_many_larger_ones_are_usual_elsewhere(
    engine: Engine, world: World, count: Callable[[], Figures]
) -> None:
    world.channel("shop", "door")
    world.channel("station", "gate")
    for week in range(4):
        follow(world, 60, "gate", every=1000, start=START - (week + 1) * 7 * DAY)
    follow(world, 21, "door", every=20, start=START + 7 * 3600)
    figures = count()
    with engine.begin() as connection:
        ids = {
            row.scene: row.id for row in connection.execute(select(scenes).where(scenes.c.kind == "scene"))
        }
        shop = connection.execute(select(bursts).where(bursts.c.scene == ids["door"])).mappings().one()
        gate = ids["gate"]
        busy = [dict(shop) | {"scene": gate, "slot": slot, "new": 25} for slot in range(60)]
        connection.execute(insert(bursts), busy)

    [suspect] = figures.suspects(ACCOUNT, WEEK)

    assert (suspect.of.name, suspect.count) == ("shop", 21)


def test_channels_and_periods_stand_side_by_side(world: World, count: Callable[[], Figures]) -> None:
    world.channel("shop", "door")
    follow(world, 2, "door", every=60)
    follow(world, 1, "door", every=60, start=START - DAY)

    told = count().compare(ACCOUNT, WEEK, [Of("channel", "shop"), Of("channel", "nowhere"), EVERYTHING])

    assert told.against == WEEK.before()
    assert [(line.totals.new, line.before.new) for line in told.lines] == [(2, 1), (0, 0), (2, 1)]
    assert told.lines[0].title == "Shop"


def test_promoter_is_told_how_far_they_have_come_in_all_time(
    engine: Engine, world: World, count: Callable[[], Figures]
) -> None:
    row = {"account": ACCOUNT, "name": "li", "title": "Li", "target": 10}
    with engine.begin() as connection:
        connection.execute(insert(promoters).values({**row, "created_at": START, "changed_at": START}))
    world.channel("shop", "door", promoter="li")
    world.channel("cafe", "table", promoter="li")
    follow(world, 2, "door", every=60)
    follow(world, 3, "table", every=60, start=START - 100 * DAY)

    [line] = count().leaderboard(ACCOUNT, WEEK, by="promoter").lines

    assert (line.title, line.channels, line.totals.new) == ("Li", 2, 2)
    assert (line.target, line.reached) == (10, 0.5)


def test_who_came_is_told_of_all_times_or_of_days(world: World, count: Callable[[], Figures]) -> None:
    world.channel("shop", "door", promoter="li")
    for day in range(3):
        follow(world, 1, "door", every=1, start=START + day * DAY)
    figures = count()

    def new(since: int | None, until: int | None) -> list[int]:
        sides: tuple[tuple[By, str], ...] = (("channel", "shop"), ("promoter", "li"))
        return [
            figures.came(ACCOUNT, [name], by=by, since=since, until=until)[name].totals.new
            for by, name in sides
        ]

    assert new(None, None) == [3, 3]
    assert new(START + DAY, None) == new(START + 2 * DAY - 1, None) == [2, 2]
    assert new(None, START + DAY) == [1, 1]
    assert new(START + DAY + 5, START + 2 * DAY) == [1, 1]
    assert new(START + 2 * DAY, START + DAY) == new(2**40, None) == new(None, -(2**40)) == [0, 0]
    assert new(-(2**40), 2**40) == [3, 3]


def test_before_anything_was_counted_there_are_zeros(engine: Engine) -> None:
    figures = Figures(engine, AnalyticsSettings(), now=lambda: NOW)

    overview = figures.overview(ACCOUNT, WEEK)

    assert (overview.totals.scans, overview.counted_until, len(overview.days)) == (0, None, 7)
    assert figures.leaderboard(ACCOUNT, WEEK).lines == ()
    assert figures.today() == TODAY


@pytest.mark.sqlite_only
@pytest.mark.parametrize("length", [1, 2, 7, 8, 30, 31, 63, 64, 90, 365, 800])
def test_units_make_up_a_period(length: int) -> None:
    for first in range(739_600, 739_700, 3):
        last = first + length - 1
        covered = dict.fromkeys(range(first - 100, last + 100), 0)
        for unit, sign in balance(first, last).items():
            for day in range(first_day(unit), first_day(unit) + SIZES[unit // 10**6]):
                covered[day] += sign

        assert [day for day, times in covered.items() if times] == list(range(first, last + 1))
        assert set(covered.values()) <= {0, 1}
        assert len(balance(first, last)) <= min(34, len(whole(first, last)), len(days(first, last)))


@pytest.fixture
def plans(engine: Engine) -> Iterator[list[str]]:
    """Return how SQLite finds what is asked from now on: a line for each table of each question."""
    found: list[str] = []

    def explain(connection: Any, _cursor: object, sql: str, values: Any, *_: object) -> None:
        if sql.startswith(("SELECT", "WITH")):
            cursor = connection.connection.cursor()
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}", values)
            found.extend(str(row[3]) for row in cursor.fetchall())

    event.listen(engine, "before_cursor_execute", explain)
    yield found
    event.remove(engine, "before_cursor_execute", explain)


@pytest.mark.sqlite_only
def test_no_question_reads_a_whole_table_of_counters(
    engine: Engine, world: World, count: Callable[[], Figures], plans: list[str]
) -> None:
    world.channel("shop", "door", group_name="east", promoter="li")
    follow(world, 3, "door", every=60)
    figures = count()
    with engine.begin() as connection:
        connection.execute(text("ANALYZE"))
    plans.clear()

    figures.overview(ACCOUNT, WEEK)
    for of in (Of("channel", "shop"), Of("group", "east"), Of("promoter", "li"), Of("scene", "door")):
        figures.about(ACCOUNT, of, WEEK)
    for by in ("channel", "group", "promoter", "scene"):
        figures.leaderboard(ACCOUNT, WEEK, by=by)
    figures.suspects(ACCOUNT, WEEK)
    figures.gap(ACCOUNT, WEEK)

    assert any("SEARCH figure_counts" in plan for plan in plans)
    assert not [plan for plan in plans if plan.startswith("SCAN") and plan.split()[1] in LARGE]
    assert not [plan for plan in plans if "figure_facts" in plan or "figure_visits" in plan]
