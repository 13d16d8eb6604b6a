"""Figures over time as charts: a point for each day, or for each week where days would be too many."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from wxbot.admin.charts import Series, line_chart
from wxbot.admin.visit import Words
from wxbot.analytics.shapes import Day

MOVES = ("new", "lost", "net")
# More points than that no window shows apart, and the table beside the chart would be the page.
MOST_DAYS = 120


@dataclass(frozen=True)
class Trend:
    """Days in their order, put together as the points of a chart."""

    spans: Sequence[Sequence[Day]]
    is_weekly: bool

    @classmethod
    def of(cls, days: Sequence[Day]) -> "Trend":
        """Return the trend of these days; weeks begin on Monday, the first and the last may be shorter."""
        if len(days) <= MOST_DAYS:
            return cls([[day] for day in days], is_weekly=False)
        weeks: list[list[Day]] = []
        for day in days:
            if not weeks or day.date.weekday() == 0:
                weeks.append([])
            weeks[-1].append(day)
        return cls(weeks, is_weekly=True)

    @property
    def labels(self) -> list[str]:
        """Return what stands below the points: the first day of each, with the year where it changes."""
        dates = [span[0].date for span in self.spans]
        form = "%Y-%m-%d" if len({each.year for each in dates}) > 1 else "%m-%d"
        return [each.strftime(form) for each in dates]

    def values(self, key: str) -> list[int]:
        """Return a figure that can be added up over days."""
        return [sum(getattr(day.totals, key) for day in span) for span in self.spans]


def trend_chart(title: str, lines: Sequence[tuple[str, Sequence[Day], str]], t: Words) -> Markup:
    """Return a chart of lines over the same days: the name of each, its days, and the figure."""
    trends = [Trend.of(days) for _, days, _ in lines]
    shown = t.weekly.format(title) if trends[0].is_weekly else title
    series = [Series(name, trend.values(key)) for (name, _, key), trend in zip(lines, trends, strict=True)]
    return line_chart(shown, trends[0].labels, series, t=t)


def usual_charts(days: Sequence[Day], t: Words) -> list[Markup]:
    """Return followers and scans over time."""
    return [
        trend_chart(t.followers_trend, [(t[key], days, key) for key in MOVES], t),
        trend_chart(t.scans_trend, [(t.scans, days, "scans")], t),
    ]
