"""`wxbot qr batch` and `wxbot qr sheet`: codes by the thousand."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wxbot.cli.output import Failure, print_json, progress_bar, warn, write_whole
from wxbot.cli.qr.parts import Asked, common, opened

if TYPE_CHECKING:
    from wxbot.qrcodes.sheets import Entry

_WEEK_SECONDS = 604_800
_MOST_COLUMNS = 10  # that of wxbot/qrcodes/sheets.py, which takes its time to import
_File = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=_File)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder to write to; FILE without .csv."
)
@click.option(
    "--images",
    type=click.Choice(["png", "svg", "none"]),
    default="png",
    show_default=True,
    help="What to draw.",
)
@click.option(
    "--expires-in",
    type=int,
    default=_WEEK_SECONDS,
    show_default=True,
    help="Lifetime in seconds of those not permanent.",
)
@click.option(
    "--per-minute",
    type=click.IntRange(1, 60_000),
    default=600,
    show_default=True,
    help="Most calls in a minute.",
)
@common
def batch(
    asked: Asked,
    *,
    file: Path,
    out: Path | None,
    images: str,
    expires_in: int,
    per_minute: int,
) -> None:
    """Mint a code for each line of the CSV FILE, and write a CSV and images.

    The columns are scene, type, permanent and caption; only scene is needed. If it is interrupted, the same
    command goes on where it stopped.
    """
    from wxbot.qrcodes.batch import Batch, Output, Pace, alone
    from wxbot.qrcodes.batch_file import BatchFileError, read_plan
    from wxbot.qrcodes.numbers import Numbers

    out = out or _folder_for(file)
    try:
        with opened(asked.account) as parts, alone(file), progress_bar("Minting") as progress:
            plan = read_plan(file, account=parts.account, expires_in=expires_in)
            minter = parts.minter(holder=plan.holder, pace=Pace(per_minute).wait)
            output = Output(folder=out, images=images)  # type: ignore[arg-type]
            if output.index.resolve() == file.resolve():
                raise Failure(f"{file} would be replaced by the list of codes; name a folder with --out")
            run = Batch(parts.engine, minter, plan, output, numbers=Numbers(parts.engine))
            written = run.run(progress=progress)
            warning = Numbers(parts.engine).usage(parts.account).warning
    except BatchFileError as error:
        for fault in error.faults:
            click.echo(f"{file}: {fault}", err=True)
        raise Failure(f"nothing was minted: {len(error.faults)} faults in {file}") from None
    except OSError as error:
        raise Failure(f"{error.filename or out} cannot be written: {error.strerror}") from None
    if warning:
        warn(warning)
    if asked.as_json:
        print_json({"codes": len(plan.lines), "file": str(written), "id": plan.id.hex()})
    else:
        click.echo(f"{len(plan.lines)} codes: {written}")


def _folder_for(file: Path) -> Path:
    folder = file.with_suffix("")
    if folder == file:
        raise click.UsageError(f"{file} has no ending to leave off; name a folder with --out")
    return folder


@click.command()
@click.argument("file", type=_File)
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--title", default="QR codes", show_default=True, help="Title of the page.")
@click.option(
    "--columns",
    type=click.IntRange(1, _MOST_COLUMNS),
    default=4,
    show_default=True,
    help="How many codes beside each other.",
)
def sheet(file: Path, target: Path, *, title: str, columns: int) -> None:
    """Put the codes of FILE on a page to print, or into a ZIP.

    FILE is the codes.csv that `wxbot qr batch` wrote. TARGET ends with .html or .zip.
    """
    from wxbot.qrcodes import sheets

    if target.suffix not in (".html", ".zip"):
        raise click.BadParameter("the name must end with .html or .zip", param_hint="TARGET")
    entries = list(_entries(file))
    now = datetime.now(UTC).timestamp()
    expired = sum(entry.expires_at is not None and entry.expires_at <= now for entry in entries)
    if expired:
        warn(f"{expired} of these codes have expired; run `wxbot qr batch` again first.")
    pieces = (
        sheets.archive(entries)
        if target.suffix == ".zip"
        else (piece.encode() for piece in sheets.sheet(entries, title=title, columns=columns))
    )
    write_whole(target, pieces)
    click.echo(f"{len(entries)} codes: {target}")


def _entries(file: Path) -> "Iterator[Entry]":
    from wxbot.qrcodes.sheets import Entry
    from wxbot.spreadsheet import NotUtf8Error, as_it_was, text_of

    try:
        rows = csv.DictReader(io.StringIO(text_of(file), newline=""), strict=True)
        if not {"scene", "url", "caption", "expires_at"} <= set(rows.fieldnames or ()):
            raise Failure(f"{file} is not a codes.csv that `wxbot qr batch` wrote")
        for row in rows:
            yield Entry(
                scene=as_it_was(row["scene"]),
                url=row["url"],
                caption=as_it_was(row["caption"]),
                expires_at=_seconds(row["expires_at"], f"{file}: line {rows.line_num}"),
            )
    except NotUtf8Error as error:
        raise Failure(f"{file}: {error}") from None
    except csv.Error as error:
        raise Failure(f"{file}: line {rows.line_num}: {error}") from None


def _seconds(cell: str | None, where: str) -> int | None:
    if cell and not (cell.isascii() and cell.isdecimal()):
        raise Failure(f"{where}: expires_at is {cell!r}; a spreadsheet has rounded it, so take the original")
    return int(cell) if cell else None
