"""`wxbot channels list`, `show`, `add`, `change`, `archive` and `restore`."""

from typing import TYPE_CHECKING, Any

import click

from wxbot.cli.channels.parts import (
    as_data,
    details_options,
    opened_books,
    period_options,
    read_details,
    reply_words,
    state_words,
)
from wxbot.cli.output import moment, print_json, print_table
from wxbot.cli.qr.parts import Asked, common

if TYPE_CHECKING:
    from wxbot.channels.channel import Channel


@click.command(name="list")
@click.option("--group", help="Only those of this group.")
@click.option("--promoter", help="Only those of this promoter.")
@click.option("--archived", is_flag=True, help="Only those that are archived.")
@period_options
@common
def list_command(
    asked: Asked, *, group: str | None, promoter: str | None, archived: bool, **given: Any
) -> None:
    """List channels, and who came through each."""
    from wxbot.channels.store import Filter

    with opened_books(asked.account) as books:
        found = books.all(Filter(group=group, promoter=promoter, is_archived=archived))
        lines = books.came([each.name for each in found], **given)
    if asked.as_json:
        print_json([as_data(each, lines[each.name]) for each in found])
        return
    if not found:
        click.echo("There is none. Make one with: wxbot channels add NAME --reply TEXT")
        return
    rows = [
        (
            *(each.name, each.title, each.group or "", each.promoter or "", each.scene, state_words(each)),
            *map(str, lines[each.name].totals.came().values()),
        )
        for each in found
    ]
    headings = ("name", "title", "group", "promoter", "scene", "state", "scanners", "new", "gone", "scans")
    print_table(headings, rows)


@click.command()
@click.argument("name")
@period_options
@common
def show(asked: Asked, *, name: str, **given: Any) -> None:
    """Show all about the channel NAME."""
    with opened_books(asked.account) as books:
        found = books.channels.find(books.account, name)
        line = books.came([name], **given)[name]
    if asked.as_json:
        print_json(as_data(found, line))
        return
    words = ("scanners", "new followers", "of them gone", "scans")
    counted = list(zip(words, map(str, line.totals.came().values()), strict=True))
    print_table(("", ""), [*_lines(found), *counted])


@click.command()
@click.argument("name")
@click.option("--scene", help="What its code holds; the name unless given.")
@click.option("--number", is_flag=True, help="Take the next free permanent number as its scene.")
@details_options
@common
def add(asked: Asked, *, name: str, scene: str | None, number: bool, **given: Any) -> None:
    """Make the channel NAME.

    NAME has 1 to 64 letters, digits, _ and -. Neither it nor the scene can be changed, or used again.
    """
    from wxbot.channels.channel import Details
    from wxbot.channels.store import Wanted

    details = Details(**read_details(given))
    wanted = Wanted(name=name, scene=scene or "", takes_number=number, details=details)
    with opened_books(asked.account) as books, books.channels.prepared(books.account, wanted) as prepared:
        made = books.channels.create(books.account, prepared)
    _print(made, as_json=asked.as_json)


@click.command()
@click.argument("name")
@details_options
@common
def change(asked: Asked, *, name: str, **given: Any) -> None:
    """Change the channel NAME; what is not given stays, and an empty text removes.

    Servers know it within five seconds.
    """
    changes = read_details(given)
    if not changes:
        raise click.UsageError("say what to change; see --help")
    with opened_books(asked.account) as books:
        changed = books.channels.change(books.account, name, changes)
    _print(changed, as_json=asked.as_json)


@click.command()
@click.argument("name")
@common
def archive(asked: Asked, *, name: str) -> None:
    """Let the channel NAME answer and tag no more.

    Its figures stay, and its scene remains its own: prints of its code may still be scanned.
    """
    with opened_books(asked.account) as books:
        archived = books.channels.archive(books.account, name)
    _print(archived, as_json=asked.as_json)


@click.command()
@click.argument("name")
@common
def restore(asked: Asked, *, name: str) -> None:
    """Bring the archived channel NAME back."""
    with opened_books(asked.account) as books:
        restored = books.channels.restore(books.account, name)
    _print(restored, as_json=asked.as_json)


def _print(channel: "Channel", *, as_json: bool) -> None:
    if as_json:
        print_json(as_data(channel))
    else:
        print_table(("", ""), _lines(channel))


def _lines(channel: "Channel") -> list[tuple[str, str]]:
    lines = [
        ("account", channel.account),
        ("name", channel.name),
        ("title", channel.title),
        ("scene", channel.scene),
        ("state", state_words(channel)),
        ("group", channel.group or ""),
        ("owner", channel.owner or ""),
        ("promoter", channel.promoter or ""),
        ("reply", reply_words(channel.reply)),
        ("reply to new ones", reply_words(channel.reply_new)),
        ("tag", channel.tag or ""),
        ("starts", moment(channel.starts_at)),
        ("ends", moment(channel.ends_at)),
    ]
    return [line for line in lines if line[1]]
