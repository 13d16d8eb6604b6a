"""Promoters: how far each has come towards the target, and the forms that name and change them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, request

from wxbot.admin import exports, seen
from wxbot.admin.area import Area, Go, Page
from wxbot.admin.changes import against, change
from wxbot.admin.charts import share_bar
from wxbot.admin.differences import differences
from wxbot.admin.faults import all_told
from wxbot.admin.figure_parts import FigureParts
from wxbot.admin.lookups import promoter_of
from wxbot.admin.periods import USUAL
from wxbot.admin.promoter_words import WORDS
from wxbot.admin.scales import percent, short
from wxbot.admin.trends import MOVES, trend_chart
from wxbot.admin.visit import Visit
from wxbot.analytics.shapes import Line, Of, Period, Totals
from wxbot.channels.channel import ChannelRefusedError, ChannelTakenError
from wxbot.channels.promoter import Promoter
from wxbot.channels.store import Filter
from wxbot.spreadsheet import Cell

PAGE = 50
SHOWN = ("scans", "new", "lost", "net")
TILES = ("scans", "new", "lost", "net", "staying")
_EXPORT_PAGE = 500


@dataclass(frozen=True)
class Standing:
    """A promoter, and how they stand: figures of the period, all new followers ever against the target."""

    promoter: Promoter
    totals: Totals
    channels: int
    reached: float | None


def views(parts: FigureParts) -> Area:
    """Return `/admin/promoters` and the pages of one."""
    area = Area("promoters", words=WORDS)
    area.entry("listed", group="figures", word="promoters", icon="promoters", order=20)
    _add_reading(area, parts)
    _add_page(area, parts)
    _add_making(area, parts)
    _add_changing(area, parts)
    return area


def standings(
    parts: FigureParts, account: str, promoters: Sequence[Promoter], period: Period
) -> list[Standing]:
    """Return how promoters stand."""
    found = parts.figures.named(account, period, [each.name for each in promoters], by="promoter")
    return [_standing(each, found[each.name]) for each in promoters]


def _standing(promoter: Promoter, line: Line) -> Standing:
    return Standing(promoter, line.totals, line.channels, line.reached)


def _add_reading(area: Area, parts: FigureParts) -> None:
    book = parts.channels.promoters

    @area.get("/promoters")
    def listed(visit: Visit) -> Page:
        asked, after = parts.asked(visit), request.args.get("after", "")
        is_archived = request.args.get("state") == "archived"
        found = book.listed(
            [visit.account],
            is_archived=is_archived,
            after=(visit.account, after) if after and after.isprintable() else None,
            limit=PAGE + 1,
        )
        return Page(
            "admin/promoters.html",
            title=visit.t.promoters,
            found=standings(parts, visit.account, found[:PAGE], asked.period),
            next=found[PAGE - 1].name if len(found) > PAGE else None,
            is_archived=is_archived,
            asked=asked,
            usual=USUAL,
            shown=SHOWN,
            typed=request.args,
            percent=percent,
            share_bar=share_bar,
        )

    @area.get("/promoters.csv")
    def export(visit: Visit) -> Response:
        asked, account, t = parts.asked(visit), visit.account, visit.t
        words = ("name", "title", "state", "target", "reached", "channels_count")
        headings = [t[each] for each in (*words, *SHOWN)]

        def rows() -> Iterator[Sequence[Cell]]:
            after: tuple[str, str] | None = None
            while found := book.listed([account], is_archived=None, after=after, limit=_EXPORT_PAGE):
                for each in standings(parts, account, found, asked.period):
                    known = each.promoter
                    state = t.in_use if known.archived_at is None else t.archived
                    about = (known.name, known.title, state, known.target, each.reached, each.channels)
                    yield (*about, *(getattr(each.totals, name) for name in SHOWN))
                after = account, found[-1].name

        return exports.download("promoters", headings, rows(), asked)


def _add_page(area: Area, parts: FigureParts) -> None:
    @area.get("/promoters/<name>")
    def one(visit: Visit, name: str) -> Page:
        known, asked, t = promoter_of(parts, visit, name), parts.asked(visit), visit.t
        figures = parts.figures.about(visit.account, Of("promoter", name), asked.period)
        channels = parts.channels.book.listed(
            [visit.account], Filter(promoter=name, is_archived=None), limit=PAGE
        )
        counted = parts.figures.named(visit.account, asked.period, [each.name for each in channels])
        return Page(
            "admin/promoter.html",
            title=known.title,
            standing=standings(parts, visit.account, [known], asked.period)[0],
            asked=asked,
            usual=USUAL,
            tiles=[change(key, figures.totals, figures.before, t) for key in TILES],
            against=against(asked, t),
            chart=trend_chart(t.followers_trend, [(t[key], figures.days, key) for key in MOVES], t),
            channels=[(each, counted[each.name].totals) for each in channels],
            shown=SHOWN,
            short=short,
            percent=percent,
            share_bar=share_bar,
        )


def _add_making(area: Area, parts: FigureParts) -> None:
    @area.get("/new-promoter", role="operator")
    def new(visit: Visit) -> Page:
        return _form(visit, known=None, typed={}, faults={})

    @area.post("/new-promoter", role="operator", keeps=True)
    def create(visit: Visit) -> Page | Go:
        typed = _typed()
        try:
            values = _values(typed)
            made = parts.channels.promoters.create(visit.account, typed.get("name", ""), **values)
        except ChannelRefusedError as error:
            return _form(visit, known=None, typed=typed, faults=error.faults)
        except ChannelTakenError as error:
            return _form(visit, known=None, typed=typed, faults={"name": str(error)})
        visit.audit("promoter.create", made.name)
        visit.tell("promoter_made", made.title)
        return Go(visit.url("promoters.one", name=made.name))


def _add_changing(area: Area, parts: FigureParts) -> None:
    book = parts.channels.promoters

    @area.get("/promoters/<name>/edit", role="operator")
    def edit(visit: Visit, name: str) -> Page:
        known = promoter_of(parts, visit, name)
        shown = _shown(known)
        return _form(visit, known=known, typed=shown | seen.marks(shown), faults={})

    @area.post("/promoters/<name>/edit", role="operator", keeps=True)
    def change_it(visit: Visit, name: str) -> Page | Go:
        known, typed = promoter_of(parts, visit, name), _typed()
        now = _shown(known)
        found = seen.compared(typed, {each: typed.get(each, "") for each in now}, now)
        try:
            if found.contested:
                raise ChannelRefusedError(seen.faults(found.contested, now))
            changes = {each: value for each, value in _values(typed).items() if each in found.touched}
            after = book.change(visit.account, name, changes) if changes else known
        except ChannelRefusedError as error:
            typed |= {each: now[each] for each in found.stale} | seen.marks(now)
            return _form(visit, known=known, typed=typed, faults=error.faults)
        if changed := differences(known, after, changes):
            visit.audit("promoter.change", name, changed=changed)
        visit.tell("promoter_changed")
        return Go(visit.url("promoters.one", name=name))

    @area.post("/promoters/<name>/archive", role="operator")
    def archive(visit: Visit, name: str) -> Go:
        promoter_of(parts, visit, name)
        book.archive(visit.account, name)
        visit.audit("promoter.archive", name)
        visit.tell("promoter_archived")
        return Go(visit.url("promoters.one", name=name))

    @area.post("/promoters/<name>/restore", role="operator")
    def restore(visit: Visit, name: str) -> Go:
        promoter_of(parts, visit, name)
        book.restore(visit.account, name)
        visit.audit("promoter.restore", name)
        visit.tell("promoter_restored")
        return Go(visit.url("promoters.one", name=name))


def _typed() -> dict[str, str]:
    return {name: text.strip() for name, text in request.form.items()}


def _shown(known: Promoter) -> dict[str, str]:
    return {"title": known.title, "target": "" if known.target is None else str(known.target)}


def _values(typed: Mapping[str, str]) -> dict[str, Any]:
    """Return title and target as they were typed."""
    target = typed.get("target", "")
    # What has more digits than any target is refused below, as is whatever is no number.
    is_number = target.isascii() and target.isdecimal() and len(target) <= 10
    return {
        "title": typed.get("title", ""),
        "target": None if not target else int(target) if is_number else 0,
    }


def _form(
    visit: Visit, *, known: Promoter | None, typed: Mapping[str, str], faults: Mapping[str, str]
) -> Page:
    return Page(
        "admin/promoter_form.html",
        title=visit.t.new_promoter if known is None else visit.t.edit_promoter.format(known.title),
        status=422 if faults else 200,
        known=known,
        typed=typed,
        faults=all_told(faults, visit.language),
    )
