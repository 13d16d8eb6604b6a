"""`wxbot channels code` and `codes`: the codes that hang at the places."""

import csv
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wxbot.cli.channels.parts import Books, opened_books
from wxbot.cli.output import Failure, print_json, print_table, progress_bar
from wxbot.cli.qr.parts import Asked, common, kind_words, moment
from wxbot.spreadsheet import harmless

if TYPE_CHECKING:
    from wxbot.channels.channel import Channel
    from wxbot.qrcodes.mint import Code, Minter

_LONGEST_SECONDS = 2_592_000
_COLUMNS = ("channel", "scene", "caption", "url", "ticket", "expires_at", "image")


@click.command()
@click.argument("name")
@click.option("--permanent", is_flag=True, help="A code that never expires, to be printed.")
@click.option("--as", "living", metavar="NAME", help="Show it at /q/NAME; the channel's name unless given.")
@click.option(
    "--save",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw it into this file, .png or .svg, with the title below.",
)
@common
def code(asked: Asked, *, name: str, permanent: bool, living: str | None, file: Path | None) -> None:
    """Get the code of the channel NAME.

    Without --permanent it is a living code: the image at /q/NAME never expires, on screens and pages.
    """
    with opened_books(asked.account) as books:
        channel = books.channels.find(books.account, name)
        image = None if permanent else _living(books, channel, living or name)
        minted = _mint(books.parts.minter(), channel, is_permanent=permanent)
    if file is not None:
        _draw(channel, minted, file)
    if asked.as_json:
        print_json({**asdict(minted), "image": image})
        return
    rows = [
        ("channel", f"{channel.name} ({channel.title})"),
        ("scene", minted.scene),
        ("kind", kind_words(minted)),
        ("valid until", moment(minted.expires_at) or "for ever"),
        ("url", minted.url),
        ("image", image or ""),
    ]
    print_table(("", ""), [row for row in rows if row[1]])


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--group", help="Only those of this group.")
@click.option("--promoter", help="Only those of this promoter.")
@click.option(
    "--temporary", is_flag=True, help="Codes that end after 30 days instead of permanent ones, for a try."
)
@click.option(
    "--images",
    type=click.Choice(["png", "svg", "none"]),
    default="png",
    show_default=True,
    help="What to draw.",
)
@common
def codes(asked: Asked, *, folder: Path, temporary: bool, images: str, **given: str | None) -> None:
    """Draw the permanent codes of all channels into FOLDER, to be printed.

    FOLDER gets an image for each, with the title below, and codes.csv, of which `wxbot qr sheet` makes a
    page. The same command once more adds what is missing.
    """
    from wxbot.channels.store import Filter

    with opened_books(asked.account) as books, progress_bar("Minting") as progress:
        found = books.all(Filter(group=given["group"], promoter=given["promoter"]))
        if not found:
            raise Failure("there is no such channel; make one with: wxbot channels add NAME --reply TEXT")
        minter, rows = books.parts.minter(), []
        folder.mkdir(parents=True, exist_ok=True)
        for number, channel in enumerate(found, 1):
            minted = _mint(minter, channel, is_permanent=not temporary)
            image = "" if images == "none" else f"{channel.name}.{images}"
            if image:
                _draw(channel, minted, folder / image)
            rows.append(_row(channel, minted, image))
            progress(number, len(found))
    index = folder / "codes.csv"
    _write(index, rows)
    if asked.as_json:
        print_json({"codes": len(rows), "file": str(index)})
    else:
        click.echo(f"{len(rows)} codes: {index}")


def _living(books: Books, channel: "Channel", name: str) -> str:
    """Let an address show the channel's code, and return it."""
    from wxbot.qrcodes.kinds import value_of
    from wxbot.qrcodes.living import LivingCodes, NameTakenError

    living = LivingCodes(books.parts.engine, books.parts.minter())
    try:
        living.put_first(name, value_of(channel.scene), account=books.account)
    except NameTakenError as error:
        raise Failure(f"{error}, with --as") from None
    return f"{books.parts.settings.server.public_url}/q/{name}.png"


def _mint(minter: "Minter", channel: "Channel", *, is_permanent: bool) -> "Code":
    from wxbot.qrcodes.kinds import value_of

    expires_in = None if is_permanent else _LONGEST_SECONDS
    return minter.mint(value_of(channel.scene), account=channel.account, expires_in=expires_in)


def _draw(channel: "Channel", minted: "Code", file: Path) -> None:
    from wxbot.qrcodes.drawing import draw

    if file.suffix not in (".png", ".svg"):
        raise click.BadParameter("the file's name must end with .png or .svg", param_hint="--save")
    kind = "svg" if file.suffix == ".svg" else "png"
    file.write_bytes(draw(minted.url, kind=kind, caption=channel.title))  # type: ignore[arg-type]


def _row(channel: "Channel", minted: "Code", image: str) -> tuple[object, ...]:
    expires_at = "" if minted.expires_at is None else minted.expires_at
    texts = (harmless(each) for each in (channel.name, minted.scene, channel.title))
    return *texts, minted.url, minted.ticket, expires_at, image


def _write(file: Path, rows: Iterable[tuple[object, ...]]) -> None:
    part = file.with_suffix(".part")
    # With a byte order mark, by which spreadsheets know that it is UTF-8.
    with part.open("w", encoding="utf-8-sig", newline="") as written:
        lines = csv.writer(written)
        lines.writerow(_COLUMNS)
        lines.writerows(rows)
    part.replace(file)
