"""`wxbot channels import`: many channels from a CSV file, all of them or none."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wxbot.cli.channels.parts import Books, as_data, opened_books, read_moment, read_text
from wxbot.cli.output import Failure, print_json, progress_bar
from wxbot.cli.qr.parts import Asked, common
from wxbot.spreadsheet import NotUtf8Error, text_of

if TYPE_CHECKING:
    from wxbot.channels.channel import Channel, Details
    from wxbot.channels.store import Wanted

_TEXTS = ("title", "group", "owner", "promoter", "tag")
_REPLIES = ("reply", "reply_new")
_TIMES = {"starts": "starts_at", "ends": "ends_at"}
_COLUMNS = ("name", "scene", "number", *_TEXTS, *_REPLIES, *_TIMES)
_YES = {"": False, "no": False, "yes": True}


@dataclass(frozen=True)
class _Line:
    number: int
    wanted: "Wanted"
    is_there: bool


@click.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--update", is_flag=True, help="Change channels that are there already; else they are faults.")
@common
def import_command(asked: Asked, *, file: Path, update: bool) -> None:
    """Make a channel of each line of the CSV FILE.

    The columns are name, scene, number (yes takes a permanent number), title, group, owner, promoter, tag,
    reply, reply_new, starts and ends; only name is needed. If a line has a fault, nothing is made.
    """
    with opened_books(asked.account) as books, progress_bar("Making") as progress:
        lines, faults = _read(books, file, is_update=update)
        if faults:
            for fault in faults:
                click.echo(f"{file}: {fault}", err=True)
            raise Failure(f"nothing was made: {len(faults)} faults in {file}")
        kept: dict[int, Channel] = {}
        # The next free number is none of those that another line names as its scene.
        for line in sorted(lines, key=lambda each: each.wanted.takes_number):
            kept[line.number] = _keep(books, line)
            progress(len(kept), len(lines))
    made = [kept[line.number] for line in lines]
    changed = sum(line.is_there for line in lines)
    if asked.as_json:
        print_json([as_data(each) for each in made])
    else:
        click.echo(f"{len(made) - changed} channels were made, {changed} changed.")


def _read(books: Books, file: Path, *, is_update: bool) -> tuple[list[_Line], list[str]]:
    try:
        text = text_of(file)
    except NotUtf8Error as error:
        return [], [str(error)]
    rows = csv.DictReader(io.StringIO(text, newline=""), restkey="", strict=True)
    faults: list[str] = []
    try:
        if wrong := _wrong_columns(rows.fieldnames or ()):
            return [], [f"line 1: {wrong}; the columns are {', '.join(_COLUMNS)}"]
        return _lines(books, rows, faults, is_update=is_update), faults
    except csv.Error as error:
        return [], [*faults, f"line {rows.reader.line_num}: {error}"]


def _wrong_columns(names: Sequence[str]) -> str:
    unknown = sorted(set(names) - set(_COLUMNS))
    if unknown:
        return f"no column {unknown[0]!r} is known"
    return "" if "name" in names else "there is no column `name`"


def _lines(books: Books, rows: "csv.DictReader[str]", faults: list[str], *, is_update: bool) -> list[_Line]:
    lines: list[_Line] = []
    seen: dict[str, int] = {}
    for row in rows:
        number = rows.line_num
        try:
            line = _line(books, number, row, is_update=is_update)
            _check_twins(line, seen)
        except click.ClickException as error:
            faults.append(f"line {number}: {error.message}")
        else:
            lines.append(line)
    return lines


def _line(books: Books, number: int, row: dict[str, Any], *, is_update: bool) -> _Line:
    from wxbot.channels.channel import ChannelUnknownError, Details
    from wxbot.channels.store import Wanted

    if "" in row:
        raise Failure("there are more values than columns")
    row = {name: (value or "").strip() for name, value in row.items()}
    if row.get("number", "") not in _YES:
        raise Failure("number: write yes, or nothing")
    details = Details(**_details(row))
    wanted = Wanted(
        name=row["name"],
        scene=row.get("scene", ""),
        takes_number=_YES[row.get("number", "")],
        details=details,
    )
    try:
        known = books.channels.find(books.account, wanted.name)
    except ChannelUnknownError:
        if faults := books.channels.faults(books.account, wanted):
            raise Failure("; ".join(f"{name}: {text}" for name, text in faults.items())) from None
        return _Line(number, wanted, is_there=False)
    if not is_update:
        raise Failure(f"there is a channel {wanted.name!r} already; --update changes it")
    if wanted.scene not in ("", known.scene):
        raise Failure(f"scene: that of {wanted.name!r} is {known.scene!r}, and cannot be changed")
    _check_change(books, known, details)
    return _Line(number, wanted, is_there=True)


def _check_twins(line: _Line, seen: dict[str, int]) -> None:
    """Refuse a name or a scene that an earlier line has."""
    wanted = line.wanted
    names = [f"name {wanted.name!r}"]
    if not wanted.takes_number:
        names.append(f"scene {wanted.scene or wanted.name!r}")
    for each in names:
        first = seen.setdefault(each, line.number)
        if first != line.number:
            raise Failure(f"the {each} is on line {first} already")


def _details(row: dict[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {name: row[name] for name in _TEXTS if row.get(name)}
    values |= {name: read_text(row[name]) for name in _REPLIES if row.get(name)}
    values |= {column: read_moment(row[name], name) for name, column in _TIMES.items() if row.get(name)}
    return values


def _check_change(books: Books, known: "Channel", details: "Details") -> None:
    """Refuse what could not be changed: what a line leaves empty stays as it is."""
    from wxbot.channels.channel import ChannelError

    try:
        books.channels.check_change(known, _given(details))
    except ChannelError as error:
        raise Failure(str(error)) from None


def _keep(books: Books, line: _Line) -> "Channel":
    if line.is_there:
        return books.channels.change(books.account, line.wanted.name, _given(line.wanted.details))
    with books.channels.prepared(books.account, line.wanted) as prepared:
        return books.channels.create(books.account, prepared)


def _given(details: "Details") -> dict[str, Any]:
    return {name: value for name, value in vars(details).items() if value not in (None, "")}
