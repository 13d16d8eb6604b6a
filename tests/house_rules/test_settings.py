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
    title, rows = "", []
    for line in page.splitlines():
        title = line.removeprefix("## ") if line.startswith("## ") else title
        rows += [(title, line)] if re.match(r"\| `", line) else []

    assert rows == [(heading(each), row(each)) for each in describe()]
