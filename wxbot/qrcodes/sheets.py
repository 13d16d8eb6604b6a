"""Many codes at once: a page to print and cut up, and an archive of pictures. Both are made as a stream."""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from html import escape
from tempfile import SpooledTemporaryFile
from typing import IO, cast

from wxbot.clock import CHINA, moment, there
from wxbot.qrcodes.drawing import PLAIN, DrawingRefusedError, Kind, Style, draw
from wxbot.spreadsheet import harmless

# A4 without the margins of the page.
PRINTED_MILLIMETRES = 190
MOST_COLUMNS = 10
# Times of an index are UTC, as it is for programs; what is printed has China's.
INDEX_COLUMNS = ("file", "scene", "caption", "url", "expires_at")

_HEAD = """<!doctype html>
<html lang="zh">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>{title}</title>
<style>
@page {{ size: A4; margin: 10mm }}
* {{ box-sizing: border-box }}
body {{ margin: 0 auto; width: {width}mm; font-family: "Noto Sans CJK SC", "PingFang SC",
  "Microsoft YaHei", sans-serif; color: #000; background: #fff }}
main {{ display: grid; grid-template-columns: repeat({columns}, {column:.2f}mm) }}
figure {{ margin: 0; padding: 2mm; break-inside: avoid; text-align: center; outline: 0.1mm dashed #999 }}
svg {{ display: block; width: 100%; height: auto }}
figcaption {{ font-size: {letters:.1f}mm; line-height: 1.3; overflow-wrap: anywhere }}
small {{ display: block; font-size: {small:.1f}mm; color: #444 }}
@media screen {{ body {{ padding: 10mm 0 }} }}
</style>
</head>
<body>
<main>
"""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One code of a sheet or an archive; `expires_at` in seconds since 1970, None for a permanent one."""

    scene: str
    url: str
    caption: str = ""
    expires_at: int | None = None


def sheet(
    entries: Iterable[Entry], *, title: str = "QR codes", columns: int = 4, style: Style = PLAIN
) -> Iterator[str]:
    """Yield an HTML page of codes for A4, with dashed lines to cut along; it asks no server for anything.

    Below each code are its caption, or else its scene, and until when it works (in China's time).
    Raises DrawingRefusedError before the first piece for a number of columns that would not be readable.
    """
    if not 1 <= columns <= MOST_COLUMNS:
        raise DrawingRefusedError(f"a sheet has 1 to {MOST_COLUMNS} columns, not {columns}")
    column = PRINTED_MILLIMETRES / columns
    head = _HEAD.format(
        title=escape(title),
        width=PRINTED_MILLIMETRES,
        columns=columns,
        column=column,
        letters=min(4.5, column / 11),
        small=min(3.0, column / 16),
    )
    return _pieces(head, entries, style)


def archive(entries: Iterable[Entry], *, kind: Kind = "png", style: Style = PLAIN) -> Iterator[bytes]:
    """Yield a ZIP with one picture for each code and `index.csv`, which says what each of them is.

    The same codes make the same bytes. What is held in memory does not grow with the number of codes, but
    for some hundred bytes that a ZIP's directory needs of each.
    """
    sink = _Sink()
    with (
        SpooledTemporaryFile(max_size=2**20) as kept,
        zipfile.ZipFile(cast(IO[bytes], sink), "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        # With a byte order mark, by which spreadsheets know that it is UTF-8.
        index = io.TextIOWrapper(cast(IO[bytes], kept), encoding="utf-8-sig", newline="")
        rows = csv.writer(index)
        rows.writerow(INDEX_COLUMNS)
        for number, entry in enumerate(entries, start=1):
            name = f"{number:05}-{re.sub('[^A-Za-z0-9_.=-]', '_', entry.scene)}.{kind}"
            packed.writestr(_member(name), draw(entry.url, kind=kind, caption=entry.caption, style=style))
            scene, caption = harmless(entry.scene), harmless(entry.caption)
            ends = "" if entry.expires_at is None else moment(entry.expires_at)
            rows.writerow((name, scene, caption, entry.url, ends))
            yield sink.taken()
        index.flush()
        kept.seek(0)
        with packed.open(_member("index.csv"), "w") as written:
            while piece := kept.read(2**16):
                written.write(piece)
        index.detach()
    yield sink.taken()


class _Sink:
    """A file that cannot be rewound: what was written is taken away piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing: it is taken, not pushed."""

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def _pieces(head: str, entries: Iterable[Entry], style: Style) -> Iterator[str]:
    yield head
    for entry in entries:
        code = draw(entry.url, kind="svg", style=replace(style, frame=False)).decode()
        until = "" if entry.expires_at is None else f"<small>{_end(entry.expires_at)}</small>"
        caption = escape(entry.caption or entry.scene)
        yield f"<figure>{code}<figcaption>{caption}{until}</figcaption></figure>\n"
    yield "</main>\n</body>\n</html>\n"


def _end(expires_at: int) -> str:
    return f"有效期至 {there(expires_at, CHINA):%Y-%m-%d %H:%M}"


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.compress_type = zipfile.ZIP_STORED if name.endswith(".png") else zipfile.ZIP_DEFLATED
    member.external_attr = 0o644 << 16
    return member
