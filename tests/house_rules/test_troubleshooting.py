"""What the page of troubles quotes as said by wxbot is said by wxbot, and both languages quote the same."""

import re
from pathlib import Path

LANGUAGES = ("troubleshooting.md", "troubleshooting.zh-CN.md")


def quoted(page: str) -> list[str]:
    """Return the words of wxbot that the page's tables begin with, or have behind one of WeChat's codes."""
    rows = re.findall(r"^\| (?:(?:\d{5}|none|无) \| )?(`.*?) \|", page, re.MULTILINE)
    return [
        words.strip()
        for row in rows
        for words in re.findall(r"(?:``(.+?)``|`(.+?)`)", row)
        for words in words
        if words
    ]


def test_every_line_is_said_by_the_code(root: Path, texts: dict[Path, str]) -> None:
    code = "\n".join(
        text for path, text in texts.items() if path.parts[0] == "wxbot" and path.suffix == ".py"
    )
    # A sentence may go over several lines of code.
    said = re.sub(r'"\s*\n\s*f?"', "", code)
    words = quoted((root / "docs" / LANGUAGES[0]).read_text())

    assert len(words) > 50
    assert [each for each in words if each not in said] == []


def test_both_languages_quote_the_same(root: Path) -> None:
    english, chinese = ((root / "docs" / page).read_text() for page in LANGUAGES)

    assert quoted(english) == quoted(chinese)
    assert english.count("\n##") == chinese.count("\n##")


def test_texts_for_people_are_the_defaults(root: Path, texts: dict[Path, str]) -> None:
    shipped = "\n".join(text for path, text in texts.items() if path.parts[0] in {"wxbot", "handlers"})
    for page in LANGUAGES:
        rows = re.findall(
            r"^\| (?:`\w+` \| )?([一-鿿][^|`]*[一-鿿]) \|", (root / "docs" / page).read_text(), re.MULTILINE
        )
        texts_of_ours = [row for row in rows if row.startswith(("抱歉", "欢迎", "正在", "已经", "这个"))]

        assert len(texts_of_ours) == 7
        assert [row for row in texts_of_ours if row not in shipped] == []
