"""What is doubtful about figures: followers who look bought, and events that were missed."""

import click

from wxbot.cli.output import print_table
from wxbot.cli.stats.parts import Asked, common, heading, opened, print_csv, print_data

_REASONS = {
    "quick": "left within ten minutes",
    "turning": "followed four times and more",
    "burst": "came at once",
}
_SUSPECT = ("channel", "title", "promoter", "reason", "count", "out_of", "on", "minute")
_GAP = (
    *("date", "follows_wechat", "follows", "scanned_wechat", "scanned", "unfollows_wechat"),
    "unfollows",
)

_MISSED = (
    "WeChat counted {0.missed_follows} more follows, {0.missed_scanned} more follows by codes, "
    "{0.missed_unfollows} more unfollows than wxbot"
)
_OTHER_DAYS = (
    "WeChat counts by days in China, wxbot by those of `[analytics] timezone`: they do not match, so the "
    "counts of a day differ even if nothing was missed"
)


@click.command()
@common
def suspects(asked: Asked) -> None:
    """Show channels whose followers look bought (刷关注)."""
    with opened(asked) as read:
        found = read.figures.suspects(read.account, read.period)
    if asked.as_json:
        print_data(found)
        return
    rows = [
        (
            *(each.of.name, each.title, each.promoter, each.reason, each.count, each.out_of),
            *(each.on, each.minute),
        )
        for each in found
    ]
    if asked.as_csv:
        print_csv(_SUSPECT, rows)
    elif rows:
        heading(read, f"Account {read.account}")
        shown = [
            (
                *(each.of.name, each.title, each.promoter or "", _REASONS[each.reason]),
                *(str(each.count), str(each.out_of), _when(each.on, each.minute)),
            )
            for each in found
        ]
        print_table(("channel", "title", "promoter", "new followers who", "many", "of", "when"), shown)
    else:
        click.echo("None: nothing looks bought on these days.")


@click.command()
@common
def gap(asked: Asked) -> None:
    """Show WeChat's own counts beside ours, day by day: what it has more was missed."""
    with opened(asked) as read:
        found = read.figures.gap(read.account, read.period)
    rows = [tuple(getattr(each, name) for name in _GAP) for each in found.days]
    if asked.as_json:
        print_data(found)
    elif asked.as_csv:
        print_csv(_GAP, rows)
    elif rows:
        heading(read, f"Account {read.account}")
        print_table([name.replace("_", " ") for name in _GAP], [tuple(map(str, row)) for row in rows])
        click.echo(_MISSED.format(found) if found.days_match else _OTHER_DAYS)
    else:
        click.echo("WeChat has not told of these days; a worker asks it once a day.")


def _when(day: object, minute: int | None) -> str:
    return "" if day is None or minute is None else f"{day} {minute // 60:02}:{minute % 60:02}"
