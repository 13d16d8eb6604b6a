"""`wxbot qr batch` and `wxbot qr sheet`: codes by the thousand."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wxbot.cli.output import Failure, print_json, progress_bar, warn
from wxbot.cli.qr.parts import Asked, common, opened

if TYPE_CHECKING:
    from wxbot.qrcodes.sheets import Entry

_WEEK_SECONDS = 604_800
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

    out = out or file.with_suffix("")
    try:
        with opened(asked.account) as parts, alone(file), progress_bar("Minting") as progress:
            plan = read_plan(file, account=parts.account, expires_in=expires_in)
            minter = parts.minter(holder=plan.holder, pace=Pace(per_minute).wait)
            output = Output(folder=out, images=images)  # type: ignore[arg-type]
            run = Batch(parts.engine, minter, plan, output, numbers=Numbers(parts.engine))
            written = run.run(progress=progress)
            warning = Numbers(parts.engine).usage(parts.account).warning
    except BatchFileError as error:
        for fault in error.faults:
            click.echo(f"{file}: {fault}", err=True)
        raise Failure(f"nothing was minted: {len(error.faults)} faults in {file}") from None
    if warning:
        warn(warning)
    if asked.as_json:
        print_json({"codes": len(plan.lines), "file": str(written), "id": plan.id.hex()})
    else:
        click.echo(f"{len(plan.lines)} codes: {written}")


@click.command()
@click.argument("file", type=_File)
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--title", default="QR codes", show_default=True, help="Title of the page.")
@click.option("--columns", type=int, default=4, show_default=True, help="How many codes beside each other.")
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
    part = target.with_name(f"{target.name}.part")
    with part.open("wb") as written:
        if target.suffix == ".zip":
            written.writelines(sheets.archive(entries))
        else:
            written.writelines(
                piece.encode() for piece in sheets.sheet(entries, title=title, columns=columns)
            )
    part.replace(target)
    click.echo(f"{len(entries)} codes: {target}")


def _entries(file: Path) -> "Iterator[Entry]":
    from wxbot.qrcodes.sheets import Entry
    from wxbot.spreadsheet import as_it_was

    with file.open(encoding="utf-8-sig", newline="") as read:
        rows = csv.DictReader(read)
        if not {"scene", "url", "caption", "expires_at"} <= set(rows.fieldnames or ()):
            raise Failure(f"{file} is not a codes.csv that `wxbot qr batch` wrote")
        for row in rows:
            ends = row["expires_at"]
            yield Entry(
                scene=as_it_was(row["scene"]),
                url=row["url"],
                caption=as_it_was(row["caption"]),
                expires_at=int(ends) if ends else None,
            )
