"""What the page of handlers says about tests runs in pytest, pasted whole, with the handlers above it."""

import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from wxbot.testing import Wx

DOCS = Path(__file__).parents[2] / "docs"
# Names a plugin of each section of the page.
MORE = """
def test_taxi_is_called_with_what_the_settings_say(wx: Wx) -> None:
    assert wx.user("bo").scan("taxi").text.endswith("114")
"""


def pasted(page: str) -> str:
    blocks = re.findall(r"^```python[^\n]*\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
    return "\n".join([*blocks, MORE])


def test_pages_tests_pass_with_its_fixtures(tmp_path: Path) -> None:
    (tmp_path / "test_page.py").write_text(pasted("handlers.md"))
    # The report is one of the handlers of the checkout, whom the fixtures replace.
    chosen = ["-k", "not report", "-p", "no:cacheprovider", "-o", "addopts=", "--rootdir", str(tmp_path)]

    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *chosen, "test_page.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )

    assert result.returncode == 0, result.stdout
    assert "3 passed, 1 deselected" in result.stdout


def test_chinese_pages_tests_pass_with_its_fixtures_too(tmp_path: Path) -> None:
    """In this process: its code is that of the other page (tests/docs/test_twins.py), but for its texts."""
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(pasted("handlers.zh-CN.md"), "handlers.zh-CN.md", "exec"), names)
    plugins, settings = (inspect.unwrap(names[fixture])() for fixture in ("wx_plugins", "wx_settings"))
    # Without the page's deadline, which is about the machine.
    tests = [name for name in names if name.startswith("test_") and "report" not in name]

    for name in tests:
        wx = Wx(tmp_path / name, plugins=plugins, overrides={**settings, "callback": {}})
        try:
            names[name](wx)
        finally:
            wx.close()

    assert len(tests) == 3
