"""Sheets and archives hold every code, say what it is, and are made piece by piece."""

import csv
import io
import subprocess
import sys
import zipfile
from itertools import count

import pytest
import zxingcpp
from PIL import Image

from wxbot.qrcodes.drawing import DrawingRefusedError, Kind
from wxbot.qrcodes.sheets import Entry, archive, sheet

KINDS: tuple[Kind, ...] = ("svg", "png")


def entry(number: int, **more: object) -> Entry:
    url = f"http://weixin.qq.com/q/02abcdefghij10000{number:05}"
    return Entry(scene=f"shop:{number}", url=url, **more)  # type: ignore[arg-type]


ENTRIES = [
    entry(1, caption="一号店", expires_at=1_800_000_000),
    entry(2, caption='Bo & Co, "the <best>"'),
    entry(3),
]


def test_archive_says_what_each_picture_is() -> None:
    with zipfile.ZipFile(io.BytesIO(b"".join(archive(ENTRIES)))) as packed:
        assert packed.testzip() is None
        rows = list(csv.DictReader(io.StringIO(packed.read("index.csv").decode("utf-8-sig"))))
        read = {
            row["file"]: zxingcpp.read_barcodes(Image.open(io.BytesIO(packed.read(row["file"]))))[0].text
            for row in rows
        }

    assert [row["file"] for row in rows] == ["00001-shop_1.png", "00002-shop_2.png", "00003-shop_3.png"]
    assert [row["scene"] for row in rows] == ["shop:1", "shop:2", "shop:3"]
    assert [row["caption"] for row in rows] == ["一号店", 'Bo & Co, "the <best>"', ""]
    assert [row["expires_at"] for row in rows] == ["2027-01-15T08:00:00Z", "", ""]
    assert list(read.values()) == [row["url"] for row in rows]


@pytest.mark.parametrize("kind", KINDS)
def test_archive_of_the_same_codes_is_the_same(kind: Kind) -> None:
    assert b"".join(archive(ENTRIES, kind=kind)) == b"".join(archive(ENTRIES, kind=kind))


def test_names_in_an_archive_stay_in_its_folder() -> None:
    strange = Entry(scene="../../etc/passwd\n一", url=ENTRIES[0].url)

    with zipfile.ZipFile(io.BytesIO(b"".join(archive([strange], kind="svg")))) as packed:
        assert packed.namelist() == ["00001-.._.._etc_passwd__.svg", "index.csv"]


def test_captions_in_an_archive_run_nothing_in_a_spreadsheet() -> None:
    strange = entry(1, caption='=HYPERLINK("http://evil.test")')

    with zipfile.ZipFile(io.BytesIO(b"".join(archive([strange], kind="svg")))) as packed:
        (row,) = csv.DictReader(io.StringIO(packed.read("index.csv").decode("utf-8-sig")))

    assert row["caption"] == "'" + strange.caption


def test_archive_of_nothing_is_an_archive() -> None:
    with zipfile.ZipFile(io.BytesIO(b"".join(archive([])))) as packed:
        assert packed.namelist() == ["index.csv"]


def test_archive_begins_before_its_last_code_is_known() -> None:
    endless = archive((entry(number) for number in count()), kind="svg")

    assert next(endless).startswith(b"PK")
    endless.close()  # type: ignore[attr-defined]


MEASURE = """
import tracemalloc
from itertools import count, islice
from wxbot.qrcodes.sheets import Entry, archive
url = "http://weixin.qq.com/q/02abcdefghij10000{:05}"
packed = archive(Entry(scene=f"shop:{n}", url=url.format(n)) for n in count())
next(packed)
tracemalloc.start()
size = sum(map(len, islice(packed, 200)))
print(size, tracemalloc.get_traced_memory()[1])
"""


def test_memory_does_not_grow_with_the_archive() -> None:
    # In a process of its own: here the threads of other tests would be counted as well.
    measured = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True)
    size, peak = map(int, measured.stdout.split())

    assert size > 400_000
    assert peak < size / 2


def test_sheet_shows_caption_or_scene_and_until_when() -> None:
    page = "".join(sheet(ENTRIES, title="<Shops>"))

    assert page.count("<figure>") == 3
    assert "<title>&lt;Shops&gt;</title>" in page
    assert "<figcaption>一号店<small>有效期至 2027-01-15 16:00</small>" in page
    assert "Bo &amp; Co, &quot;the &lt;best&gt;&quot;" in page
    assert "<figcaption>shop:3</figcaption>" in page


@pytest.mark.parametrize("columns", [0, 11, -1])
def test_sheet_of_unreadable_columns_is_refused_at_once(columns: int) -> None:
    with pytest.raises(DrawingRefusedError, match="1 to 10 columns"):
        sheet(ENTRIES, columns=columns)
