"""Whatever happens, in whatever order it is heard of: figures are those of a loop over everything."""

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, select

from tests.analytics.oracle import Oracle
from tests.analytics.worlds import ACCOUNT, DAY, NOW, START, World
from wxbot.analytics.counting import Counting
from wxbot.analytics.figures import EVERYTHING, Figures, Of, Period, Totals
from wxbot.analytics.rebuilding import rebuild
from wxbot.analytics.shapes import COUNTED, By, ChannelFigures
from wxbot.db.figures import bursts, counts, hours, returns, stays, visits
from wxbot.db.models import metadata
from wxbot.settings.model import AnalyticsSettings

TABLES = ("events", "claims", "bindings", "channels")
# A tenth of these on servers, which take their time for so many small transactions.
IS_LONG = os.environ.get("WXBOT_LONG") == "1"
EXAMPLES = 2000 if IS_LONG else 40
TODAY = date(2026, 4, 1)
PEOPLE, SCENES = ("Ailin", "Bo", "Chen", "Dai"), ("door", "table", "")
OFS: tuple[tuple[Of, set[str | None] | None], ...] = (
    (EVERYTHING, None),
    (Of("none"), {None}),
    (Of("channel", "shop"), {"door"}),
    (Of("scene", "table"), {"table"}),
)
TEAMS: tuple[Of, ...] = (Of("group", "east"), Of("group", "west"), Of("promoter", "east"))
BOARDS: dict[By, dict[str, tuple[str | None, ...]]] = {
    "channel": {"shop": ("door",), "cafe": ("table",)},
    "scene": {"door": ("door",), "table": ("table",)},
}

# People meet the same few codes on days that lie close together, or at the borders of blocks of days.
moments = st.one_of(
    st.integers(0, 3 * DAY),
    st.integers(0, 80).map(lambda day: day * DAY),
    st.integers(0, 80 * DAY),
)
happenings = st.tuples(
    st.sampled_from(("subscribe", "subscribe", "unsubscribe", "scan", "claim", "link", "offered")),
    st.sampled_from(PEOPLE),
    moments,
    st.sampled_from(SCENES),
)
# Channels that are given to another group and promoter.
gifts = st.tuples(
    st.sampled_from((("shop", "door"), ("cafe", "table"))),
    st.sampled_from(("east", "west", None)),
    st.sampled_from(("east", None)),
)
acts = st.lists(
    st.one_of(happenings, happenings, happenings, gifts, st.just("count"), st.sampled_from(PEOPLE)),
    max_size=40,
)
periods = st.tuples(st.integers(-3, 85), st.integers(0, 85)).map(
    lambda edges: Period(
        first=date(2026, 1, 5) + timedelta(days=edges[0]),
        last=date(2026, 1, 5) + timedelta(days=edges[0] + edges[1]),
    )
)
# A channel that counted for something is taken from its teams, and given to others.
GIVEN_AWAY = example(
    attribution="first",
    history=[
        ("subscribe", "Ailin", 0, "table"),
        "count",
        (("cafe", "table"), "west", None),
        "count",
        (("cafe", "table"), None, "east"),
    ],
    period=Period(first=date(2026, 1, 5), last=date(2026, 1, 5)),
)
# Claims by a clock that is behind: one that was made with the follow, and one that was not.
BEHIND = example(
    attribution="last",
    history=[
        ("claim", "Ailin", 0, ""),
        ("subscribe", "Ailin", 60, "door"),
        ("claim", "Bo", 0, ""),
        ("subscribe", "Bo", 61, "door"),
        "count",
    ],
    period=Period(first=date(2026, 1, 5), last=date(2026, 1, 5)),
)


def clear(engine: Engine) -> None:
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            if table.name.startswith("figure_") or table.name in TABLES:
                connection.execute(delete(table))


def live(world: World, history: Sequence[Any], counting: Counting) -> None:
    """Let all this happen: things people do, somebody who counts, and people who are forgotten."""
    for name, scene in (("shop", "door"), ("cafe", "table")):
        world.channel(name, scene)
        world.give(name, scene, group="east", promoter="east")
    for act in history:
        if act == "count":
            counting.count_all()
        elif isinstance(act, str):
            counting.count_all()
            world.forget(act)
        elif isinstance(act[0], tuple):
            channel, group, promoter = act
            world.give(*channel, group=group, promoter=promoter)
        else:
            kind, name, at, scene = act
            has_code = scene and kind in ("subscribe", "scan")
            world.happen(kind, name, START + at, scene if has_code else None)
    counting.count_all()


