"""Tables as CSV that a spreadsheet opens as they are meant: letters right, and no cell run as a formula."""

import csv
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path

from wxbot.errors import WxbotError

MEDIA_TYPE = "text/csv; charset=utf-8"
Cell = str | int | float | date | None
# By it spreadsheets know that a file is UTF-8.
_MARK = "\ufeff"
# What begins a formula, also where a Chinese keyboard wrote it (full width) or a program widened it (small).
_TRIGGERS = frozenset("=+-@＝＋－＠﹦﹢﹣﹫\t\r\n")
_PIECE = 64 * 1024


class NotUtf8Error(WxbotError):
    """A file in another encoding: Excel saves a CSV in that of the system unless it is told otherwise."""


def text_of(file: Path) -> str:
    """Return the text of a CSV that somebody saved; raises NotUtf8Error, which names the line."""
    content = file.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise NotUtf8Error(f"line {line}: the file is not UTF-8; save it as “CSV UTF-8”") from None


class _Line:
    """What the writer writes into: it hands the last line out."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text = text
        return len(text)


def as_csv(headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """Yield a table by RFC 4180 in UTF-8 with a byte order mark, some kilobytes at a time.

    Texts that a spreadsheet would run as a formula get a `'` before them; numbers stay numbers, also those
    below zero. `rows` may be endless: no more than a piece is held.
    """
    line = _Line()
    writer = csv.writer(line, lineterminator="\r\n")
    pieces, size = [_MARK], 0
    for row in _all(headings, rows):
        writer.writerow([_cell(value) for value in row])
        pieces.append(line.text)
        size += len(line.text)
        if size >= _PIECE:
            yield _bytes(pieces)
            pieces, size = [], 0
    yield _bytes(pieces)


def harmless(text: str) -> str:
    """Return a text as a cell that no spreadsheet takes for a formula.

    NULs are dropped, and whatever cannot be seen before a sign does not hide it: some programs skip it.
    """
    text = text.replace("\0", "")
    begin = next((each for each in text if not _is_skipped(each)), "")
    return f"'{text}" if text[:1] in _TRIGGERS or begin in _TRIGGERS else text


def as_it_was(cell: str) -> str:
    """Return the text of which `harmless` made a cell, for a program that reads such a file again."""
    return cell[1:] if cell[:1] == "'" and harmless(cell[1:]) == cell else cell


def _is_skipped(character: str) -> bool:
    """Say whether programs may pass over it at the beginning: spaces, controls, marks without a width."""
    return unicodedata.category(character)[0] in "ZC" and character not in _TRIGGERS


def _all(headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[Sequence[Cell]]:
    yield headings
    yield from rows


def _cell(value: Cell) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, date):
        return value.isoformat()
    return harmless(value) if isinstance(value, str) else value


def _bytes(pieces: Sequence[str]) -> bytes:
    # Half a character pair, as a hostile callback may bring, has no bytes of its own.
    return "".join(pieces).encode("utf-8", "replace")
