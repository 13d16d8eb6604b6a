"""Boards: channels, groups, promoters and scenes in order of a figure."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Select, func, select

from wxbot.analytics.naming import GROUP, PROMOTER, of_channel
from wxbot.analytics.reading import Reading
from wxbot.analytics.shapes import Board, By, Line, Of, Order, Period, Totals
from wxbot.analytics.units import LEVELS, SIZES, unit
from wxbot.db.business import channels, promoters
from wxbot.db.figures import counts, scenes

# Figures that are made of two.
_FIGURES = {"net": ("new", "lost"), "staying": ("new", "gone")}
# Among which lines a board looks; None: all of them, which are mostly scenes.
_KINDS: dict[By, str | None] = {"channel": None, "scene": None, "group": GROUP, "promoter": PROMOTER}
_NAMED = {"channel": (channels, channels.c.name), "promoter": (promoters, promoters.c.name)}


def board(reading: Reading, period: Period, *, by: By, order: Order, limit: int, offset: int) -> Board:
    """Return a page of a board, and how many lines there are.

    All are put in order by one figure, and only the page is read whole.
    """
    ordered = _ordered(reading, period, by, order).add_columns(func.count().over().label("total"))
    rows = reading.connection.execute(ordered.limit(limit).offset(offset)).all()
    ids = [row.number for row in rows]
    totals, seen = reading.totals_by_scene(ids, period), reading.scanners_by_scene(ids, period)
    many = _channels_of(reading, [row.name for row in rows], by)
    lines = []
    for id, row in zip(ids, rows, strict=True):
        more = {"group": row.group_name, "promoter": row.promoter} if by == "channel" else {}
        figures = replace(totals.get(id, Totals()), scanners=seen.get(id, 0))
        title = row.title if by == "channel" else row.name
        lines.append(
            Line(of=Of(by, row.name), title=title, totals=figures, channels=many.get(row.name, 1), **more)
        )
    lines = _with_targets(reading, lines) if by == "promoter" else lines
    return Board(lines=tuple(lines), total=rows[0].total if rows else 0)


def ranking(reading: Reading, period: Period, *, by: By, order: Order) -> dict[str, str]:
    """Return the names of all lines of a board in their order; of channels, with their titles."""
    rows = reading.connection.execute(_ordered(reading, period, by, order))
    return {row.name: row.title if by == "channel" else row.name for row in rows}


def named(reading: Reading, period: Period, names: Sequence[str], *, by: By) -> dict[str, Line]:
    """Return the line of each of these, also of one for which nothing was counted; titles are the names."""
    ids = _scenes_by_name(reading, names, by) if names else {}
    totals = reading.totals_by_scene(list(ids.values()), period)
    seen = reading.scanners_by_scene(list(ids.values()), period)
    many = _channels_of(reading, names, by)
    lines = []
    for name in names:
        id = ids.get(name, 0)
        figures = replace(totals.get(id, Totals()), scanners=seen.get(id, 0))
        lines.append(Line(of=Of(by, name), title=name, totals=figures, channels=many.get(name, 1)))
    if by == "promoter":
        lines = _with_targets(reading, lines)
    return {line.of.name: line for line in lines}


def title_of(connection: Connection, account: str, of: Of) -> str:
    """Return what people call something; the name where there is no title."""
    if of.kind not in _NAMED:
        return of.name
    table, name = _NAMED[of.kind]
    query = select(table.c.title).where(table.c.account == account, name == of.name)
    return connection.execute(query).scalar_one_or_none() or of.name


def _ordered(reading: Reading, period: Period, by: By, order: Order) -> Select[Any]:
    found = reading.ranked(period, _FIGURES.get(order, (order,)), kind=_KINDS[by]).subquery("found")
    joined = scenes.join(found, found.c.scene == scenes.c.id)
    if by == "channel":
        name, joined = channels.c.name, joined.join(channels, of_channel())
        query = select(channels, found.c.scene.label("number")).where(channels.c.account == reading.account)
    else:
        name = scenes.c.scene
        query = select(name.label("name"), found.c.scene.label("number")).where(scenes.c.kind == by)
    is_counted = found.c.anything > 0
    return query.select_from(joined).where(is_counted).order_by(found.c.figure.desc(), name)


def _channels_of(reading: Reading, names: Sequence[str], by: By) -> dict[str, int]:
    """Return how many channels groups or promoters have now, archived ones as well."""
    if by not in ("group", "promoter"):
        return {}
    column = channels.c.group_name if by == "group" else channels.c.promoter
    mine = channels.c.account == reading.account, column.in_(names)
    query = select(column, func.count()).where(*mine).group_by(column)
    counted = {name: int(many) for name, many in reading.connection.execute(query)}
    return dict.fromkeys(names, 0) | counted


def _scenes_by_name(reading: Reading, names: Sequence[str], by: By) -> dict[str, int]:
    """Return the numbers of the lines that these have."""
    if by == "channel":
        query = select(channels.c.name, scenes.c.id).select_from(channels).join(scenes, of_channel())
        query = query.where(channels.c.account == reading.account, channels.c.name.in_(names))
    else:
        query = select(scenes.c.scene, scenes.c.id).where(
            scenes.c.account == reading.account, scenes.c.scene.in_(names), scenes.c.kind == by
        )
    return {row[0]: row[1] for row in reading.connection.execute(query)}


def _with_targets(reading: Reading, lines: Sequence[Line]) -> list[Line]:
    """Add what promoters are to win, and how far they have come in all time."""
    query = select(promoters.c.name, promoters.c.title, promoters.c.target).where(
        promoters.c.account == reading.account, promoters.c.name.in_([line.of.name for line in lines])
    )
    known = {row.name: row for row in reading.connection.execute(query)}
    wanted = [name for name, row in known.items() if row.target]
    by_scene = _scenes_by_name(reading, wanted, "promoter") if wanted else {}
    ever = _new_ever(reading, list(by_scene.values())) if wanted else {}
    completed = []
    for line in lines:
        row = known.get(line.of.name)
        target = row.target if row else None
        new = ever.get(by_scene.get(line.of.name, 0), 0)
        reached = new / target if target else None
        title = row.title if row else line.title
        completed.append(replace(line, title=title, target=target, reached=reached))
    return completed


def _new_ever(reading: Reading, ids: Sequence[int]) -> dict[int, int]:
    """Return all new followers of scenes: the largest blocks are few, and hold every day there is."""
    mine = counts.c.edition == reading.edition, counts.c.account == reading.account
    edges = select(func.min(counts.c.unit), func.max(counts.c.unit))
    is_largest = counts.c.unit >= unit(LEVELS[-1], 0)
    first, last = reading.connection.execute(edges.where(*mine, is_largest)).one()
    if first is None:
        return {}
    # Each by name, not as a range: of that a database would read what it has of all scenes.
    blocks = range(first, last + 1, SIZES[-1])
    query = (
        select(counts.c.scene, func.sum(counts.c.new))
        .where(*mine, counts.c.unit.in_(blocks), counts.c.scene.in_(ids))
        .group_by(counts.c.scene)
    )
    return {scene: int(new) for scene, new in reading.connection.execute(query)}
