"""One channel: its figures as charts, its code, and what it is made of."""

from collections.abc import Iterator, Sequence
from typing import Any

from flask import Response, request

from wxbot.admin import exports
from wxbot.admin.area import Area, Page
from wxbot.admin.changes import against, change
from wxbot.admin.channel_words import WORDS
from wxbot.admin.charts import heat_map
from wxbot.admin.codes import living_path, permanent_code
from wxbot.admin.figure_parts import FigureParts
from wxbot.admin.lookups import channel_of
from wxbot.admin.periods import USUAL
from wxbot.admin.scales import percent, short
from wxbot.admin.trends import trend_chart, usual_charts
from wxbot.admin.visit import Visit, Words
from wxbot.analytics.shapes import ChannelFigures, Day, Hours, Of
from wxbot.channels.channel import Channel, ChannelUnknownError
from wxbot.clock import DAY_SECONDS
from wxbot.spreadsheet import Cell
from wxbot.wechat.replies import Image, News, Reply, Text

TILES = ("scans", "scanners", "new", "lost", "net", "gone")
_EXPORTED = (
    "scans",
    "new",
    "refollows",
    "unfollows",
    "lost",
    "net",
    "gone",
    "staying",
    "claims",
    "converted",
)


def views(parts: FigureParts) -> Area:
    """Return `/admin/channels/<name>`."""
    area = Area("channel", words=WORDS)

    @area.get("/channels/<name>")
    def one(visit: Visit, name: str) -> Page:
        channel = channel_of(parts, visit, name)
        asked = parts.asked(visit)
        figures = parts.figures.channel(visit.account, name, asked.period)
        other = _other(parts, visit, channel)
        return Page(
            "admin/channel.html",
            title=channel.title,
            channel=channel,
            state=channel.state(parts.seconds),
            asked=asked,
            usual=USUAL,
            tiles=[change(key, figures.totals, figures.before, visit.t) for key in TILES],
            against=against(asked, visit.t),
            figures=figures,
            charts=_charts(parts, visit, figures, channel, other),
            hours=hours_chart(figures.hours, visit.t),
            rival=other,
            permanent=permanent_code(parts, channel),
            living=living_path(parts, channel),
            public_url=parts.public_url,
            replies={each: told_reply(getattr(channel, each), visit.t) for each in ("reply", "reply_new")},
            short=short,
            percent=percent,
            stay=lambda seconds: told_seconds(seconds, visit.t),
        )

    @area.get("/channels/<name>/days.csv")
    def days(visit: Visit, name: str) -> Response:
        channel_of(parts, visit, name)
        asked = parts.asked(visit)
        found = parts.figures.series(visit.account, asked.period, Of("channel", name))
        headings = [visit.t[each] for each in ("day", *_EXPORTED)]
        return exports.download(name, headings, day_rows(found), asked)

    return area


def day_rows(days: Sequence[Day]) -> Iterator[Sequence[Cell]]:
    """Yield a row for each day."""
    for each in days:
        yield (each.date, *(getattr(each.totals, name) for name in _EXPORTED))


def hours_chart(hours: Hours, t: Words) -> Any:
    """Return the heat map of weekdays and hours."""
    names = [f"{t.weekday_prefix}{each}" for each in t.weekdays.split(",")]
    return heat_map(t.hours_map, names, [str(hour) for hour in range(24)], hours.cells)


def told_seconds(seconds: int, t: Words) -> str:
    """Return a length of time in its largest unit."""
    for word, length in (("n_days", DAY_SECONDS), ("n_hours", 3600), ("n_minutes", 60)):
        if seconds >= length:
            return t[word].format(f"{seconds / length:.1f}".removesuffix(".0"))
    return t.n_seconds.format(seconds)


def told_reply(reply: Reply | None, t: Words) -> str:
    """Return a reply in a line or some."""
    match reply:
        case Text():
            return reply.content
        case Image():
            return t.image_reply.format(reply.media_id)
        case News():
            titles = " · ".join(each.title for each in reply.articles)
            return t.articles_count.format(len(reply.articles), titles)
    return t.no_reply


def _other(parts: FigureParts, visit: Visit, channel: Channel) -> Channel | None:
    """Return the channel to compare with, if one is named that is there."""
    name = request.args.get("with", "").strip()
    if not name or name == channel.name:
        return None
    try:
        if name.isprintable():
            return parts.channels.book.find(visit.account, name)
    except ChannelUnknownError:
        pass
    visit.tell("no_such_channel", name[:70], tone="warn")
    return None


def _charts(
    parts: FigureParts, visit: Visit, figures: ChannelFigures, channel: Channel, other: Channel | None
) -> list[Any]:
    t, days = visit.t, figures.days
    if other is None:
        return usual_charts(days, t)
    theirs = parts.figures.series(visit.account, figures.period, Of("channel", other.name))
    both = ((channel.title, days), (other.title, theirs))
    return [
        trend_chart(t[key], [(title, some, key) for title, some in both], t)
        for key in ("new", "net", "scans")
    ]
