"""Packages of npm's registry that tests use and the product does not."""

import shutil
import subprocess
from pathlib import Path

import pytest

_SECONDS = 120
_OPTIONS = (
    "--no-save",
    "--no-audit",
    "--no-fund",
    "--ignore-scripts",
    "--fetch-timeout=10000",
    "--fetch-retries=3",
)


def install(package: str, folder: Path) -> Path:
    """Install a package of a certain version below a folder; return where it lies, or skip the test."""
    npm = shutil.which("npm")
    if not npm or not shutil.which("node"):
        pytest.skip("needs node and npm: install the packages nodejs and npm")
    try:
        subprocess.run(
            [npm, "install", *_OPTIONS, "--prefix", str(folder), package],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"needs npm's registry for {package}: it did not answer within {_SECONDS} s")
    except subprocess.CalledProcessError as failed:
        pytest.skip(f"needs npm's registry for {package}: {failed.stderr[-500:]}")
    return folder / "node_modules" / package.rpartition("@")[0]
