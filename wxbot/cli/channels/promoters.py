"""`wxbot channels promoters`: who is to win followers, and how far they have come."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from wxbot.cli.channels.parts import Books, opened_books, period_options
from wxbot.cli.output import print_json, print_table
from wxbot.cli.qr.parts import Asked, common

if TYPE_CHECKING:
    from wxbot.analytics.shapes import Line
    from wxbot.channels.promoter import Promoter

Came = list[tuple["Promoter", "Line"]]


@click.group()
def promoters() -> None:
    """Name who promotes the account, and see how far they have come."""


@promoters.command(name="list")
@click.option("--archived", is_flag=True, help="Only those who are archived.")
@period_options
@common
def list_command(asked: Asked, *, archived: bool, **given: Any) -> None:
    """List promoters, with the new followers that came through their channels."""
    with opened_books(asked.account) as books:
        progress = _came(books, books.promoters.listed([books.account], is_archived=archived), given)
    if asked.as_json:
        print_json([_data(*each) for each in progress])
    elif progress:
        _print(progress)
    else:
        click.echo("There is none. Name one with: wxbot channels promoters add NAME --target 100")


@promoters.command()
@click.argument("name")
@period_options
@common
def show(asked: Asked, *, name: str, **given: Any) -> None:
    """Show how far the promoter NAME has come, channel by channel."""
    from wxbot.channels.store import Filter

    with opened_books(asked.account) as books:
        progress = _came(books, [books.promoters.find(books.account, name)], given)
        theirs = books.all(Filter(promoter=name, is_archived=None))
        lines = books.came([each.name for each in theirs], **given)
    figures = {name: line.totals.came() for name, line in lines.items()}
    if asked.as_json:
        print_json({**_data(*progress[0]), "of_channels": figures})
        return
    _print(progress)
    rows = [(each.name, each.title, *map(str, figures[each.name].values())) for each in theirs]
    if rows:
        click.echo()
        print_table(("channel", "title", "scanners", "new", "gone", "scans"), rows)


@promoters.command()
@click.argument("name")
@click.option("--title", help="What people call them, as in 李推广; the name unless given.")
@click.option("--target", type=click.IntRange(min=1), help="How many new followers they are to win.")
@common
def add(asked: Asked, *, name: str, title: str | None, target: int | None) -> None:
    """Name the promoter NAME."""
    with opened_books(asked.account) as books:
        made = books.promoters.create(books.account, name, title=title or "", target=target)
        progress = _came(books, [made])
    _told(progress, asked)


@promoters.command()
@click.argument("name")
@click.option("--title", help="What people call them.")
@click.option(
    "--target", type=click.IntRange(min=0), help="How many new followers they are to win; 0 for none."
)
@common
def change(asked: Asked, *, name: str, title: str | None, target: int | None) -> None:
    """Change the promoter NAME; what is not given stays."""
    changes: dict[str, Any] = {} if title is None else {"title": title}
    if target is not None:
        changes["target"] = target or None
    if not changes:
        raise click.UsageError("say what to change; see --help")
    with opened_books(asked.account) as books:
        progress = _came(books, [books.promoters.change(books.account, name, changes)])
    _told(progress, asked)


@promoters.command()
@click.argument("name")
@common
def archive(asked: Asked, *, name: str) -> None:
    """Give the promoter NAME no more channels; those they have stay theirs, and count."""
    with opened_books(asked.account) as books:
        progress = _came(books, [books.promoters.archive(books.account, name)])
    _told(progress, asked)


@promoters.command()
@click.argument("name")
@common
def restore(asked: Asked, *, name: str) -> None:
    """Bring the archived promoter NAME back."""
    with opened_books(asked.account) as books:
        progress = _came(books, [books.promoters.restore(books.account, name)])
    _told(progress, asked)


def _came(books: Books, found: "Sequence[Promoter]", given: Mapping[str, Any] | None = None) -> "Came":
    """Return promoters with who came through their channels, in a period if one is given."""
    lines = books.came([each.name for each in found], by="promoter", **(given or {}))
    return [(each, lines[each.name]) for each in found]


def _told(progress: "Came", asked: Asked) -> None:
    if asked.as_json:
        print_json(_data(*progress[0]))
    else:
        _print(progress)


def _data(promoter: "Promoter", line: "Line") -> dict[str, object]:
    return {
        **asdict(promoter),
        "channels": line.channels,
        "figures": line.totals.came(),
        "reached": promoter.reached(line.totals.new),
    }


def _print(progress: "Came") -> None:
    rows = []
    for promoter, line in progress:
        part, totals = promoter.reached(line.totals.new), line.totals
        reached = "" if part is None else f"{part:.0%}"
        target = "" if promoter.target is None else str(promoter.target)
        came = map(str, (line.channels, totals.scanners or 0, totals.new, totals.gone))
        rows.append((promoter.name, promoter.title, *came, target, reached))
    print_table(("name", "title", "channels", "scanners", "new", "gone", "target", "reached"), rows)
