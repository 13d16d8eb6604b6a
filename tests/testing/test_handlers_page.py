"""What the page of handlers says about tests runs in pytest, pasted whole, with the handlers above it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
# Names a plugin of each section of the page.
MORE = """
def test_taxi_is_called_with_what_the_settings_say(wx: Wx) -> None:
    assert wx.user("bo").scan("taxi").text.endswith("114")
"""


@pytest.mark.parametrize("page", ["handlers.md", "handlers.zh-CN.md"])
def test_pages_tests_pass_with_its_fixtures(page: str, tmp_path: Path) -> None:
    blocks = re.findall(r"^```python[^\n]*\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "test_page.py").write_text("\n".join([*blocks, MORE]))
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