def check(engine: Engine, attribution: Any, history: Sequence[Any], period: Period) -> None:
    """Let a history happen, and ask for everything."""
    clear(engine)
    world = World(engine)
    chosen = AnalyticsSettings(attribution=attribution)
    counting = Counting(engine, chosen, now=lambda: NOW, batch=7, rest=0)
    figures = Figures(engine, chosen, now=lambda: NOW)
    live(world, history, counting)
    agree(figures, Oracle(world.happened, attribution=attribution, today=TODAY), period, world)
    kept = counters(engine)
    rebuild(engine, chosen, rest=0)
    assert counters(engine) == kept
    other = "last" if attribution == "first" else "first"
    rebuild(engine, AnalyticsSettings(attribution=other), rest=0)
    agree(figures, Oracle(world.happened, attribution=other, today=TODAY), period, world)


def counters(engine: Engine) -> dict[str, list[Any]]:
    """Return all counters that are not zero, whatever the edition."""
    found: dict[str, list[Any]] = {}
    with engine.connect() as connection:
        for table in (visits, counts, hours, returns, stays, bursts):
            numbers = [column.name for column in table.c if column.server_default is not None]
            rows = connection.execute(select(table)).mappings()
            found[table.name] = sorted(
                tuple(row.values())[1:] for row in rows if not numbers or any(row[name] for name in numbers)
            )
    return found


def agree(figures: Figures, oracle: Oracle, period: Period, world: World) -> None:
    """Ask both for everything."""
    for of, scenes in (*OFS, *((of, world.teams.get((of.kind, of.name), set())) for of in TEAMS)):
        told = figures.about(ACCOUNT, of, period)
        assert told.totals == oracle.totals(period, scenes) == figures.totals(ACCOUNT, period, of), of
        assert told.before == oracle.totals(period.before(), scenes), of
        for kept in told.retention.kept:
            assert (kept.new, kept.kept) == oracle.kept(period, kept.days, scenes), (of, kept.days)
        assert told.retention.median_seconds == oracle.median(period, scenes), of
        assert [list(row) for row in told.hours.cells] == oracle.hours(period, scenes), of
        agree_day_by_day(told, oracle, scenes)
    teams: dict[By, dict[str, tuple[str | None, ...]]] = {"group": {}, "promoter": {}}
    for (kind, name), theirs in world.teams.items():
        teams["group" if kind == "group" else "promoter"][name] = tuple(theirs)
    agree_on_boards(figures, oracle, period, BOARDS | teams)


def agree_day_by_day(told: ChannelFigures, oracle: Oracle, scenes: set[str | None] | None) -> None:
    for cohort in told.retention.cohorts[:3]:
        alone = Period(first=cohort.first, last=cohort.last)
        assert cohort.new == oracle.totals(alone, scenes).new
        for days, number in cohort.kept.items():
            assert number is None or (cohort.new, number) == oracle.kept(alone, days, scenes)
    for day in told.days[:3]:
        alone = Period(first=day.date, last=day.date)
        assert day.totals == replace(oracle.totals(alone, scenes), scanners=None)


def agree_on_boards(
    figures: Figures, oracle: Oracle, period: Period, boards: dict[By, dict[str, tuple[str | None, ...]]]
) -> None:
    for by, named in boards.items():
        expected = {name: oracle.totals(period, set(scenes)) for name, scenes in named.items()}
        for order in ("new", "net", "scans"):
            board = figures.leaderboard(ACCOUNT, period, by=by, order=order)
            found = {line.of.name: line.totals for line in board.lines}
            assert found == {name: totals for name, totals in expected.items() if counted(totals)}, by
            numbers = [getattr(line.totals, order) for line in board.lines]
            assert numbers == sorted(numbers, reverse=True)
            assert board.total == len(found)


def counted(totals: Totals) -> bool:
    """Say whether there is anything in it."""
    return any(getattr(totals, name) for name in COUNTED)


@pytest.mark.sqlite_only
@pytest.mark.timeout(7200 if IS_LONG else 120)
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@GIVEN_AWAY
@BEHIND
@given(attribution=st.sampled_from(("first", "last")), history=acts, period=periods)
def test_figures_are_those_of_a_loop_over_everything(
    engine: Engine, attribution: Any, history: list[Any], period: Period
) -> None:
    check(engine, attribution, history, period)


@pytest.mark.servers_only
@pytest.mark.timeout(7200 if IS_LONG else 120)
@settings(max_examples=EXAMPLES // 10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@GIVEN_AWAY
@BEHIND
@given(attribution=st.sampled_from(("first", "last")), history=acts, period=periods)
def test_figures_on_a_server_are_the_same(
    engine: Engine, attribution: Any, history: list[Any], period: Period
) -> None:
    check(engine, attribution, history, period)
