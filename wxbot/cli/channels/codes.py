"""`wxbot channels code` and `codes`: the codes that hang at the places."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wxbot.cli.channels.parts import Books, opened_books
from wxbot.cli.output import Failure, moment, print_json, print_table, progress_bar, write_whole
from wxbot.cli.qr.parts import Asked, common, save, save_option
from wxbot.spreadsheet import Cell, as_csv

if TYPE_CHECKING:
    from wxbot.channels.channel import Channel
    from wxbot.qrcodes.mint import Code, Minter

_LONGEST_SECONDS = 2_592_000
_COLUMNS = ("channel", "scene", "caption", "url", "ticket", "expires_at", "image")


@click.command()
@click.argument("name")
@click.option("--permanent", is_flag=True, help="A code that never expires, to be printed.")
@click.option("--as", "living", metavar="NAME", help="Show it at /q/NAME; the channel's name unless given.")
@save_option
@common
def code(asked: Asked, *, name: str, permanent: bool, living: str | None, file: Path | None) -> None:
    """Get the code of the channel NAME.

    Without --permanent it is a living code: the image at /q/NAME never expires, on screens and pages.
    """
    with opened_books(asked.account) as books:
        channel = books.channels.find(books.account, name)
        image = None if permanent else _living(books, channel, living or name)
        minted = _mint(books.parts.minter(), channel, is_permanent=permanent)
    _print(channel, minted, image, as_json=asked.as_json)
    if file is not None:
        save(minted, file, caption=channel.title)


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
    page. The same command once more adds what is missing. A channel that can have no code is named, and the
    others get theirs.
    """
    from wxbot.channels.store import Filter

    with opened_books(asked.account) as books, progress_bar("Minting") as progress:
        found = books.all(Filter(group=given["group"], promoter=given["promoter"]))
        if not found:
            raise Failure("there is no such channel; make one with: wxbot channels add NAME --reply TEXT")
        printer, rows = _Printer(books.parts.minter(), is_permanent=not temporary), []
        _make(folder)
        for number, channel in enumerate(found, 1):
            if minted := printer.code(channel):
                image = "" if images == "none" else f"{channel.name}.{images}"
                if image:
                    save(minted, folder / image, caption=channel.title)
                rows.append(_row(channel, minted, image))
            progress(number, len(found))
    index = folder / "codes.csv"
    write_whole(index, as_csv(_COLUMNS, rows))
    if asked.as_json:
        print_json({"codes": len(rows), "file": str(index)})
    else:
        click.echo(f"{len(rows)} codes: {index}")
    for name, why in printer.missing.items():
        click.echo(f"{name}: {why}", err=True)
    if printer.missing:
        raise Failure(f"{len(printer.missing)} of {len(found)} channels have no code in {index}")


class _Printer:
    """Gets the codes of many channels, and notes which cannot be had and why."""

    def __init__(self, minter: "Minter", *, is_permanent: bool) -> None:
        self._minter = minter
        self._is_permanent = is_permanent
        self._is_refused = False
        self.missing: dict[str, str] = {}

    def code(self, channel: "Channel") -> "Code | None":
        """Return the code of a channel; None, and a line in `missing`, when it cannot be had."""
        from wxbot.errors import WxbotError
        from wxbot.wechat.errcodes import ApiError

        try:
            # What keeps WeChat from answering at all would only be heard again, a wait for each channel.
            if self._is_refused and not self._is_on_record(channel):
                self.missing[channel.name] = "was not asked for any more"
                return None
            return _mint(self._minter, channel, is_permanent=self._is_permanent)
        except WxbotError as error:
            self.missing[channel.name] = str(error)
            self._is_refused |= isinstance(error, ApiError) and type(error) is not ApiError
            return None

    def _is_on_record(self, channel: "Channel") -> bool:
        known = self._minter.find(channel.scene, account=channel.account, is_permanent=self._is_permanent)
        return known is not None and known.is_permanent


def _print(channel: "Channel", minted: "Code", image: str | None, *, as_json: bool) -> None:
    if as_json:
        print_json({**asdict(minted), "image": image})
        return
    rows = [
        ("channel", f"{channel.name} ({channel.title})"),
        ("scene", minted.scene),
        ("kind", minted.kind_words),
        ("valid until", moment(minted.expires_at) or "for ever"),
        ("url", minted.url),
        ("image", image or ""),
    ]
    print_table(("", ""), [row for row in rows if row[1]])


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


def _row(channel: "Channel", minted: "Code", image: str) -> Sequence[Cell]:
    named = channel.name, minted.scene, channel.title
    return *named, minted.url, minted.ticket, minted.expires_at, image


def _make(folder: Path) -> None:
    """Make a folder, or find out that nothing can be written into it before anything is minted."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"the folder {folder} cannot be made: {error.strerror}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Failure(f"the folder {folder} cannot be written to")
