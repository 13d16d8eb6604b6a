"""A sheet of codes in a real browser: printed on A4, read by a scanner, alone on its machine."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page

from wxbot.qrcodes.drawing import Style
from wxbot.qrcodes.sheets import Entry, sheet


def entries(many: int) -> list[Entry]:
    return [
        Entry(
            scene=f"shop:{number}",
            url=f"http://weixin.qq.com/q/02abcdefghij10000{number:05}",
            caption=f"{number} 号店 橱窗",
        )
        for number in range(many)
    ]


def logo() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "#d01010").save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("style", [Style(), Style(logo=logo(), dark="#1a3c8a")], ids=["plain", "logo"])
def test_every_code_of_a_sheet_is_read(
    browser: Browser, tmp_path: Path, keep: Callable[[Page, str], None], style: Style
) -> None:
    codes = entries(12)
    (tmp_path / "sheet.html").write_text("".join(sheet(codes, style=style)), encoding="utf-8")
    page = browser.new_page(viewport={"width": 820, "height": 1120}, device_scale_factor=2)
    asked, wrong = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda line: wrong.append(line.text))

    page.goto(f"file://{tmp_path}/sheet.html")
    picture = Image.open(io.BytesIO(page.screenshot(full_page=True)))

    keep(page, f"sheet-{'logo' if style.logo else 'plain'}")
    page.close()
    assert {found.text for found in zxingcpp.read_barcodes(picture)} == {code.url for code in codes}
    assert ([url for url in asked if not url.startswith("data:")], wrong) == (
        [f"file://{tmp_path}/sheet.html"],
        [],
    )


def test_sheet_is_printed_on_a4_without_cutting_a_code(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "sheet.html").write_text("".join(sheet(entries(40), columns=4)), encoding="utf-8")
    page = browser.new_page()
    page.goto(f"file://{tmp_path}/sheet.html")

    printed = page.pdf(prefer_css_page_size=True)

    page.close()
    boxes = re.findall(rb"/MediaBox \[([\d. ]+)\]", printed)
    assert [box.split()[2:] for box in boxes] == [[b"594.95996", b"841.91998"]] * 2
