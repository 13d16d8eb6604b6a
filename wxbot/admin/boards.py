"""Boards: channels, groups, promoters and scenes in the order of a figure; and several side by side."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import get_args

from flask import Response, request

from wxbot.admin import exports
from wxbot.admin.area import Area, Page
from wxbot.admin.board_words import WORDS
from wxbot.admin.changes import change
from wxbot.admin.figure_parts import MOST_OFFERED, FigureParts
from wxbot.admin.periods import USUAL
from wxbot.admin.scales import short
from wxbot.admin.trends import trend_chart
from wxbot.admin.visit import Visit
from wxbot.analytics.shapes import By, Compared, Of, Order, Period
from wxbot.channels.channel import ChannelUnknownError
from wxbot.channels.store import Filter
from wxbot.spreadsheet import Cell

PAGE = 50
KINDS: tuple[By, ...] = get_args(By)
SHOWN: tuple[Order, ...] = ("scans", "new", "lost", "net", "staying", "claims")
COMPARED = ("scans", "scanners", "new", "refollows", "unfollows", "lost", "net", "gone", "staying", "claims")
CHARTED = ("scans", "new", "net")
_MOST_COMPARED = 4
_MOST_PAGES = 200
_EXPORT_PAGE = 500
_YEAR_DAYS = 364  # the same weekdays a year before


def views(parts: FigureParts) -> Area:
    """Return `/admin/leaderboard` and `/admin/compare`."""
    area = Area("boards", words=WORDS)
    area.entry("board", group="figures", word="leaderboard", icon="board", order=5)
    area.entry("compare", group="figures", word="compare", icon="compare", order=40)
    _add_board(area, parts)
    _add_comparison(area, parts)
    return area


def _add_board(area: Area, parts: FigureParts) -> None:
    @area.get("/leaderboard")
    def board(visit: Visit) -> Page:
        asked, by, order = parts.asked(visit), _by(), _order()
        number = _page_number()
        found = parts.figures.leaderboard(
            visit.account, asked.period, by=by, order=order, limit=PAGE, offset=(number - 1) * PAGE
        )
        return Page(
            "admin/board.html",
            title=visit.t.leaderboard,
            board=found,
            by=by,
            kinds=KINDS,
            order=order,
            shown=SHOWN,
            first=(number - 1) * PAGE,
            number=number,
            is_more=number * PAGE < min(found.total, _MOST_PAGES * PAGE),
            asked=asked,
            usual=USUAL,
        )

    @area.get("/leaderboard.csv")
    def export(visit: Visit) -> Response:
        asked, by, order, account = parts.asked(visit), _by(), _order(), visit.account
        headings = [visit.t[each] for each in (by, "title", *COMPARED)]

        def rows() -> Iterator[Sequence[Cell]]:
            titles = parts.figures.ranking(account, asked.period, by=by, order=order)
            names = list(titles)
            for start in range(0, len(names), _EXPORT_PAGE):
                some = names[start : start + _EXPORT_PAGE]
                for line in parts.figures.named(account, asked.period, some, by=by).values():
                    title = titles[line.of.name] if by == "channel" else line.title
                    yield (line.of.name, title, *(getattr(line.totals, name) for name in COMPARED))

        return exports.download(f"leaderboard-{by}", headings, rows(), asked)


def _add_comparison(area: Area, parts: FigureParts) -> None:
    @area.get("/compare")
    def compare(visit: Visit) -> Page:
        asked, by, t = parts.asked(visit), _by(), visit.t
        names = [each.strip() for each in request.args.getlist("name")]
        names = [each for each in dict.fromkeys(names) if each and each.isprintable()][:_MOST_COMPARED]
        year_before = _year_before(asked.period) if request.args.get("against") == "year" else None
        against = year_before or asked.period.before()
        names = [name for name in names if _is_there(parts, visit, by, name)]
        of = [Of(by, name) for name in names] or [Of()]
        found = parts.figures.compare(visit.account, asked.period, of, against=against)
        return Page(
            "admin/compare.html",
            title=t.compare,
            lines=[(_titled(line, visit), _changes(line, visit)) for line in found.lines],
            charts=_charts(parts, visit, found.lines, asked.period),
            names=[*names, *[""] * (_MOST_COMPARED - len(names))],
            offered=_offered(parts, visit.account, by),
            compared=COMPARED,
            by=by,
            kinds=KINDS,
            is_year=year_before is not None,
            against=against,
            asked=asked,
            usual=USUAL,
            short=short,
        )


def _is_there(parts: FigureParts, visit: Visit, by: By, name: str) -> bool:
    """Say whether there is one of this name; if not, that is told: its figures would look like none."""
    book, theirs = parts.channels.book, Filter(group=name, is_archived=None)
    try:
        if by == "channel":
            book.find(visit.account, name)
        elif by == "promoter":
            parts.channels.promoters.find(visit.account, name)
        elif by == "group" and not book.listed([visit.account], theirs, limit=1):
            raise ChannelUnknownError(name)
    except ChannelUnknownError:
        visit.tell("left_out", name[:70], tone="warn")
        return False
    return True


def _by() -> By:
    asked = request.args.get("by")
    return next((each for each in KINDS if each == asked), "channel")


def _page_number() -> int:
    page = request.args.get("page", "1")
    number = int(page) if page.isascii() and page.isdecimal() and len(page) <= 6 else 1
    return number if 0 < number <= _MOST_PAGES else 1


def _order() -> Order:
    asked = request.args.get("order")
    return next((each for each in SHOWN if each == asked), "new")


def _year_before(period: Period) -> Period | None:
    """Return the same days of a year or more before; None where the calendar has not begun yet."""
    away = timedelta(days=_YEAR_DAYS * (1 + (period.length - 1) // _YEAR_DAYS))
    try:
        return Period(first=period.first - away, last=period.last - away)
    except OverflowError:
        return None


def _titled(line: Compared, visit: Visit) -> str:
    return visit.t.everything if line.of.kind == "account" else line.title


def _changes(line: Compared, visit: Visit) -> list[object]:
    return [change(key, line.totals, line.before, visit.t) for key in COMPARED]


def _charts(parts: FigureParts, visit: Visit, lines: Sequence[Compared], period: Period) -> list[object]:
    found = [(_titled(line, visit), parts.figures.series(visit.account, period, line.of)) for line in lines]
    return [
        trend_chart(visit.t[key], [(title, days, key) for title, days in found], visit.t) for key in CHARTED
    ]


def _offered(parts: FigureParts, account: str, by: By) -> list[tuple[str, str]]:
    """Return names to choose from, with what people call them."""
    book = parts.channels
    if by == "promoter":
        return [(each.name, each.title) for each in book.promoters.listed([account], limit=MOST_OFFERED)]
    if by == "group":
        return [(each, each) for each in book.book.groups(account, limit=MOST_OFFERED)]
    if by == "scene":
        return []
    return [(each.name, each.title) for each in book.book.listed([account], Filter(), limit=MOST_OFFERED)]
