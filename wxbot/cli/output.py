"""How commands speak: tables for people, JSON for programs, plain text where nobody looks at a screen."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from wxbot import clock

json_option: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, for programs."
)


class Failure(click.ClickException):
    """A command that could not do what it was asked to; the exit code is 1."""

    exit_code = 1

    def show(self, file: Any = None) -> None:
        """Print the reason as one line."""
        click.echo(f"wxbot: {' '.join(self.message.split())}", file=file, err=True)


def print_json(value: object) -> None:
    """Print a value for programs."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table for people; without a terminal, columns of plain text that are never wrapped or cut."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    is_terminal = sys.stdout.isatty()
    table = Table(box=SIMPLE_HEAD if is_terminal else None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold", no_wrap=not is_terminal)
    for row in rows:
        # Text and not str: what came from WeChat or from a rule may look like rich's own markup.
        table.add_row(*(Text(printable(cell)) for cell in row))
    console = Console(width=None if is_terminal else _width(headings, rows), highlight=False)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())


def moment(seconds: int | None) -> str:
    """Return a time (seconds since 1970) for people, in their time zone; nothing for None."""
    return "" if seconds is None else f"{clock.there(seconds):%Y-%m-%d %H:%M:%S}"


def timestamp(seconds: int | None) -> str:
    """Return a time (seconds since 1970) for people and programs, in UTC; nothing for None."""
    return "" if seconds is None else clock.moment(seconds)


@contextmanager
def progress(what: str) -> Iterator[None]:
    """Show on a terminal that something goes on; elsewhere, nothing."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal, to be told how much of how much is done; elsewhere, nothing."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def write_whole(file: Path, pieces: Iterable[bytes]) -> None:
    """Write a file, or say why it cannot be written and leave what was there."""
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("wb") as written:
            written.writelines(pieces)
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Failure(f"{file} cannot be written: {error.strerror}") from None


def write_private(file: Path, text: str) -> None:
    """Write a file that nobody but its owner can read, whatever file was there; never half of it."""
    # Root would take away /dev/stdout, for everybody.
    if file.is_symlink() or (file.exists() and not file.is_file()):
        raise Failure(f"{file} is no plain file: name another one")
    new = file.with_name(f"{file.name}.new")
    try:
        new.unlink(missing_ok=True)
        with open(new, "x", encoding="utf-8", opener=_open_private) as opened:
            opened.write(text)
        new.replace(file)
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror}") from None
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)


def _open_private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def warn(text: str) -> None:
    """Print a line beside the result, in yellow."""
    click.secho(text, fg="yellow", err=True)


def printable(cell: str) -> str:
    """Keep a row on its line and the terminal in order, whatever somebody sent."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in cell)


def _width(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    from rich.cells import cell_len

    return sum(
        2 + max(cell_len(printable(row[column])) for row in (headings, *rows))
        for column in range(len(headings))
    )
