"""Puts tables into the pages about speed, between marks: `[//]: # (figures: NAME)` and `[//]: # (end)`.

That is a link that nothing uses: unlike a comment it shows nowhere, also where HTML is not let through.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from bench.speed.extras import ROOT

PAGES = {"en": ROOT / "docs" / "performance.md", "zh": ROOT / "docs" / "performance.zh-CN.md"}
PICTURE = ROOT / "docs" / "images" / "speed.svg"


def insert(language: str, texts: Mapping[str, str], page: Path | None = None) -> None:
    """Replace what stands between the marks of each name; ValueError when the page has no such marks."""
    file = page or PAGES[language]
    text = file.read_text(encoding="utf-8")
    for name, new in texts.items():
        marks = re.compile(rf"(\[//\]: # \(figures: {re.escape(name)}\)\n).*?(\[//\]: # \(end\))", re.DOTALL)
        if not marks.search(text):
            raise ValueError(
                f"{file.name} has no place for {name!r}: add [//]: # (figures: {name}) and [//]: # (end)"
            )
        text = marks.sub(lambda found, new=new: f"{found[1]}\n{new}\n\n{found[2]}", text)  # type: ignore[misc]
    file.write_text(text, encoding="utf-8")
