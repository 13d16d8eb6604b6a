"""The channels of an account: found, made, changed, archived, and listed with their figures."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask import Response, request

from wxbot.admin import channel_form, exports
from wxbot.admin.area import Area, Go, Page
from wxbot.admin.asked import asked_text
from wxbot.admin.channel_words import WORDS
from wxbot.admin.differences import differences
from wxbot.admin.faults import all_told
from wxbot.admin.figure_parts import MOST_OFFERED, FigureParts
from wxbot.admin.lookups import channel_of
from wxbot.admin.periods import USUAL
from wxbot.admin.visit import Visit
from wxbot.analytics.shapes import Period, Totals
from wxbot.channels.channel import Channel, ChannelRefusedError, ChannelTakenError, State
from wxbot.channels.store import Filter
from wxbot.clock import CHINA
from wxbot.errors import WxbotError
from wxbot.spreadsheet import Cell

PAGE = 50
SHOWN = ("scans", "scanners", "new", "lost", "net")
_EXPORTED = (*SHOWN, "refollows", "unfollows", "gone", "staying", "claims", "converted")
_EXPORT_PAGE = 500


def views(parts: FigureParts) -> Area:
    """Return `/admin/channels` and the forms of one channel."""
    area = Area("channels", words=WORDS)
    area.entry("listed", group="figures", word="channels", icon="channels", order=10)
    _add_list(area, parts)
    _add_making(area, parts)
    _add_changing(area, parts)
    _add_archiving(area, parts)
    return area


def _add_list(area: Area, parts: FigureParts) -> None:
    @area.get("/channels")
    def listed(visit: Visit) -> Page:
        asked = parts.asked(visit)
        after = request.args.get("after", "")
        found = parts.channels.book.listed(
            [visit.account],
            _filter(parts),
            after=(visit.account, after) if after.isprintable() and after else None,
            limit=PAGE + 1,
        )
        page = found[:PAGE]
        return Page(
            "admin/channels.html",
            title=visit.t.channels,
            found=page,
            next=page[-1].name if len(found) > PAGE else None,
            figures=_figures(parts, visit.account, page, asked.period),
            shown=SHOWN,
            asked=asked,
            usual=USUAL,
            groups=parts.channels.book.groups(visit.account, limit=MOST_OFFERED),
            promoters=parts.channels.promoters.listed([visit.account], limit=MOST_OFFERED),
            states=list(State),
            typed=request.args,
            is_narrowed=any(request.args.get(name) for name in ("q", "group", "promoter", "state")),
            now=parts.seconds,
        )

    @area.get("/channels.csv")
    def export(visit: Visit) -> Response:
        asked, wanted, account, t = parts.asked(visit), _filter(parts), visit.account, visit.t
        words = ("name", "title", "scene", "state", "group", "promoter", "channel_owner")
        headings = [t[each] for each in (*words, *_EXPORTED)]

        def rows() -> Iterator[Sequence[Cell]]:
            for channels in _all(parts, account, wanted):
                figures = _figures(parts, account, channels, asked.period)
                for each in channels:
                    state = t[each.state(parts.seconds)]
                    about = (each.name, each.title, each.scene, state, each.group, each.promoter, each.owner)
                    yield (*about, *(getattr(figures[each.name], name) for name in _EXPORTED))

        return exports.download("channels", headings, rows(), asked)


def _add_making(area: Area, parts: FigureParts) -> None:
    @area.get("/new-channel", role="operator")
    def new(visit: Visit) -> Page:
        return _form(parts, visit, known=None, typed=channel_form.shown(None, CHINA), faults={})

    @area.post("/new-channel", role="operator", keeps=True)
    def create(visit: Visit) -> Page | Go:
        filled = channel_form.read(request.form, CHINA)
        faults = {**parts.channels.book.faults(visit.account, filled.wanted), **filled.faults}
        if not faults:
            try:
                with parts.channels.book.prepared(visit.account, filled.wanted) as prepared:
                    made = parts.channels.book.create(visit.account, prepared)
            except ChannelRefusedError as error:
                faults = dict(error.faults)
            except ChannelTakenError as error:
                faults = {"name": str(error)}
            except WxbotError as error:  # no number is free
                faults = {"scene": str(error)}
        if faults:
            return _form(parts, visit, known=None, typed=filled.typed, faults=faults)
        visit.audit("channel.create", made.name, scene=made.scene)
        visit.tell("channel_made", made.title)
        return Go(visit.url("channel.one", name=made.name))


def _add_changing(area: Area, parts: FigureParts) -> None:
    @area.get("/channels/<name>/edit", role="operator")
    def edit(visit: Visit, name: str) -> Page:
        known = channel_of(parts, visit, name)
        return _form(parts, visit, known=known, typed=channel_form.shown(known, CHINA), faults={})

    @area.post("/channels/<name>/edit", role="operator", keeps=True)
    def change(visit: Visit, name: str) -> Page | Go:
        known = channel_of(parts, visit, name)
        filled = channel_form.read(request.form, CHINA)
        changed, faults = _changed(parts, known, filled)
        if faults:
            typed = filled.shown_again(known, CHINA)
            return _form(parts, visit, known=known, typed=typed, faults=faults)
        if changed:
            visit.audit("channel.change", name, changed=changed)
            visit.tell("channel_changed")
        return Go(visit.url("channel.one", name=name))


def _changed(
    parts: FigureParts, known: Channel, filled: channel_form.Filled
) -> tuple[dict[str, Any], dict[str, str]]:
    """Change a channel as the form says; return what has changed by it, and what keeps it from that."""
    book, faults = parts.channels.book, filled.faults | filled.contested(known, CHINA)
    wanted = filled.changes(known, CHINA)
    changes = {field: value for field, value in wanted.items() if field not in faults}
    if "title" in changes:
        changes["title"] = changes["title"] or ""
    try:
        if faults:
            book.check_change(known, changes)
        elif changes:
            after = book.change(known.account, known.name, changes)
            return differences(known, after, changes), {}
    except ChannelRefusedError as error:
        faults = {**error.faults, **faults}
    return {}, faults


def _add_archiving(area: Area, parts: FigureParts) -> None:
    book = parts.channels.book

    @area.post("/channels/<name>/archive", role="operator")
    def archive(visit: Visit, name: str) -> Go:
        channel_of(parts, visit, name)
        book.archive(visit.account, name)
        visit.audit("channel.archive", name)
        visit.tell("channel_archived")
        return Go(visit.url("channel.one", name=name))

    @area.post("/channels/<name>/restore", role="operator")
    def restore(visit: Visit, name: str) -> Go:
        channel_of(parts, visit, name)
        book.restore(visit.account, name)
        visit.audit("channel.restore", name)
        visit.tell("channel_restored")
        return Go(visit.url("channel.one", name=name))


def _form(
    parts: FigureParts,
    visit: Visit,
    *,
    known: Channel | None,
    typed: Mapping[str, str],
    faults: Mapping[str, str],
) -> Page:
    names = parts.channels.promoters.listed([visit.account], limit=MOST_OFFERED)
    return Page(
        "admin/channel_form.html",
        title=visit.t.new_channel if known is None else visit.t.edit_channel.format(known.title),
        status=422 if faults else 200,
        known=known,
        typed=typed,
        faults=all_told(faults, visit.language),
        groups=parts.channels.book.groups(visit.account, limit=MOST_OFFERED),
        promoters=names,
        replies=channel_form.REPLIES,
        kinds=channel_form.REPLY_KINDS,
        article_fields=channel_form.ARTICLE_FIELDS,
        rooms={name: channel_form.articles_to_show(typed, name) for name in channel_form.REPLIES},
    )


def _filter(parts: FigureParts) -> Filter:
    """Return which channels the request asks for: those that are not archived, unless it names a state."""
    asked = {name: asked_text(name).strip() for name in ("q", "group", "promoter", "state")}
    is_state = asked["state"] in list(State)
    return Filter(
        text=asked["q"] or None,
        group=asked["group"] or None,
        promoter=asked["promoter"] or None,
        is_archived=None if asked["state"] == "all" else False,
        standing=(State(asked["state"]), parts.seconds) if is_state else None,
    )


def _figures(
    parts: FigureParts, account: str, channels: Sequence[Channel], period: Period
) -> dict[str, Totals]:
    found = parts.figures.named(account, period, [each.name for each in channels])
    return {each.name: found[each.name].totals for each in channels}


def _all(parts: FigureParts, account: str, wanted: Filter) -> Iterator[list[Channel]]:
    after: tuple[str, str] | None = None
    while True:
        found = parts.channels.book.listed([account], wanted, after=after, limit=_EXPORT_PAGE)
        if found:
            yield found
        if len(found) < _EXPORT_PAGE:
            return
        after = account, found[-1].name
