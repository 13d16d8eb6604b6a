"""Figures over time: every day is in one point, and long periods are told by the week."""

from datetime import date, timedelta

from wxbot.admin.trends import MOST_DAYS, Trend
from wxbot.analytics.shapes import Day, Totals

MONDAY = date(2026, 1, 5)


def days(number: int, first: date = MONDAY) -> list[Day]:
    return [Day(date=first + timedelta(days=each), totals=Totals(new=each, lost=1)) for each in range(number)]


def test_each_day_is_a_point() -> None:
    trend = Trend.of(days(3))

    assert trend.labels == ["01-05", "01-06", "01-07"]
    assert (trend.values("new"), trend.values("net")) == ([0, 1, 2], [-1, 0, 1])


def test_days_of_two_years_are_told_apart() -> None:
    assert Trend.of(days(2, date(2025, 12, 31))).labels == ["2025-12-31", "2026-01-01"]


def test_long_periods_are_told_by_weeks_that_begin_on_monday() -> None:
    some = days(MOST_DAYS + 20, MONDAY - timedelta(days=2))

    trend = Trend.of(some)

    assert trend.is_weekly
    assert [len(span) for span in trend.spans][:3] == [2, 7, 7]
    assert {span[0].date.weekday() for span in trend.spans[1:]} == {0}
    assert sum(trend.values("new")) == sum(day.totals.new for day in some)
