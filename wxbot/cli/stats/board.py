"""Boards, and things side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from wxbot.cli.output import print_table
from wxbot.cli.stats.parts import (
    NAMED,
    PERIOD_FIGURES,
    Asked,
    Read,
    change,
    common,
    heading,
    opened,
    print_csv,
    print_data,
    read_of,
)
from wxbot.cli.stats.single import require

if TYPE_CHECKING:
    from wxbot.analytics.shapes import Board, By, Comparison, Line, Order

ORDERS = (
    *("scans", "new", "refollows", "unfollows", "lost", "net", "gone", "staying", "claims", "converted"),
    "quick",
)
_COLUMNS = ("scans", "scanners", "new", "refollows", "lost", "net", "staying", "claims")
_EXPORTED = ("scans", "scanners", *PERIOD_FIGURES[1:])


@click.command()
@click.argument("names", nargs=-1, required=True)
@click.option(
    "--of",
    "kind",
    type=click.Choice(NAMED),
    default="channel",
    show_default=True,
    help="What the NAMES are.",
)
@common
def compare(asked: Asked, *, names: tuple[str, ...], kind: str) -> None:
    """Show several channels side by side, NAMES, each beside the period before."""
    with opened(asked) as read:
        of = [read_of(kind, name) for name in names]
        for each in of:
            require(read, each)
        found = read.figures.compare(read.account, read.period, of)
    if asked.as_json:
        print_data(found)
    elif asked.as_csv:
        _export(found)
    else:
        heading(read, f"Account {read.account}")
        _print(found)


def print_board(read: Read, asked: Asked, *, by: "By", order: "Order", limit: int) -> None:
    """Print a board in the form that was asked for; for people, beside the period before."""
    board = read.figures.leaderboard(read.account, read.period, by=by, order=order, limit=limit)
    if asked.as_json:
        print_data(board)
        return
    details = _details(by)
    if asked.as_csv:
        rows = [
            (line.of.name, *(getattr(line, each) for each in details), *_figures(line, _EXPORTED))
            for line in board.lines
        ]
        print_csv(("name", *details, *_EXPORTED), rows)
        return
    heading(read, f"Account {read.account} by {by}")
    _print_lines(read, board, by=by, order=order)


def _details(by: "By") -> tuple[str, ...]:
    more = {"channel": ("title", "group", "promoter"), "promoter": ("title", "channels", "target", "reached")}
    return more.get(by, ("channels",) if by == "group" else ())


def _print_lines(read: Read, board: "Board", *, by: "By", order: "Order") -> None:
    details = _details(by)
    against = read.figures.compare(read.account, read.period, [line.of for line in board.lines])
    rows = []
    for line, both in zip(board.lines, against.lines, strict=True):
        grown = change(getattr(both.totals, order), getattr(both.before, order))
        told = [_word(getattr(line, each), each) for each in details]
        rows.append((line.of.name, *told, *map(_number, _figures(line, _COLUMNS)), grown))
    print_table((by, *details, *_COLUMNS, f"{order} to before"), rows)
    if board.total > len(board.lines):
        click.echo(f"{len(board.lines)} of {board.total}; --limit shows more")
    elif not board.lines:
        click.echo("Nothing was counted on these days.")


def _print(found: "Comparison") -> None:
    rows = []
    for line in found.lines:
        for name in ("scans", "scanners", "new", "lost", "net", "staying", "claims"):
            now, then = getattr(line.totals, name), getattr(line.before, name)
            rows.append((line.of.name, line.title, name, _number(now), _number(then), change(now, then)))
    print_table(("name", "title", "", "period", "before", "change"), rows)


def _export(found: "Comparison") -> None:
    columns = [f"{name}{when}" for when in ("", "_before") for name in _EXPORTED]
    rows = [
        (
            line.of.name,
            line.title,
            *(getattr(each, name) for each in (line.totals, line.before) for name in _EXPORTED),
        )
        for line in found.lines
    ]
    print_csv(("name", "title", *columns), rows)


def _figures(line: "Line", names: Sequence[str]) -> list[int | None]:
    return [getattr(line.totals, name) for name in names]


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _word(value: object, name: str) -> str:
    if value is None:
        return ""
    return f"{value:.0%}" if name == "reached" else str(value)
