"""The API's pages tell the same in both languages, and name every route and every scope."""

import re
from pathlib import Path

from wxbot.api.keys import SCOPES

DOCS = Path(__file__).parents[2] / "docs"
ENGLISH, CHINESE = ((DOCS / name).read_text() for name in ("api.md", "api.zh-CN.md"))


def blocks(page: str) -> list[str]:
    return re.findall(r"^```\w+\n.*?^```$", page, re.MULTILINE | re.DOTALL)


def codes(page: str) -> set[str]:
    """Return what stands in a page's tables as code."""
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    return {each for row in rows for each in re.findall(r"`([^`]+)`", row)}


def test_both_languages_show_the_same() -> None:
    assert len(blocks(ENGLISH)) == 5
    assert blocks(ENGLISH) == blocks(CHINESE)
    assert codes(ENGLISH) == codes(CHINESE)
    assert ENGLISH.count("\n## ") == CHINESE.count("\n## ")


def test_every_scope_is_named() -> None:
    missing = [
        scope
        for scope in SCOPES
        if f"`{scope}`" not in ENGLISH and f"`{scope.partition(':')[0]}:…`" not in ENGLISH
    ]

    assert missing == []
