"""Where everything must run, a skipped test is a failure; elsewhere it says what it would need."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

SUITE = """
import pytest

def test_browser(chromium) -> None:
    pass

@pytest.mark.xfail
def test_known_fault() -> None:
    assert False

def test_good() -> None:
    pass
"""


def run_suite(folder: Path, **environment: str) -> str:
    shutil.copy(Path(__file__).parents[1] / "conftest.py", folder)
    (folder / "test_suite.py").write_text(SUITE)
    (folder / "test_module.py").write_text(
        "import pytest\npytest.skip('no server', allow_module_level=True)\n"
    )
    pytest = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "--rootdir", str(folder)]
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("WXBOT_", "PYTEST_"))
    }
    # Without a PATH there is no browser on any machine.
    done = subprocess.run(
        [*pytest, "--continue-on-collection-errors"],
        cwd=folder,
        env=inherited | {"PATH": "/nowhere"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def test_skips_name_their_reason(tmp_path: Path) -> None:
    output = run_suite(tmp_path)

    assert "1 passed, 2 skipped, 1 xfailed" in output
    assert "needs a browser: install the package chromium" in output


def test_skips_are_failures_where_everything_must_run(tmp_path: Path) -> None:
    output = run_suite(tmp_path, WXBOT_TEST_REQUIRE="all")

    assert "1 failed, 1 passed, 2 errors" in output
    assert output.count("every test must run and pass") >= 3
