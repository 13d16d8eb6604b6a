"""The example file and the reference list every setting with its default, and nothing else."""

import json
import re
import tomllib
from pathlib import Path

from wxbot.settings import Setting, describe


def shown(default: object) -> str:
    return json.dumps(list(default) if isinstance(default, tuple) else default, ensure_ascii=False)


def heading(setting: Setting) -> str:
    return f"`[{setting.section}]`" if setting.section else "Before the first section"


def row(setting: Setting) -> str:
    key = f"`{setting.key}`{' (secret)' if setting.is_secret else ''}"
    return f"| {key} | {setting.type} | `{shown(setting.default)}` | {setting.help} |"


def chinese(setting: Setting) -> tuple[str, str]:
    """Return the heading of a setting in Chinese, and its row but for the meaning."""
    names = {
        "text": "文本",
        "list of texts": "文本列表",
        "whole number": "整数",
        "list of whole numbers": "整数列表",
        "number": "数字",
    }
    type_ = names.get(setting.type, setting.type.replace(" or ", " 或 "))
    key = f"`{setting.key}`{'（机密）' if setting.is_secret else ''}"
    title = heading(setting) if setting.section else "第一节之前"
    return title, f"| {key} | {type_} | `{shown(setting.default)}` "


def values(meaning: str) -> set[str]:
    """Return what a meaning names by itself: addresses, settings, points in time, calls."""
    return set(re.findall(r"[a-z_]+(?:://|_[a-z_]+|/)[\w./:-]*[\w/]|\[\w+\]|\d[\d.:T+-]*\d", meaning))


def rows(page: str) -> list[tuple[str, str]]:
    """Return the rows of settings, each with the title above it."""
    title, found = "", []
    for line in page.splitlines():
        title = line.removeprefix("## ") if line.startswith("## ") else title
        found += [(title, line)] if re.match(r"\| `", line) else []
    return found


def test_example_file_is_the_list_of_settings(root: Path) -> None:
    example = tomllib.loads((root / "config.example.toml").read_text())

    expected: dict[str, object] = {}
    for setting in describe():
        section = expected
        for name in setting.section.split(".") if setting.section else ():
            section = section.setdefault(name, {})  # type: ignore[assignment]
        section[setting.key] = json.loads(shown(setting.default))
    assert example == expected


def test_reference_is_the_list_of_settings(root: Path) -> None:
    page = (root / "docs" / "settings.md").read_text()

    assert rows(page) == [(heading(each), row(each)) for each in describe()]


def test_chinese_reference_is_the_same_list(root: Path) -> None:
    found = rows((root / "docs" / "settings.zh-CN.md").read_text("utf-8"))

    assert [
        (title, line[: len(chinese(each)[1])]) for (title, line), each in zip(found, describe(), strict=True)
    ] == [chinese(each) for each in describe()]
    for (_, line), each in zip(found, describe(), strict=True):
        meaning = line.removeprefix(chinese(each)[1])
        assert re.search(r"[一-鿿]", meaning), each.key
        assert values(each.help) <= values(meaning), each.key
