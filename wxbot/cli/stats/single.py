"""All about one channel, group, promoter or scene; and who stays."""

from typing import TYPE_CHECKING

import click

from wxbot.cli.output import print_table
from wxbot.cli.stats.parts import (
    Asked,
    Read,
    common,
    heading,
    of_options,
    opened,
    print_csv,
    print_data,
    print_days,
    print_totals,
    read_of,
    sparkline,
)
from wxbot.clock import DAY_SECONDS

if TYPE_CHECKING:
    from wxbot.analytics.figures import Of
    from wxbot.analytics.shapes import ChannelFigures, Hours, Retention

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@click.command()
@of_options
@common
def show(asked: Asked, *, kind: str | None, name: str | None) -> None:
    """Show all about the channel NAME, or about what --of says.

    What it won and lost beside the period before, who stayed, and at which hours people scan.
    """
    of = read_of(kind, name)
    with opened(asked) as read:
        require(read, of)
        found = read.figures.about(read.account, of, read.period)
    if asked.as_json:
        print_data(found)
    elif asked.as_csv:
        print_days(found.days)
    else:
        _print(read, found)


@click.command()
@of_options
@common
def retention(asked: Asked, *, kind: str | None, name: str | None) -> None:
    """Show who stays of those who were new, of all or of NAME.

    After a day, seven and thirty; by the day or week on which they came; and how long those stayed who left.
    """
    of = read_of(kind, name)
    with opened(asked) as read:
        require(read, of)
        found = read.figures.retention(read.account, read.period, of)
    if asked.as_json:
        print_data(found)
    elif asked.as_csv:
        kept = [each.days for each in found.kept]
        rows = [
            (each.first, each.last, each.new, *(each.kept.get(days) for days in kept))
            for each in found.cohorts
        ]
        print_csv(("first", "last", "new", *(f"day_{days}" for days in kept)), rows)
    else:
        heading(read, _title(of, read.account))
        _print_retention(found)
        _print_cohorts(found)


def require(read: Read, of: "Of") -> None:
    """Raise ChannelUnknownError for a channel or promoter that is not there: its figures would be zero."""
    from wxbot.channels.promoters import Promoters
    from wxbot.channels.store import Channels
    from wxbot.qrcodes.kinds import check_scene
    from wxbot.qrcodes.numbers import Numbers

    if of.kind == "channel":
        Channels(read.engine, check_scene=check_scene, numbers=Numbers(read.engine)).find(
            read.account, of.name
        )
    elif of.kind == "promoter":
        Promoters(read.engine).find(read.account, of.name)


def _print(read: Read, found: "ChannelFigures") -> None:
    heading(read, _title(found.of, read.account))
    print_totals(found.totals, found.before, found.days)
    click.echo()
    _print_retention(found.retention)
    click.echo()
    _print_hours(found.hours)


def _print_retention(found: "Retention") -> None:
    rows = [
        (
            f"after {each.days} {'day' if each.days == 1 else 'days'}",
            str(each.new),
            str(each.kept),
            "" if each.share is None else f"{each.share:.1%}",
        )
        for each in found.kept
    ]
    print_table(("who stays", "of new", "stayed", "share"), rows)
    if found.left:
        click.echo(
            f"{found.left} have left, half of them stayed at least {_duration(found.median_seconds or 0)}"
        )


def _print_cohorts(found: "Retention") -> None:
    kept = [each.days for each in found.kept]
    rows = []
    for each in found.cohorts:
        shares = [_share(each.kept.get(days), each.new) for days in kept]
        when = str(each.first) if each.first == each.last else f"{each.first} to {each.last}"
        rows.append((when, str(each.new), *shares))
    print_table(("came", "new", *(f"day {days}" for days in kept)), rows)


def _print_hours(found: "Hours") -> None:
    rows = [(day, sparkline(cells), f"{sum(cells):,}") for day, cells in zip(_DAYS, found.cells, strict=True)]
    print_table(("scans by", "0 to 23 h", "all"), rows)


def _title(of: "Of", account: str) -> str:
    if of.kind == "account":
        return f"Account {account}"
    return f"{of.kind.capitalize()} {of.name}" if of.name else "Without a code"


def _share(kept: int | None, new: int) -> str:
    return "" if kept is None or not new else f"{kept / new:.0%}"


def _duration(seconds: int) -> str:
    for unit, length in (("days", DAY_SECONDS), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} seconds"
