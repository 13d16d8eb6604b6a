"""`wxbot stats overview`: an account at a glance, or the best of it."""

from typing import TYPE_CHECKING, cast

import click

from wxbot.cli.output import moment, warn
from wxbot.cli.stats.board import ORDERS, print_board
from wxbot.cli.stats.parts import (
    NAMED,
    Asked,
    Read,
    common,
    heading,
    opened,
    print_data,
    print_days,
    print_totals,
)

if TYPE_CHECKING:
    from wxbot.analytics.shapes import By, Order, Overview


@click.command()
@click.option("--by", type=click.Choice(NAMED), help="A line for each channel, group, promoter or scene.")
@click.option(
    "--order", type=click.Choice(ORDERS), default="new", show_default=True, help="Of --by: the most first."
)
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="Of --by: how many lines."
)
@common
def overview(asked: Asked, *, by: str | None, order: str, limit: int) -> None:
    """Show what an account won and lost, beside the period before.

    With --by: which channels, groups, promoters or scenes did that.
    """
    with opened(asked) as read:
        if by is not None:
            print_board(read, asked, by=cast("By", by), order=cast("Order", order), limit=limit)
            return
        found = read.figures.overview(read.account, read.period)
    if asked.as_json:
        print_data(found)
    elif asked.as_csv:
        print_days(found.days)
    else:
        _print(read, found)
    if found.counted_until is None:
        warn("Nothing has been counted yet; a worker does that once a minute.")


def _print(read: Read, found: "Overview") -> None:
    heading(read, f"Account {read.account}")
    print_totals(found.totals, found.before, found.days)
    without = found.without_code
    click.echo(f"Without a code: {without.new:,} new, {without.gone:,} of them gone")
    if found.counted_until is not None:
        by = f"days in {found.timezone}, {found.attribution} touch"
        click.echo(f"Counted until {moment(found.counted_until)}; {by}")
