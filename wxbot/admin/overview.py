"""The first page: how the account stands, at a glance."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wxbot import clock
from wxbot.admin import attention
from wxbot.admin.area import Area, Page
from wxbot.admin.changes import against, change
from wxbot.admin.charts import share_bar, sparkline
from wxbot.admin.figure_parts import FigureParts
from wxbot.admin.overview_words import WORDS
from wxbot.admin.periods import USUAL
from wxbot.admin.scales import percent, short
from wxbot.admin.trends import Trend, usual_charts
from wxbot.admin.visit import Visit
from wxbot.analytics.figures import Figures
from wxbot.analytics.shapes import Gap, Overview, Period, Suspect
from wxbot.channels.channel import Channel
from wxbot.events.listing import Line
from wxbot.qrcodes.meter import Usage

LATEST = 5
TILES = ("scans", "scanners", "new", "lost", "net", "staying")
_BEST = 5
KEPT_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the overview asks; each for the name of an account."""

    figures: FigureParts
    channels: Callable[[str], Sequence[Channel]]
    numbers: Callable[[str], Usage]
    jobs: Callable[[str], Mapping[str, int]]
    events: Callable[[str], Sequence[Line]]


class Recent:
    """What looks suspicious of late; kept for as long as counting takes from one round to the next."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self._kept: dict[str, tuple[float, tuple[Suspect, ...], Gap]] = {}

    def of(self, account: str) -> tuple[tuple[Suspect, ...], Gap]:
        """Return the suspects of an account, and its gap to WeChat's counts."""
        at, suspects, gap = self._kept.get(account, (-KEPT_SECONDS, (), Gap(days=())))
        if clock.monotonic() - at >= KEPT_SECONDS:
            period = Period.days(attention.RECENT_DAYS, self._figures.today())
            suspects = self._figures.suspects(account, period)
            gap = self._figures.gap(account, period)
            self._kept[account] = (clock.monotonic(), suspects, gap)
        return suspects, gap


def views(parts: Parts) -> Area:
    """Return `/admin/`."""
    area = Area("overview", words=WORDS)
    recent = Recent(parts.figures.figures)
    area.entry("overview", group="figures", word="overview", icon="overview", order=0)

    @area.get("/")
    def overview(visit: Visit) -> Page:
        asked, t = parts.figures.asked(visit), visit.t
        figures = parts.figures.figures
        found = figures.overview(visit.account, asked.period)
        events = list(reversed(parts.events(visit.account)))
        return Page(
            "admin/overview.html",
            title=t.overview,
            found=found,
            tiles=_tiles(found, visit),
            against=against(asked, t),
            charts=usual_charts(found.days, t) if len(found.days) > 1 else [],
            attention=attention.items(visit, _seen(parts, visit, found, events, recent=recent)),
            best=figures.leaderboard(visit.account, asked.period, limit=_BEST).lines,
            promoters=figures.leaderboard(visit.account, asked.period, by="promoter", limit=_BEST).lines,
            events=events,
            asked=asked,
            usual=USUAL,
            short=short,
            percent=percent,
            share_bar=share_bar,
        )

    return area


def _tiles(found: Overview, visit: Visit) -> list[tuple[Any, Any]]:
    tiles, trend = [], Trend.of(found.days)
    for key in TILES:
        # Scanners cannot be added up, and are not told by the day.
        is_told = len(found.days) > 1 and key != "scanners"
        spark = sparkline(trend.values(key), f"{visit.t[key]} · {visit.t.trend}") if is_told else ""
        tiles.append((change(key, found.totals, found.before, visit.t), spark))
    return tiles


def _seen(
    parts: Parts, visit: Visit, found: Overview, events: Sequence[Line], *, recent: Recent
) -> attention.Seen:
    suspects, gap = recent.of(visit.account)
    return attention.Seen(
        now=parts.figures.seconds,
        latest_event=max((each.recorded_at for each in events), default=None),
        overview=found,
        jobs=parts.jobs(visit.account),
        numbers=parts.numbers(visit.account),
        channels=parts.channels(visit.account),
        suspects=suspects,
        gap=gap,
    )
