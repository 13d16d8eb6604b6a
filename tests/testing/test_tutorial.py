"""What the tutorial has its reader write works, and its test passes with its handler, in both languages."""

import re
from pathlib import Path
from typing import Any

import pytest

from wxbot.testing import Wx

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["tutorial.md", "tutorial.zh-CN.md"])
def test_tutorials_test_passes_with_its_handler(page: str, tmp_path: Path) -> None:
    handler, test, site = re.findall(
        r"^```python\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL
    )
    names: dict[str, Any] = {"__name__": "tutorial"}
    for block in (handler, test, site):
        exec(compile(block, page, "exec"), names)
    wx = Wx(tmp_path, plugins=[names["plugin"]])

    try:
        names["test_newcomer_is_greeted_and_a_repeat_runs_nothing"](wx)
    finally:
        wx.close()


def test_both_languages_give_the_same_commands() -> None:
    english, chinese = (
        re.findall(r"^```bash\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
        for page in ("tutorial.md", "tutorial.zh-CN.md")
    )

    assert len(english) == 7
    assert [block.split("#")[0] for block in english] == [block.split("#")[0] for block in chinese]
