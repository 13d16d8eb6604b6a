"""The made-up year has what a real one has: seasons, hours, people who leave and come back, and fraud."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from statistics import mean, median

import pytest
from sqlalchemy import RowMapping, select

from tests.year.conftest import Year
from wxbot.db.business import bindings, channel_people, channels, claim_steps, claims, promoters
from wxbot.db.models import events
from wxbot.year.places import agents_of
from wxbot.year.seasons import campaign_of, day_of

CHINA = timedelta(hours=8)
TEN_MINUTES = 600
DAY = 86_400


def local(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC) + CHINA


@pytest.fixture(scope="module")
def follows(year: Year) -> Sequence[RowMapping]:
    return year.all(select(events).where(events.c.kind == "subscribe").order_by(events.c.created_at))


@pytest.fixture(scope="module")
def daily(follows: Sequence[RowMapping]) -> Counter[date]:
    return Counter(day_of(row["created_at"]) for row in follows)


@pytest.fixture(scope="module")
def frauds(year: Year) -> set[str]:
    """The scenes of promoters who buy followers."""
    names = {agent.name for agent in agents_of(year.plan) if agent.is_fraud}
    rows = year.all(select(channels.c.scene).where(channels.c.promoter.in_(names)))
    return {row["scene"] for row in rows}


@pytest.fixture(scope="module")
def stays(year: Year, follows: Sequence[RowMapping]) -> list[tuple[str | None, float]]:
    """Where somebody followed, and for how long, in seconds; infinite for those who stayed."""
    left = defaultdict(list)
    for row in year.all(select(events).where(events.c.kind == "unsubscribe")):
        left[row["person"]].append(row["created_at"])
    return [
        (
            row["scene"],
            min(
                (at - row["created_at"] for at in left[row["person"]] if at > row["created_at"]), default=1e18
            ),
        )
        for row in follows
    ]


def average(daily: Counter[date], first: date, days: int) -> float:
    return mean(daily[first + timedelta(days=number)] for number in range(days))


def test_year_has_about_as_many_events_as_asked_for(year: Year) -> None:
    rows = year.all(select(events.c.created_at, events.c.recorded_at))

    assert len(rows) == pytest.approx(year.plan.events, rel=0.15)
    assert year.plan.since <= min(row["created_at"] for row in rows)
    assert max(row["created_at"] for row in rows) < year.plan.until
    assert all(0 <= row["recorded_at"] - row["created_at"] <= 3 * 3600 for row in rows)
    assert any(row["recorded_at"] - row["created_at"] > 60 for row in rows), "some come late"


def test_holidays_sales_and_the_campaign_show(year: Year, daily: Counter[date]) -> None:
    usual = median(daily[campaign_of(year.plan) - timedelta(days=number)] for number in range(30, 90))

    assert average(daily, date(2026, 2, 14), 10) < 0.6 * average(daily, date(2026, 3, 2), 14)
    assert average(daily, date(2026, 11, 10), 3) > 1.2 * average(daily, date(2026, 10, 12), 18)
    assert average(daily, campaign_of(year.plan), 4) > 1.8 * usual


def test_people_sleep_at_night_and_shops_fill_on_weekends(
    follows: Sequence[RowMapping], frauds: set[str]
) -> None:
    honest = [local(row["created_at"]) for row in follows if row["scene"] not in frauds]
    hours = Counter(at.hour for at in honest)
    days = Counter(at.weekday() for at in honest)

    assert sum(hours[hour] for hour in (2, 3, 4, 5)) < 0.1 * sum(hours[hour] for hour in (12, 13, 18, 19))
    assert days[5] + days[6] > 1.2 * (days[1] + days[2])


def test_those_who_leave_do_so_soon_or_hardly(
    stays: list[tuple[str | None, float]], frauds: set[str]
) -> None:
    honest = [seconds for scene, seconds in stays if scene not in frauds]
    left = sorted(seconds for seconds in honest if seconds < 1e18)
    weeks = Counter(int(seconds // (7 * DAY)) for seconds in left)

    assert 0.2 < len(left) / len(honest) < 0.5
    assert 0.1 < sum(seconds < DAY for seconds in left) / len(left) < 0.4
    assert weeks[0] > 2 * weeks[1] > 2 * weeks[3]


def test_bought_followers_leave_within_minutes_and_return(
    stays: list[tuple[str | None, float]], follows: Sequence[RowMapping], frauds: set[str]
) -> None:
    bought = [seconds for scene, seconds in stays if scene in frauds]
    honest = [seconds for scene, seconds in stays if scene and scene not in frauds]
    at_night = [row for row in follows if row["scene"] in frauds and 1 <= local(row["created_at"]).hour < 5]
    times = Counter(row["person"] for row in at_night)

    assert sum(seconds < TEN_MINUTES for seconds in bought) / len(bought) > 0.2
    assert sum(seconds < TEN_MINUTES for seconds in honest) / len(honest) < 0.05
    assert {1, 4} <= set(times.values()) <= {1, 2, 3, 4}
    minutes = Counter(row["created_at"] // TEN_MINUTES for row in at_night)
    assert max(minutes.values()) >= 10, "they come in bursts"


def test_some_come_back(year: Year, frauds: set[str]) -> None:
    rows = year.all(select(events.c.person, events.c.kind, events.c.scene))
    honest = {row["person"] for row in rows} - {row["person"] for row in rows if row["scene"] in frauds}
    follows = Counter(row["person"] for row in rows if row["kind"] == "subscribe")
    left = {row["person"] for row in rows if row["kind"] == "unsubscribe"} & honest
    back = {person for person in left if follows[person] > 1}

    assert 0.05 < len(back) / len(left) < 0.25


def test_every_kind_of_channel_brings_people_and_promoters_vary(year: Year) -> None:
    joined = channels.join(channel_people, channel_people.c.channel == channels.c.name)
    new = (
        select(channels.c.group_name, channels.c.promoter).select_from(joined).where(channel_people.c.is_new)
    )
    rows = year.all(new)
    groups = Counter(row["group_name"] for row in rows)
    won = Counter(row["promoter"] for row in rows)
    reached = [won[row["name"]] / row["target"] for row in year.rows(promoters)]

    assert set(groups) == {"门店", "桌码", "海报", "包装", "活动", "地推", "线上"}
    assert min(groups.values()) > 20
    assert min(reached) < 1 < max(reached)


def test_claims_fit_the_scans_of_their_codes(year: Year) -> None:
    found = {row["scene"]: row for row in year.rows(claims)}
    scanned = {
        row["scene"]: row
        for row in year.all(
            select(events).where(events.c.scene.like("order:%") | events.c.scene.like("link:%"))
        )
    }
    steps = Counter(row["claim"] for row in year.rows(claim_steps))
    bound = {row["claim"] for row in year.rows(bindings)}

    assert {scene for scene, row in found.items() if row["claimed_at"]} == set(scanned)
    for scene, row in found.items():
        if row["claimed_at"]:
            assert (scanned[scene]["person"], scanned[scene]["created_at"]) == (
                row["person"],
                row["claimed_at"],
            )
        assert (row["state"] == "confirmed") == (row["id"] in bound)
        assert steps[row["id"]] >= 2
    assert {row["state"] for row in found.values()} == {"claimed", "confirmed", "expired"}
